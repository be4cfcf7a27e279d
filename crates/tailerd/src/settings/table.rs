//! Every setting of the server: its key in `tailerd.toml`, its default, its meaning. The one place to add a setting.
//!
//! The environment variable follows from the key: `TAILERD_` and the key in capitals, dots as underscores.

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// Relative paths are relative to the working folder.
    Path,
    /// `host:port`.
    Address,
    /// `https://host[:port]`.
    Url,
    /// `15s`, `500ms`, `2m`.
    Time,
    /// A whole number above zero.
    Count,
    /// `true` or `false`.
    Flag,
    Choice(&'static [&'static str]),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// Dotted: a key of the root table or of one sub-table.
    pub(crate) key: &'static str,
    pub(crate) kind: Kind,
    /// `None`: unset unless somebody sets it.
    pub(crate) default: Option<&'static str>,
    /// Never printed.
    pub(crate) secret: bool,
    pub(crate) help: &'static str,
}

impl Setting {
    /// `oidc.issuer` is `TAILERD_OIDC_ISSUER`.
    pub(crate) fn variable(&self) -> String {
        format!("TAILERD_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }
}

const fn setting(key: &'static str, kind: Kind, default: Option<&'static str>, help: &'static str) -> Setting {
    Setting { key, kind, default, secret: false, help }
}

/// Root keys first, then one table after the other: the order in which they are printed.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("data", Kind::Path, Some("./tailerd-data"), "data folder: metadata, keys, buckets, warehouse"),
    setting("listen", Kind::Address, Some("127.0.0.1:8080"), "address to listen on; port 0 takes a free one"),
    setting("role", Kind::Choice(&["all", "api", "worker"]), Some("all"), "what this server does"),
    setting("name", Kind::Text, None, "name of this server among those that share a store"),
    setting("audience", Kind::Text, None, "audience that tokens must carry; http://<listen address> when unset"),
    setting(
        "public_url",
        Kind::Url,
        None,
        "where people reach the Studio, such as https://tailer.example.com; the address it listens on when unset",
    ),
    setting("grace_time", Kind::Time, Some("30s"), "how long running work may go on after SIGTERM"),
    setting("lease", Kind::Time, Some("15s"), "how soon another worker takes over the runs of a dead one"),
    setting("reconcile_every", Kind::Time, Some("5s"), "how often background activities look without being poked"),
    setting("poll_every", Kind::Time, Some("10s"), "how often folders that cannot be watched are listed"),
    setting("file_rest", Kind::Time, Some("2s"), "a local file is taken when it has not changed for so long"),
    setting("max_running", Kind::Count, Some("16"), "runs executed at once by this server"),
    setting(
        "max_running_tasks",
        Kind::Count,
        None,
        "tasks executed at once by this server; without a bound when unset",
    ),
    setting("log.filter", Kind::Text, Some("info"), "what is logged, such as info,tailer_engine=debug"),
    setting("log.format", Kind::Choice(&["text", "json"]), Some("text"), "form of log lines on standard error"),
    setting(
        "metrics.public",
        Kind::Flag,
        Some("false"),
        "answer /metrics to everyone, not only to this machine and to tokens",
    ),
    setting(
        "catalog.preview",
        Kind::Flag,
        Some("true"),
        "show the first rows of tables in the Studio's catalogue, to operators",
    ),
    setting("limits.requests_per_second", Kind::Count, Some("50000"), "requests per second that one token may keep up"),
    setting("limits.burst", Kind::Count, Some("100000"), "requests that one token may send at once after a pause"),
    setting("limits.in_flight_per_token", Kind::Count, Some("512"), "requests of one token in flight"),
    setting("limits.in_flight", Kind::Count, Some("2048"), "requests in flight altogether"),
    setting("limits.connections", Kind::Count, Some("4096"), "open connections; further ones wait"),
    setting("history.days", Kind::Count, None, "runs that ended longer ago are pruned; kept when unset"),
    setting("history.runs", Kind::Count, None, "newest runs of each operation that are kept; all when unset"),
    setting("audit.days", Kind::Count, None, "entries of the audit log that are older are pruned; kept when unset"),
    setting(
        "secrets.env",
        Kind::Text,
        None,
        "variables that secrets of configurations may name, separated by commas, beside TAILERD_SECRET_*",
    ),
    setting(
        "secrets.files",
        Kind::Path,
        None,
        "folder of the files that secrets of configurations may name; secrets/ in the data folder when unset",
    ),
    setting("oidc.issuer", Kind::Text, None, "OIDC issuer whose ID tokens are taken, as it writes itself in iss"),
    setting("oidc.client_id", Kind::Text, None, "id of this server at the issuer"),
    Setting {
        key: "oidc.client_secret",
        kind: Kind::Text,
        default: None,
        secret: true,
        help: "secret of this server at the issuer; none for a public client",
    },
    setting(
        "oidc.audience",
        Kind::Text,
        None,
        "audiences of bearer tokens, separated by commas; the client_id when unset",
    ),
    setting("oidc.jwks_url", Kind::Text, None, "where the issuer's keys are; as it describes itself when unset"),
    setting("oidc.scopes", Kind::Text, Some("openid email profile"), "what a sign-in asks the issuer for"),
    setting("oidc.name", Kind::Text, Some("single sign-on"), "what the button of the sign-in is called"),
    setting(
        "alerts.email_to",
        Kind::Text,
        None,
        "who gets alerts of operations that name nobody, separated by semicolons",
    ),
    Setting {
        key: "alerts.webhook_url",
        kind: Kind::Text,
        default: None,
        secret: true,
        help: "webhook for alerts of operations that name no channel",
    },
    Setting {
        key: "alerts.webhook_secret",
        kind: Kind::Text,
        default: None,
        secret: true,
        help: "what signs the documents that alerts.webhook_url gets",
    },
    Setting {
        key: "alerts.slack_url",
        kind: Kind::Text,
        default: None,
        secret: true,
        help: "incoming webhook of Slack for alerts of operations that name no channel",
    },
    setting(
        "alerts.webhook_hosts",
        Kind::Text,
        None,
        "hosts, or host:port, separated by commas, that webhooks of operations may name though they are not public or not encrypted",
    ),
    setting(
        "alerts.per_minute",
        Kind::Count,
        Some("10"),
        "messages of one alert that a destination gets in a minute; what is more comes in one message",
    ),
    setting("alerts.retry_first", Kind::Time, Some("5s"), "how soon an alert is tried again; doubled each time"),
    setting("alerts.retry_longest", Kind::Time, Some("10m"), "longest time between two attempts"),
    setting("alerts.give_up", Kind::Time, Some("24h"), "how long an alert is tried"),
    setting("alerts.timeout", Kind::Time, Some("30s"), "how long one message may take"),
    setting("alerts.smtp.host", Kind::Text, None, "SMTP server that takes mail; no mail is sent when unset"),
    setting("alerts.smtp.port", Kind::Count, None, "its port; 587, with tls 465, with none 25 when unset"),
    setting(
        "alerts.smtp.tls",
        Kind::Choice(&["starttls", "tls", "none"]),
        Some("starttls"),
        "how the connection is encrypted: after STARTTLS, from the beginning, or not at all",
    ),
    setting("alerts.smtp.username", Kind::Text, None, "with alerts.smtp.password: who logs in"),
    Setting {
        key: "alerts.smtp.password",
        kind: Kind::Text,
        default: None,
        secret: true,
        help: "with alerts.smtp.username: the password",
    },
    setting("alerts.smtp.from", Kind::Text, None, "sender of mails; with alerts.smtp.host it must be set"),
    setting("tls.certificate", Kind::Path, None, "PEM file of the certificate chain; with tls.key turns on TLS"),
    setting("tls.key", Kind::Path, None, "PEM file of the private key"),
    Setting {
        key: "store.url",
        kind: Kind::Text,
        default: None,
        secret: true,
        help: "PostgreSQL for the metadata, postgresql://user:password@host/database; SQLite in the data folder when unset",
    },
    setting(
        "warehouse.export_file_bytes",
        Kind::Count,
        None,
        "exported files are split at this size; about 1 GB when unset",
    ),
    setting("warehouse.threads", Kind::Count, None, "threads of the embedded warehouse; all cores when unset"),
    setting(
        "warehouse.memory",
        Kind::Text,
        None,
        "memory of the embedded warehouse, such as 2GB; its own default when unset",
    ),
    setting(
        "warehouse.worker",
        Kind::Text,
        None,
        "with store.url: the name of the one server that owns the embedded warehouse and the local folders",
    ),
];

/// The setting of a key.
pub(crate) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|s| s.key == key)
}

