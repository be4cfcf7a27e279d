//! The settings as types, made from [`Layers`] with every problem reported at once.

use std::{collections::BTreeSet, path::PathBuf, str::FromStr, time::Duration};

use tailer_engine::History;
use tailer_model::Secret;
use tailer_server::{Limits, OidcSettings};
use tailer_warehouse::embedded::EmbeddedSettings;

use super::{
    alerts::{self, Alerts},
    layers::Layers,
    oidc,
    projects::ProjectSettings,
    storage::StorageSettings,
    table::{self, Kind},
};
use crate::{cli::Span, failure::Failure};

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    All,
    Api,
    Worker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Everything a server needs to know. See `table.rs` for the meaning of each.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    /// `host:port`
    pub(crate) listen: String,
    pub(crate) role: Role,
    /// Of this server, among those that share a store.
    pub(crate) name: Option<String>,
    /// `None`: SQLite in the data folder.
    pub(crate) store_url: Option<Secret<String>>,
    pub(crate) audience: Option<String>,
    /// Scheme, host and port, without a slash at the end.
    pub(crate) public_url: Option<String>,
    pub(crate) oidc: Option<OidcSettings>,
    pub(crate) grace_time: Duration,
    pub(crate) lease: Duration,
    pub(crate) reconcile_every: Duration,
    pub(crate) poll_every: Duration,
    pub(crate) file_rest: Duration,
    pub(crate) max_running: usize,
    pub(crate) max_running_tasks: Option<usize>,
    pub(crate) history: History,
    pub(crate) log_filter: String,
    pub(crate) log_format: LogFormat,
    pub(crate) metrics_for_everyone: bool,
    pub(crate) catalog_preview: bool,
    pub(crate) limits: Limits,
    pub(crate) alerts: Alerts,
    pub(crate) tls: Option<Tls>,
    /// Variables that configurations may name, beside those of the prefix.
    pub(crate) secret_variables: BTreeSet<String>,
    /// `None`: the data folder's own.
    pub(crate) secret_files: Option<PathBuf>,
    /// What stands behind each bucket.
    pub(crate) storage: StorageSettings,
    pub(crate) warehouse: EmbeddedSettings,
    /// What stands behind each project.
    pub(crate) projects: ProjectSettings,
    /// The server that owns the embedded warehouse of a shared store.
    pub(crate) warehouse_worker: Option<String>,
}

impl Settings {
    /// # Errors
    /// Names every setting whose value is wrong, where the value came from, and what is expected.
    pub(crate) fn from_layers(layers: &Layers) -> Result<Self, Failure> {
        let mut reader = Reader { layers, problems: Vec::new() };
        let settings = reader.settings();
        match settings {
            Some(settings) if reader.problems.is_empty() => Ok(settings),
            _ => Err(Failure::usage(reader.problems.join("\n"))),
        }
    }
}

/// Reads typed values and gathers what is wrong.
struct Reader<'a> {
    layers: &'a Layers,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn settings(&mut self) -> Option<Settings> {
        let role = self.required("role", |text| match text {
            "all" => Some(Role::All),
            "api" => Some(Role::Api),
            "worker" => Some(Role::Worker),
            _ => None,
        });
        let log_format = self.required("log.format", |text| match text {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        });
        let log_filter = self.required("log.filter", |text| {
            tracing_subscriber::EnvFilter::from_str(text).is_ok().then(|| text.to_owned())
        });
        let (data, listen) = (self.required("data", path), self.required("listen", address));
        let (grace_time, lease) = (self.time("grace_time"), self.time("lease"));
        let (reconcile_every, poll_every) = (self.time("reconcile_every"), self.time("poll_every"));
        let (file_rest, max_running) = (self.time("file_rest"), self.required("max_running", count));
        let max_running_tasks = self.optional("max_running_tasks", count);
        let history = History {
            days: self.optional("history.days", small_count),
            runs: self.optional("history.runs", small_count),
            audit_days: self.optional("audit.days", small_count),
        };
        let (audience, tls) = (self.optional("audience", text), self.tls());
        let public_url = self.optional("public_url", origin);
        let oidc = oidc::from_layers(self.layers, &mut self.problems);
        let alerts = alerts::from_layers(self.layers, &mut self.problems);
        let metrics_for_everyone = self.required("metrics.public", |text| text.parse().ok());
        let catalog_preview = self.required("catalog.preview", |text| text.parse().ok());
        let limits = self.limits();
        let secret_variables = self.optional("secrets.env", names).unwrap_or_default();
        let secret_files = self.optional("secrets.files", path);
        let storage = StorageSettings::from_layers(&self.layers.storage, &mut self.problems);
        let projects = ProjectSettings::from_layers(&self.layers.projects, &mut self.problems);
        let name = self.optional("name", text);
        let store_url = self.optional("store.url", text).map(Secret::new);
        let warehouse_worker = self.optional("warehouse.worker", text);
        let warehouse = EmbeddedSettings {
            threads: self.optional("warehouse.threads", small_count),
            memory_limit: self.optional("warehouse.memory", memory),
            export_file_bytes: self.optional("warehouse.export_file_bytes", count).map(|bytes| bytes as u64),
        };
        Some(Settings {
            data: data?,
            listen: listen?,
            role: role?,
            name,
            store_url,
            audience,
            public_url,
            oidc,
            grace_time: grace_time?,
            lease: lease?,
            reconcile_every: reconcile_every?,
            poll_every: poll_every?,
            file_rest: file_rest?,
            max_running: max_running?,
            max_running_tasks,
            history,
            log_filter: log_filter?,
            log_format: log_format?,
            metrics_for_everyone: metrics_for_everyone?,
            catalog_preview: catalog_preview?,
            limits: limits?,
            alerts: alerts?,
            tls,
            secret_variables,
            secret_files,
            storage,
            warehouse,
            projects,
            warehouse_worker,
        })
    }

    fn tls(&mut self) -> Option<Tls> {
        match (self.optional("tls.certificate", path), self.optional("tls.key", path)) {
            (Some(certificate), Some(key)) => Some(Tls { certificate, key }),
            (None, None) => None,
            (certificate, _) => {
                let missing = if certificate.is_some() { "tls.key" } else { "tls.certificate" };
                self.problems.push(format!("{missing} is missing: TLS needs both tls.certificate and tls.key"));
                None
            }
        }
    }

    fn limits(&mut self) -> Option<Limits> {
        let rate = self.required("limits.requests_per_second", small_count);
        let burst = self.required("limits.burst", small_count);
        let per_token = self.required("limits.in_flight_per_token", count);
        let in_flight = self.required("limits.in_flight", count);
        let connections = self.required("limits.connections", count);
        Some(Limits {
            requests_per_second: rate?,
            burst: burst?,
            in_flight_per_principal: per_token?,
            in_flight: in_flight?,
            connections: connections?,
        })
    }

    fn time(&mut self, key: &str) -> Option<Duration> {
        self.required(key, |text| text.parse::<Span>().ok().map(|span| span.0))
    }

    /// A value that has a default, so that it can only be wrong, not missing.
    fn required<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.optional(key, parse)
    }

    fn optional<T>(&mut self, key: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.layers.get(key)?;
        let parsed = parse(value.text.trim());
        if parsed.is_none() {
            let expected = table::find(key).map_or_else(String::new, |setting| expected(setting.kind));
            self.problems.push(format!("setting {key} (from {}): {expected}, got {:?}", value.origin, value.text));
        }
        parsed
    }
}

