//! What alerts stand on: the server's settings, and the trait behind which messages are really sent.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tailer_model::{Identity, RunId};
use tailer_notify::{Mail, Outcome};

/// Sends messages. One call is one attempt, never longer than the lease in the settings.
#[async_trait]
pub trait Courier: Send + Sync + fmt::Debug {
    async fn mail(&self, mail: Mail) -> Outcome;
    /// Posts a JSON document, whose id stays the same when it is sent again.
    async fn post(&self, hook: Hook, id: &str, body: String, at: Timestamp) -> Outcome;
}

/// Where a document goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Hook {
    /// As the operation says it: the address, and what signs, closed as they came.
    Named { url: Value, secret: Option<Value> },
    /// The server's own webhook.
    Webhook,
    /// The server's own Slack address.
    Slack,
}

/// The server's say in alerts.
#[derive(Debug, Clone)]
pub struct AlertSettings {
    /// Recipients of operations that name none.
    pub email_to: Vec<String>,
    /// Whether there is an SMTP server.
    pub sends_mail: bool,
    /// Whether there is a webhook for operations that name no channel.
    pub webhook: bool,
    /// The same for Slack.
    pub slack: bool,
    /// Messages of one alert to one destination in a minute; what is more goes into one message.
    pub per_minute: u32,
    /// From a failed attempt to the next; doubled each time.
    pub retry_first: Duration,
    pub retry_longest: Duration,
    /// From the outcome to the last attempt.
    pub give_up: Duration,
    /// How long an attempt may take before it counts as lost.
    pub lease: Duration,
    pub links: Links,
}

/// Where the Studio shows things.
#[derive(Debug, Clone)]
pub struct Links {
    /// Scheme, host and port.
    pub base: String,
    pub run: fn(&RunId) -> String,
    pub operation: fn(&Identity) -> String,
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self {
            email_to: Vec::new(),
            sends_mail: false,
            webhook: false,
            slack: false,
            per_minute: 10,
            retry_first: Duration::from_secs(5),
            retry_longest: Duration::from_secs(600),
            give_up: Duration::from_secs(24 * 3600),
            lease: Duration::from_secs(60),
            links: Links { base: String::new(), run: |_| String::new(), operation: |_| String::new() },
        }
    }
}