/// The key most like `unknown`, if any is near: for hints.
pub(crate) fn nearest(unknown: &str) -> Option<&'static str> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |key: &str| {
        let whole = strsim::jaro_winkler(unknown, key);
        // A key in the wrong table is a likely slip: `[server] listen`.
        if last(unknown) == last(key) { whole.max(0.95) } else { whole }
    };
    SETTINGS
        .iter()
        .map(|s| (likeness(s.key), s.key))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        let mut keys: Vec<_> = SETTINGS.iter().map(|s| s.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), SETTINGS.len(), "a key stands twice");
        let tables: Vec<_> = SETTINGS.iter().map(|s| s.key.split_once('.').map(|(t, _)| t)).collect();
        let mut blocks = tables.clone();
        blocks.dedup();
        let mut distinct = blocks.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(blocks.len(), distinct.len(), "each table is one block, root keys first");
        assert!(tables.first().is_some_and(Option::is_none), "root keys first");
    }

    #[test]
    fn slips_find_their_key() {
        let check = |unknown: &str, expect: Option<&str>| assert_eq!(nearest(unknown), expect, "{unknown}");
        check("listn", Some("listen"));
        check("grace-time", Some("grace_time"));
        check("server.listen", Some("listen"));
        check("log.formt", Some("log.format"));
        check("xyzzy", None);
    }
}