/// What a value of a kind looks like, for messages.
fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text => "not a valid value".into(),
        Kind::Path => "expected a path".into(),
        Kind::Address => "expected host:port, such as 127.0.0.1:8080".into(),
        Kind::Url => "expected a scheme, a host and nothing after the port, such as https://tailer.example.com".into(),
        Kind::Time => "expected a length of time, such as \"15s\", \"500ms\" or \"2m\"".into(),
        Kind::Count => "expected a whole number above zero".into(),
        Kind::Flag => "expected true or false".into(),
        Kind::Choice(values) => format!("expected one of {}", values.join(", ")),
    }
}

/// `https://tailer.example.com`: nothing after the host and port but a slash.
fn origin(text: &str) -> Option<String> {
    let url =
        reqwest::Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())?;
    let origin = url.origin().ascii_serialization();
    (url.as_str().trim_end_matches('/') == origin).then_some(origin)
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// `A, B`
fn names(text: &str) -> Option<BTreeSet<String>> {
    let names: BTreeSet<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    (!names.contains("")).then_some(names)
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|n| *n > 0)
}

fn small_count(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| *n > 0)
}

/// `2GB`, `512MiB`: what DuckDB takes as a memory limit.
fn memory(text: &str) -> Option<String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let known = ["KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"].contains(&unit.trim());
    (known && number.parse::<f64>().is_ok_and(|n| n > 0.0)).then(|| text.to_owned())
}

fn address(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    (!host.is_empty() && port.parse::<u16>().is_ok()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn read(file: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tailerd.toml");
        std::fs::write(&path, file).unwrap();
        let mut layers = Layers::defaults();
        let result = layers.file(&path).and_then(|()| {
            layers.environment(variables.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))));
            Settings::from_layers(&layers)
        });
        result.map_err(|e| e.message.replace(&path.display().to_string(), "tailerd.toml"))
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let file = "listen = \"127.0.0.1:9000\"\nlease = \"2m\"\nmax_running = 3\n[log]\nformat = \"json\"\n";
        let settings = read(file, &[("TAILERD_LISTEN", "0.0.0.0:1"), ("TAILERD_LEASE", "")]).unwrap();
        assert_eq!(settings.listen, "0.0.0.0:1");
        assert_eq!(settings.lease, Duration::from_secs(120));
        assert_eq!((settings.max_running, settings.log_format), (3, LogFormat::Json));
        assert_eq!(settings.audience, None);
    }

    #[test]
    fn problems_come_all_at_once_with_their_place() {
        let check = |file: &str, variables: &[(&str, &str)], expect: &str| {
            assert_eq!(read(file, variables).unwrap_err(), expect);
        };
        check(
            "listn = 1\n[log]\nformt = \"json\"\n[zebra]\nx = 1\n",
            &[],
            "tailerd.toml: unknown key `listn`; did you mean `listen`?\n\
             tailerd.toml: unknown key `log.formt`; did you mean `log.format`?\n\
             tailerd.toml: unknown key `zebra.x`",
        );
        check("listen = [1]\n", &[], "tailerd.toml: listen: expected text or a number");
        check(
            "listen = \n",
            &[],
            "tailerd.toml: line 1, column 10: string values must be quoted, expected literal string",
        );
        check(
            "lease = 15\nrole = \"boss\"\n",
            &[("TAILERD_MAX_RUNNING", "0")],
            "setting role (from tailerd.toml): expected one of all, api, worker, got \"boss\"\n\
             setting lease (from tailerd.toml): expected a length of time, such as \"15s\", \"500ms\" or \"2m\", got \"15\"\n\
             setting max_running (from TAILERD_MAX_RUNNING): expected a whole number above zero, got \"0\"",
        );
        check(
            "[tls]\nkey = \"k.pem\"\n",
            &[],
            "tls.certificate is missing: TLS needs both tls.certificate and tls.key",
        );
    }
}
