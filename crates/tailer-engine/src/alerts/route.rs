//! Where alerts of an operation go.
//!
//! An operation that names a channel is told about there and nowhere else; one that names none, on the server's own channels. Two
//! operations of an account that write to the same place share a destination: their messages are counted together, and may
//! be one.

use sha2::{Digest as _, Sha256};
use tailer_model::{
    AccountId, Configuration, ConfigurationType, Monitoring, Problem,
    monitoring::{Channel, Email},
};
use tailer_store::{ConfigurationKey, Tx};

use super::{AlertSettings, Hook};
use crate::engine::Inner;

/// One way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) channel: Channel,
    /// A hash; what is hashed may let one in.
    pub(super) destination: String,
    /// For people.
    pub(super) shown: String,
}

/// What a version says about alerts; of one that cannot be read any more, nothing.
pub(crate) fn monitoring(inner: &Inner, tx: &mut Tx<'_>, key: ConfigurationKey, version: u32) -> Monitoring {
    let loaded = inner.cache.load(tx, key, version);
    loaded.map(|loaded| loaded.configuration.header.monitoring.clone()).unwrap_or_default()
}

pub(super) fn routes(monitoring: &Monitoring, settings: &AlertSettings, account: &AccountId) -> Vec<Route> {
    let route = |channel: Channel, place: String, shown: String| Route {
        channel,
        destination: hash(&format!("{account}\n{channel}\n{place}")),
        shown,
    };
    let mut all = Vec::new();
    let to = recipients(monitoring, settings);
    if !to.is_empty() {
        let from = monitoring.email.as_ref().and_then(|email| email.from.as_deref()).unwrap_or_default();
        let mut place = to.to_vec();
        place.sort_unstable();
        all.push(route(Channel::Email, format!("{from}\n{}", place.join("\n")), to.join("; ")));
    }
    for channel in [Channel::Webhook, Channel::Slack] {
        if let Some(hook) = hook(channel, monitoring, settings) {
            let (place, shown) = describe(&hook);
            all.push(route(channel, place, shown));
        }
    }
    all
}

/// Who gets mail; nobody when no mail is wanted.
pub(super) fn recipients<'a>(monitoring: &'a Monitoring, settings: &'a AlertSettings) -> &'a [String] {
    match &monitoring.email {
        Some(Email { to, .. }) if !to.is_empty() => to,
        Some(_) => &settings.email_to,
        None if monitoring.names_a_channel() => &[],
        None => &settings.email_to,
    }
}

/// What is called on a channel, if anything.
pub(super) fn hook(channel: Channel, monitoring: &Monitoring, settings: &AlertSettings) -> Option<Hook> {
    let own = !monitoring.names_a_channel();
    match channel {
        Channel::Webhook => match &monitoring.webhook {
            Some(webhook) => Some(Hook::Named { url: webhook.url.clone(), secret: webhook.secret.clone() }),
            None => (own && settings.webhook).then_some(Hook::Webhook),
        },
        Channel::Slack => match &monitoring.slack {
            Some(slack) => Some(Hook::Named { url: slack.url.clone(), secret: None }),
            None => (own && settings.slack).then_some(Hook::Slack),
        },
        Channel::Email => None,
    }
}

/// What makes it this place and no other, and what people see of it: the host of an address, nothing behind it.
fn describe(hook: &Hook) -> (String, String) {
    match hook {
        Hook::Named { url, secret } => {
            let secret = secret.as_ref().map(ToString::to_string).unwrap_or_default();
            let shown = match url.as_str().and_then(|url| url.split_once("://")) {
                Some((_, rest)) => {
                    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
                    authority.rsplit('@').next().unwrap_or_default().to_owned()
                }
                None => "an address kept secret".to_owned(),
            };
            (format!("{url}\n{secret}"), shown)
        }
        Hook::Webhook => ("webhook".to_owned(), "the server's webhook".to_owned()),
        Hook::Slack => ("slack".to_owned(), "the server's Slack channel".to_owned()),
    }
}

/// Half of a SHA-256 in hex: enough to tell destinations apart.
pub(super) fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// What a deployment should know: alerts that are wanted and reach nobody on this server.
pub(crate) fn warnings(configuration: &Configuration, settings: &AlertSettings) -> Vec<Problem> {
    let monitoring = &configuration.header.monitoring;
    let kind = configuration.header.configuration_type;
    if !monitoring.enabled || matches!(kind, ConfigurationType::Workflow | ConfigurationType::Context) {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    if let Some(email) = &monitoring.email {
        const PATH: &str = "$.monitoring.alert.email";
        if !settings.sends_mail {
            warnings.push(Problem::at(PATH, "this server sends no mail: its setting alerts.smtp.host is unset"));
        } else if email.to.is_empty() && settings.email_to.is_empty() {
            let what =
                "nobody is written to: there is no \"email_to\", and the server's setting alerts.email_to is unset";
            warnings.push(Problem::at(PATH, what));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tailer_model::monitoring::{Slack, Webhook};

    use super::*;

    fn shown(monitoring: &Monitoring, settings: &AlertSettings) -> Vec<String> {
        let routes = routes(monitoring, settings, &"000110".parse().unwrap());
        routes.into_iter().map(|route| format!("{} {}", route.channel, route.shown)).collect()
    }

    fn server() -> AlertSettings {
        AlertSettings { email_to: vec!["ops@x.com".into()], webhook: true, slack: true, ..AlertSettings::default() }
    }

    #[test]
    fn whoever_names_a_channel_is_told_there_only() {
        let all = ["email ops@x.com", "webhook the server's webhook", "slack the server's Slack channel"];
        assert_eq!(shown(&Monitoring::default(), &server()), all);
        assert!(shown(&Monitoring::default(), &AlertSettings::default()).is_empty());
        let webhook =
            Webhook { url: json!("https://u:p@hooks.x.com:99/hunter2?k=v"), secret: Some(json!({"env": "S"})) };
        let named = Monitoring { webhook: Some(webhook), ..Monitoring::default() };
        assert_eq!(shown(&named, &server()), ["webhook hooks.x.com:99"]);
        let slack = Monitoring { slack: Some(Slack { url: json!({"env": "HOOK"}) }), ..Monitoring::default() };
        assert_eq!(shown(&slack, &server()), ["slack an address kept secret"]);
        let mail = Monitoring { email: Some(Email { to: vec!["me@x.com".into()], ..Email::default() }), ..slack };
        assert_eq!(shown(&mail, &server()), ["email me@x.com", "slack an address kept secret"]);
        let own_words = Monitoring { email: Some(Email::default()), ..Monitoring::default() };
        assert_eq!(shown(&own_words, &server()), ["email ops@x.com"], "the server's recipients, but no other channel");
    }

    #[test]
    fn destinations_are_those_of_an_account() {
        let of = |account: &str| routes(&Monitoring::default(), &server(), &account.parse().unwrap());
        assert_eq!(of("000110"), of("000110"));
        assert_ne!(of("000110")[0].destination, of("000111")[0].destination);
    }
}
