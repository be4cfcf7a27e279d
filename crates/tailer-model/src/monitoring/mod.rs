//! `monitoring`: who is told what became of a run, and how (`spec/semantics.md`, Monitoring and alerts).
//!
//! `alert.email` is the vendor's; `alert.webhook` and `alert.slack` are ours. Addresses of webhooks, and what signs them, may be
//! secrets: they are kept closed, as they came. What fills a message is in [`fill`](fill()).

mod address;
mod fill;
mod plain;

use serde_json::Value;

pub use address::{domain, is_address, recipients};
pub use fill::{DEFAULT_HTML, DEFAULT_SUBJECT, DEFAULT_TEXT, Escape, Facts, fill};
pub use plain::plain;

use crate::{
    Environment, RunStatus,
    reader::Fields,
    secret, suggest,
    text::{as_text, text_enum},
};

const DEFAULT_WEIGHT: u32 = 2;
/// In characters; longer ones are cut by mail programs anyway.
const MAX_SUBJECT: usize = 500;

text_enum! {
    /// The ways that an alert takes.
    pub enum Channel {
        Email = "email",
        Webhook = "webhook",
        Slack = "slack",
    }
}
as_text!(Channel);

text_enum! {
    /// `email_body_type`
    #[derive(Default)]
    pub enum BodyType {
        #[default]
        Html = "html",
        Text = "txt",
    }
}

/// What an operation says about alerts; the default is that of one that says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitoring {
    pub impact: u32,
    pub urgency: u32,
    /// `false`: no alerts, whatever else is said. Without it there are alerts wherever a channel is named.
    pub enabled: bool,
    pub statuses: Vec<RunStatus>,
    /// `None`: all.
    pub environments: Option<Vec<Environment>>,
    /// Free text for whoever is told.
    pub info: Option<String>,
    pub email: Option<Email>,
    pub webhook: Option<Webhook>,
    pub slack: Option<Slack>,
}

/// `alert.email`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Email {
    /// `None`: the server's.
    pub from: Option<String>,
    /// Empty: the server's default recipients.
    pub to: Vec<String>,
    pub reply_to: Option<String>,
    pub subject: Option<String>,
    pub body_type: BodyType,
    pub body: Option<String>,
}

/// `alert.webhook`: a JSON document is posted.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// A text, or a secret that holds one.
    pub url: Value,
    /// What signs the document.
    pub secret: Option<Value>,
}

/// `alert.slack`: an incoming webhook of Slack, or of what understands the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Slack {
    pub url: Value,
}

impl Default for Monitoring {
    fn default() -> Self {
        Self {
            impact: DEFAULT_WEIGHT,
            urgency: DEFAULT_WEIGHT,
            enabled: true,
            statuses: vec![RunStatus::Failed],
            environments: None,
            info: None,
            email: None,
            webhook: None,
            slack: None,
        }
    }
}

impl Monitoring {
    /// Whether this outcome is one to tell.
    #[must_use]
    pub fn wants(&self, status: RunStatus, environment: Environment) -> bool {
        self.enabled
            && self.statuses.contains(&status)
            && self.environments.as_ref().is_none_or(|only| only.contains(&environment))
    }

