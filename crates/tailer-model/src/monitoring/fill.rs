//! The variables of an alert's texts: `@job_id` and the like become what they stand for.
//!
//! A text is gone through once. At each `@` the longest name that fits is taken, and what is put in its place is not looked at
//! again: a value that itself holds `@status` stays as it is.

use serde::Serialize;

/// The subject of a mail that brings none of its own.
pub const DEFAULT_SUBJECT: &str = "TAILER RUN ALERT: @job_id @status at @execution_date";
/// The body of an HTML mail that brings none of its own.
pub const DEFAULT_HTML: &str = include_str!("alert.html");
/// The same as plain text.
pub const DEFAULT_TEXT: &str = include_str!("alert.txt");

/// What is known of a run that is told about. Serialized it is an entry of a webhook's document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    pub account: String,
    pub environment: String,
    pub status: String,
    /// The finer outcome, such as `TIMED_OUT`.
    pub sub_status: String,
    pub configuration_type: String,
    pub configuration_id: String,
    pub job_id: String,
    pub run_id: String,
    pub execution_date: String,
    pub short_description: String,
    /// Who deployed the version that ran, and when.
    pub updated_by: String,
    pub update_date: String,
    pub impact: u32,
    pub urgency: u32,
    pub alert_info: String,
    pub error: String,
    pub url_to_tailer_studio_run_id: String,
    pub url_to_tailer_studio_conf_id: String,
}

/// How values are written into a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    None,
    Html,
}

impl Escape {
    /// A value, harmless in the text it is meant for.
    #[must_use]
    pub fn write(self, value: &str) -> String {
        if self == Self::None {
            return value.to_owned();
        }
        let mut text = String::with_capacity(value.len());
        for c in value.chars() {
            match c {
                '&' => text.push_str("&amp;"),
                '<' => text.push_str("&lt;"),
                '>' => text.push_str("&gt;"),
                '"' => text.push_str("&quot;"),
                '\'' => text.push_str("&#39;"),
                other => text.push(other),
            }
        }
        text
    }
}

impl Facts {
    /// Each variable's name, without the `@`, and its value.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let text = String::clone;
        vec![
            ("url_to_tailer_studio_run_id", text(&self.url_to_tailer_studio_run_id)),
            ("url_to_tailer_studio_conf_id", text(&self.url_to_tailer_studio_conf_id)),
            ("account", text(&self.account)),
            ("environment", text(&self.environment)),
            ("status", text(&self.status)),
            ("sub_status", text(&self.sub_status)),
            ("configuration_id", text(&self.configuration_id)),
            ("configuration_type", text(&self.configuration_type)),
            ("execution_date", text(&self.execution_date)),
            ("short_description", text(&self.short_description)),
            ("job_id", text(&self.job_id)),
            ("run_id", text(&self.run_id)),
            ("updated_by", text(&self.updated_by)),
            ("update_date", text(&self.update_date)),
            ("impact", self.impact.to_string()),
            ("urgency", self.urgency.to_string()),
            ("alert_info", text(&self.alert_info)),
            ("error", text(&self.error)),
        ]
    }
}

/// A text with every variable replaced. What only looks like one stays.
#[must_use]
pub fn fill(template: &str, facts: &Facts, escape: Escape) -> String {
    let mut variables = facts.variables();
    variables.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('@') {
        text.push_str(before);
        rest = after;
        let found = variables.iter().find_map(|(name, value)| Some((value, after.strip_prefix(name)?)));
        match found {
            Some((value, behind)) => {
                text.push_str(&escape.write(value));
                rest = behind;
            }
            None => text.push('@'),
        }
    }
    text.push_str(rest);
    text
}
