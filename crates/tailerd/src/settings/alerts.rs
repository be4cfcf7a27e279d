//! How this server tells people what became of runs: the tables `[alerts]` and `[alerts.smtp]`.

use std::{collections::BTreeSet, time::Duration};

use tailer_model::{
    Secret,
    monitoring::{is_address, recipients},
};
use tailer_notify::{Encryption, SmtpSettings};

use super::layers::Layers;
use crate::cli::Span;

/// See `table.rs` for the meaning of each.
#[derive(Debug, Clone)]
pub(crate) struct Alerts {
    pub(crate) email_to: Vec<String>,
    pub(crate) webhook: Option<Webhook>,
    pub(crate) slack: Option<Secret<String>>,
    pub(crate) webhook_hosts: BTreeSet<String>,
    pub(crate) per_minute: u32,
    pub(crate) retry_first: Duration,
    pub(crate) retry_longest: Duration,
    pub(crate) give_up: Duration,
    pub(crate) timeout: Duration,
    pub(crate) smtp: Option<SmtpSettings>,
}

/// The server's own webhook.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) url: Secret<String>,
    pub(crate) secret: Option<Secret<String>>,
}

/// Gathers what is wrong.
struct Reader<'a> {
    layers: &'a Layers,
    problems: &'a mut Vec<String>,
}

/// The typed settings; what is wrong goes to `problems`.
pub(super) fn from_layers(layers: &Layers, problems: &mut Vec<String>) -> Option<Alerts> {
    let mut reader = Reader { layers, problems };
    let email_to = reader.read("alerts.email_to", "addresses with \";\" between them", |text| recipients(text).ok());
    let url = reader.secret_url("alerts.webhook_url");
    let secret = reader.text("alerts.webhook_secret").map(|text| Secret::new(text.to_owned()));
    if secret.is_some() && url.is_none() {
        reader.problems.push("alerts.webhook_secret is set, but alerts.webhook_url is missing".to_owned());
    }
    let slack = reader.secret_url("alerts.slack_url");
    let hosts = reader.read("alerts.webhook_hosts", "hosts, or host:port, with commas between them", hosts);
    let per_minute = reader.read("alerts.per_minute", "a whole number above zero", count);
    let retry_first = reader.time("alerts.retry_first");
    let retry_longest = reader.time("alerts.retry_longest");
    let give_up = reader.time("alerts.give_up");
    let timeout = reader.time("alerts.timeout");
    let smtp = reader.smtp(timeout.unwrap_or_default());
    if smtp.is_none() && email_to.is_some() {
        reader.problems.push("alerts.email_to is set, but alerts.smtp.host is missing".to_owned());
    }
    Some(Alerts {
        email_to: email_to.unwrap_or_default(),
        webhook: url.map(|url| Webhook { url, secret }),
        slack,
        webhook_hosts: hosts.unwrap_or_default(),
        per_minute: per_minute?,
        retry_first: retry_first?,
        retry_longest: retry_longest?,
        give_up: give_up?,
        timeout: timeout?,
        smtp,
    })
}

impl<'a> Reader<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.layers.get(key).map(|value| value.text.trim()).filter(|text| !text.is_empty())
    }

    fn read<T>(&mut self, key: &str, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(key)?;
        let parsed = parse(text);
        if parsed.is_none() {
            let origin = self.layers.get(key).map(|value| value.origin.to_string()).unwrap_or_default();
            self.problems.push(format!("setting {key} (from {origin}): expected {expected}, got {text:?}"));
        }
        parsed
    }

    fn time(&mut self, key: &str) -> Option<Duration> {
        let expected = "a length of time, such as \"15s\", \"500ms\" or \"2m\"";
        self.read(key, expected, |text| text.parse::<Span>().ok().map(|span| span.0))
    }

    /// Not quoted when it is wrong: whoever knows it can call it.
    fn secret_url(&mut self, key: &str) -> Option<Secret<String>> {
        let text = self.text(key)?;
        let good =
            reqwest::Url::parse(text).is_ok_and(|url| ["https", "http"].contains(&url.scheme()) && url.has_host());
        if !good {
            self.problems.push(format!("setting {key}: expected an address such as https://hooks.example.com/alerts"));
        }
        good.then(|| Secret::new(text.to_owned()))
    }

    fn smtp(&mut self, timeout: Duration) -> Option<SmtpSettings> {
        let Some(host) = self.text("alerts.smtp.host") else {
            let lonely = ["port", "username", "password", "from"].map(|key| format!("alerts.smtp.{key}"));
            if let Some(key) = lonely.iter().find(|key| self.text(key).is_some()) {
                self.problems.push(format!("{key} is set, but alerts.smtp.host is missing"));
            }
            return None;
        };
        let encryption = self.read("alerts.smtp.tls", "one of starttls, tls, none", |text| match text {
            "starttls" => Some(Encryption::StartTls),
            "tls" => Some(Encryption::Tls),
            "none" => Some(Encryption::None),
            _ => None,
        });
        let usual = match encryption {
            Some(Encryption::Tls) => 465,
            Some(Encryption::None) => 25,
            _ => 587,
        };
        let port = self.read("alerts.smtp.port", "a port from 1 to 65535", |text| text.parse().ok().filter(|n| *n > 0));
        let from = self.read("alerts.smtp.from", "an e-mail address", |text| is_address(text).then(|| text.to_owned()));
        if self.text("alerts.smtp.from").is_none() {
            self.problems.push("alerts.smtp.from is missing: the address that mails come from".to_owned());
        }
        let (user, password) = (self.text("alerts.smtp.username"), self.text("alerts.smtp.password"));
        let login = match (user, password) {
            (Some(user), Some(password)) => Some((user.to_owned(), Secret::new(password.to_owned()))),
            (None, None) => None,
            (user, _) => {
                let missing = if user.is_some() { "alerts.smtp.password" } else { "alerts.smtp.username" };
                let why = "a login needs both alerts.smtp.username and alerts.smtp.password";
                self.problems.push(format!("{missing} is missing: {why}"));
                None
            }
        };
        let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if login.is_some() && encryption == Some(Encryption::None) && !here {
            let why = "the password would be read on its way";
            self.problems.push(format!("alerts.smtp.tls is none, and there is a login: {why}"));
        }
        Some(SmtpSettings {
            host: host.to_owned(),
            port: port.unwrap_or(usual),
            encryption: encryption?,
            login,
            from: from?,
            timeout,
        })
    }
}

