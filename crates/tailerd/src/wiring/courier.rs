//! Who sends alerts: mail through the SMTP server of the settings, documents to webhooks.
//!
//! Addresses and what signs them are opened here only, at the moment of use, and nothing of them is in what is said of a failure.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tailer_engine::{AlertSettings, Courier, Hook, Links};
use tailer_model::Secret;
use tailer_notify::{Caller, Mail, Mailer, Outcome, Post};
use tailer_server::{operation_path, run_path};

use crate::{
    data_folder::DataFolder,
    failure::Failure,
    secrets::SecretOpener,
    settings::{Settings, alerts::Webhook},
};

/// Beyond the time that a message may take, for reading and recording.
const MARGIN: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug)]
pub(crate) struct Messengers {
    mailer: Option<Mailer>,
    caller: Caller,
    webhook: Option<Webhook>,
    slack: Option<Secret<String>>,
    secrets: SecretOpener,
}

impl Messengers {
    /// # Errors
    /// TLS cannot be set up.
    pub(crate) fn new(folder: &DataFolder, settings: &Settings) -> Result<Self, Failure> {
        let alerts = &settings.alerts;
        let caller = Caller::new(alerts.webhook_hosts.clone(), alerts.timeout)
            .map_err(|error| Failure::failed(format!("cannot call webhooks: {error}")))?;
        Ok(Self {
            mailer: alerts.smtp.clone().map(Mailer::new),
            caller,
            webhook: alerts.webhook.clone(),
            slack: alerts.slack.clone(),
            secrets: SecretOpener::of(folder, settings),
        })
    }

    fn open(&self, what: &str, value: &Value) -> Result<Secret<String>, String> {
        let opened = self.secrets.open(value).map_err(|error| format!("{what}: {error}"))?;
        opened.to_text().ok_or_else(|| format!("{what}: not a text"))
    }

    /// Whom to call, and whether the server's own settings say so.
    fn address(&self, hook: &Hook) -> Result<(Webhook, bool), String> {
        match hook {
            Hook::Named { url, secret } => {
                let signs = secret.as_ref().map(|secret| self.open("the webhook's secret", secret));
                let url = self.open("the webhook's address", url)?;
                Ok((Webhook { url, secret: signs.transpose()? }, false))
            }
            Hook::Webhook => {
                let webhook = self.webhook.clone().ok_or("the server's setting alerts.webhook_url is unset")?;
                Ok((webhook, true))
            }
            Hook::Slack => {
                let url = self.slack.clone().ok_or("the server's setting alerts.slack_url is unset")?;
                Ok((Webhook { url, secret: None }, true))
            }
        }
    }
}

#[async_trait]
impl Courier for Messengers {
    async fn mail(&self, mail: Mail) -> Outcome {
        match &self.mailer {
            Some(mailer) => mailer.send(&mail).await,
            None => {
                Outcome::Never { why: "this server sends no mail: its setting alerts.smtp.host is unset".to_owned() }
            }
        }
    }

    async fn post(&self, hook: Hook, id: &str, body: String, at: Timestamp) -> Outcome {
        match self.address(&hook) {
            Ok((Webhook { url, secret }, trusted)) => {
                self.caller.post(&Post { id: id.to_owned(), url, secret, trusted, body, at }).await
            }
            // A variable or a key that is missing may be there after the next start.
            Err(why) => Outcome::Later { why, after: None },
        }
    }
}

/// The engine's share of the settings. `base` is where the Studio is.
pub(crate) fn alert_settings(settings: &Settings, base: String) -> AlertSettings {
    let alerts = &settings.alerts;
    AlertSettings {
        email_to: alerts.email_to.clone(),
        sends_mail: alerts.smtp.is_some(),
        webhook: alerts.webhook.is_some(),
        slack: alerts.slack.is_some(),
        per_minute: alerts.per_minute,
        retry_first: alerts.retry_first,
        retry_longest: alerts.retry_longest,
        give_up: alerts.give_up,
        lease: alerts.timeout + MARGIN,
        links: Links { base, run: run_path, operation: operation_path },
    }
}