    /// Whether it says itself how to tell; otherwise the server's channels are taken.
    #[must_use]
    pub fn names_a_channel(&self) -> bool {
        self.email.is_some() || self.webhook.is_some() || self.slack.is_some()
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Self {
        let Some(fields) = fields.object("monitoring") else { return Self::default() };
        let default = Self::default();
        let weight = |name| fields.count(name, 0).unwrap_or(DEFAULT_WEIGHT);
        let mut read = Self {
            impact: weight("impact"),
            urgency: weight("urgency"),
            enabled: fields.boolean("alert_enabled").unwrap_or(true),
            statuses: words(&fields, "alert_status", &STATUSES).unwrap_or(default.statuses),
            environments: words(&fields, "alert_environment", &Environment::ALL),
            info: fields.optional_text("alert_info"),
            ..default
        };
        if let Some(alert) = fields.object("alert") {
            read.email = alert.object("email").map(|email| Email::read(&email));
            read.webhook = alert.object("webhook").and_then(|webhook| Webhook::read(&webhook));
            read.slack = alert.object("slack").and_then(|slack| Slack::read(&slack));
            alert.finish();
        }
        fields.finish();
        read
    }
}

/// The outcomes that can be told.
const STATUSES: [RunStatus; 4] = [RunStatus::Failed, RunStatus::Success, RunStatus::NoMatch, RunStatus::Checked];

/// A list of known words, at least one; all wrong ones are errors.
fn words<T: Copy + PartialEq + ToString>(fields: &Fields<'_>, name: &'static str, known: &[T]) -> Option<Vec<T>> {
    let written = fields.strings(name)?;
    if written.is_empty() {
        fields.error(name, "must have at least one entry; \"alert_enabled\": false turns alerts off");
    }
    let texts: Vec<String> = known.iter().map(ToString::to_string).collect();
    let mut found = Vec::new();
    for (i, word) in written.iter().enumerate() {
        match texts.iter().position(|text| text == word).and_then(|at| known.get(at)) {
            Some(value) if found.contains(value) => {}
            Some(value) => found.push(*value),
            None => {
                let hint = suggest::hint(word, texts.iter().map(String::as_str));
                let message = format!("expected one of {}, found {}{hint}", texts.join(", "), crate::json::quote(word));
                fields.reader.error(format!("{}[{i}]", fields.path_of(name)), message);
            }
        }
    }
    Some(found)
}

impl Email {
    fn read(fields: &Fields<'_>) -> Self {
        let one = |name| {
            fields.optional_text(name)?;
            fields.checked(name, |text| {
                let text = text.trim();
                if is_address(text) { Ok(text.to_owned()) } else { Err(not_an_address(text)) }
            })
        };
        let to = fields.optional_text("email_to").map(|text| match recipients(&text) {
            Ok(to) => to,
            Err(wrong) => {
                for text in &wrong {
                    fields.error("email_to", not_an_address(text));
                }
                Vec::new()
            }
        });
        let subject = fields.optional_text("email_subject");
        if subject.as_ref().is_some_and(|text| text.chars().count() > MAX_SUBJECT) {
            fields.error("email_subject", format!("must have at most {MAX_SUBJECT} characters"));
        }
        let read = Self {
            from: one("email_from"),
            to: to.unwrap_or_default(),
            reply_to: one("email_reply_to"),
            subject,
            body_type: fields.choice("email_body_type").unwrap_or_default(),
            body: fields.optional_text("email_body"),
        };
        fields.finish();
        read
    }
}

fn not_an_address(text: &str) -> String {
    let several = if text.contains(',') { "; several are separated by \";\"" } else { "" };
    format!("expected an e-mail address such as ops@example.com, found {}{several}", crate::json::quote(text))
}

impl Webhook {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let url = fields.required("url", url);
        let secret = secret::read(fields, "secret");
        fields.finish();
        Some(Self { url: url?, secret })
    }
}

impl Slack {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let url = fields.required("url", url);
        if fields.value("url").is_some_and(|(_, value)| value.is_string()) {
            fields.warn(
                "url",
                "whoever knows this address can write to the channel: use {\"env\": \"NAME\"}, {\"file\": \"path\"} or \
                 \"tailerd encrypt\"",
            );
        }
        fields.finish();
        Some(Self { url: url? })
    }
}

/// An address in clear, or a secret. What is found is not quoted: it may be what lets one in.
fn url(fields: &Fields<'_>, name: &'static str) -> Option<Value> {
    let (path, value) = fields.value(name)?;
    let Value::String(text) = value else { return secret::read(fields, name) };
    let (scheme, rest) = text.trim().split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let clean = !host.is_empty() && !text.trim().contains(|c: char| c.is_whitespace() || c.is_control());
    match scheme {
        "https" | "http" if clean => {
            if scheme == "http" {
                let why =
                    "is not encrypted: the server calls it only if its setting alerts.webhook_hosts names the host";
                fields.reader.warn(path, format!("an address with http:// {why}"));
            }
            Some(Value::from(text.trim()))
        }
        _ => {
            fields.reader.error(path, "expected an address such as https://hooks.example.com/alerts");
            None
        }
    }
}

#[cfg(test)]
mod tests;