fn count(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| *n > 0)
}

/// `hooks.internal, 10.0.0.7:9000, [::1]:9000`, in lower case as addresses are compared.
fn hosts(text: &str) -> Option<BTreeSet<String>> {
    let hosts: BTreeSet<String> = text.split(',').map(|host| host.trim().to_ascii_lowercase()).collect();
    let good = |host: &String| {
        !host.is_empty()
            && !host.contains('/')
            && reqwest::Url::parse(&format!("https://{host}/"))
                .is_ok_and(|url| url.has_host() && url.username().is_empty())
    };
    hosts.iter().all(good).then_some(hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Alerts, Vec<String>> {
        let mut layers = Layers::defaults();
        let name = |key: &str| format!("TAILERD_ALERTS_{key}");
        layers.environment(variables.iter().map(|(key, value)| (name(key).into(), (*value).into())));
        let mut problems = Vec::new();
        let found = from_layers(&layers, &mut problems);
        if problems.is_empty() { Ok(found.unwrap()) } else { Err(problems) }
    }

    #[test]
    fn a_server_that_tells_by_mail() {
        assert!(settings(&[]).unwrap().smtp.is_none());
        let smtp = [("SMTP_HOST", "mail.x.com"), ("SMTP_FROM", "Tailer <t@x.com>"), ("EMAIL_TO", "a@x.com; b@x.com")];
        let found = settings(&smtp).unwrap();
        assert_eq!(found.email_to, ["a@x.com", "b@x.com"]);
        let smtp_found = found.smtp.unwrap();
        assert_eq!(
            (smtp_found.port, smtp_found.encryption, smtp_found.login.is_some()),
            (587, Encryption::StartTls, false)
        );
        let tls = [&smtp[..], &[("SMTP_TLS", "tls"), ("SMTP_USERNAME", "u"), ("SMTP_PASSWORD", "hunter2")]].concat();
        let found = settings(&tls).unwrap();
        assert_eq!(found.smtp.as_ref().map(|smtp| smtp.port), Some(465));
        assert!(!format!("{found:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_wrong_is_said_at_once() {
        let found = settings(&[
            ("EMAIL_TO", "nobody"),
            ("WEBHOOK_URL", "hunter2"),
            ("WEBHOOK_HOSTS", "a/b"),
            ("GIVE_UP", "soon"),
            ("SMTP_HOST", "mail.x.com"),
            ("SMTP_TLS", "none"),
            ("SMTP_PORT", "99999"),
            ("SMTP_USERNAME", "u"),
            ("SMTP_PASSWORD", "p"),
        ]);
        let from =
            |key: &str| format!("setting alerts.{key} (from TAILERD_ALERTS_{})", key.replace('.', "_").to_uppercase());
        let expect = [
            format!("{}: expected addresses with \";\" between them, got \"nobody\"", from("email_to")),
            "setting alerts.webhook_url: expected an address such as https://hooks.example.com/alerts".to_owned(),
            format!("{}: expected hosts, or host:port, with commas between them, got \"a/b\"", from("webhook_hosts")),
            format!(
                "{}: expected a length of time, such as \"15s\", \"500ms\" or \"2m\", got \"soon\"",
                from("give_up")
            ),
            format!("{}: expected a port from 1 to 65535, got \"99999\"", from("smtp.port")),
            "alerts.smtp.from is missing: the address that mails come from".to_owned(),
            "alerts.smtp.tls is none, and there is a login: the password would be read on its way".to_owned(),
        ];
        assert_eq!(found.unwrap_err(), expect);
        assert_eq!(
            settings(&[("SMTP_FROM", "a@x.com"), ("EMAIL_TO", "a@x.com"), ("WEBHOOK_SECRET", "s")]).unwrap_err(),
            [
                "alerts.webhook_secret is set, but alerts.webhook_url is missing",
                "alerts.smtp.from is set, but alerts.smtp.host is missing",
                "alerts.email_to is set, but alerts.smtp.host is missing",
            ]
        );
        assert_eq!(
            settings(&[("SMTP_HOST", "h"), ("SMTP_FROM", "a@x.com"), ("SMTP_PASSWORD", "p")]).unwrap_err(),
            ["alerts.smtp.username is missing: a login needs both alerts.smtp.username and alerts.smtp.password"]
        );
    }

    #[test]
    fn hosts_have_ports_or_none() {
        let found = hosts("Hooks.internal, 10.0.0.7:9000").unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["10.0.0.7:9000", "hooks.internal"]);
        for bad in ["", "a,,b", "https://a", "a b", "u@h"] {
            assert_eq!(hosts(bad), None, "{bad}");
        }
    }
}
