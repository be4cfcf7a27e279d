//! What is sent: mails, and documents for webhooks. Pure functions over facts.

use jiff::Timestamp;
use serde_json::json;
use tailer_model::{
    Monitoring,
    monitoring::{BodyType, Channel, DEFAULT_HTML, DEFAULT_SUBJECT, DEFAULT_TEXT, Email, Escape, Facts, fill, plain},
};
use tailer_notify::{Mail, Outcome};
use tailer_store::alerts::DueAlert;

use super::{
    AlertSettings, Courier, Hook,
    digest::{self, slack_line},
    route,
};

/// In characters; longer bodies are no reading matter.
const MAX_BODY: usize = 200_000;

/// How many alerts one message holds on a channel, at most.
pub(crate) fn most(channel: Channel) -> usize {
    match channel {
        // Slack cuts texts of more than 40,000 characters.
        Channel::Slack => 100,
        Channel::Email | Channel::Webhook => 1000,
    }
}

/// A message, ready to be sent.
#[derive(Debug)]
pub(crate) enum Message {
    Mail(Mail),
    Post { hook: Hook, id: String, body: String, at: Timestamp },
}

impl Message {
    /// Of the facts of one alert or of several, all to one destination. `None` when the server does not know the way any more: its
    /// settings have changed.
    pub(crate) fn of(
        alert: &DueAlert,
        told: &[Facts],
        monitoring: &Monitoring,
        settings: &AlertSettings,
        at: Timestamp,
    ) -> Option<Self> {
        let id = id_of(alert.channel, told);
        match alert.channel {
            Channel::Email => {
                let to = route::recipients(monitoring, settings).to_vec();
                let left = alert.recipients.clone().unwrap_or_else(|| to.clone());
                let email = monitoring.email.clone().unwrap_or_default();
                let mail = mail(&email, told);
                (!to.is_empty()).then_some(Self::Mail(Mail {
                    id,
                    from: email.from,
                    to,
                    left,
                    reply_to: email.reply_to,
                    date: at,
                    ..mail
                }))
            }
            channel => {
                let hook = route::hook(channel, monitoring, settings)?;
                let body = if channel == Channel::Slack { slack(told) } else { json!({"id": id, "alerts": told}) };
                Some(Self::Post { hook, id, body: body.to_string(), at })
            }
        }
    }

    pub(crate) async fn send(self, courier: &dyn Courier) -> Outcome {
        match self {
            Self::Mail(mail) => courier.mail(mail).await,
            Self::Post { hook, id, body, at } => courier.post(hook, &id, body, at).await,
        }
    }
}

/// The same whenever the same is told again.
fn id_of(channel: Channel, told: &[Facts]) -> String {
    let one = |facts: &Facts| format!("{}.{}.{channel}", facts.run_id, facts.status.to_lowercase());
    match told {
        [facts] => one(facts),
        several => {
            let mut all: Vec<String> = several.iter().map(one).collect();
            all.sort_unstable();
            format!("digest-{}", route::hash(&all.join("\n")))
        }
    }
}

/// Subject and bodies; the rest is the caller's.
fn mail(email: &Email, told: &[Facts]) -> Mail {
    let (subject, text, html) = match told {
        [facts] => {
            let subject = fill(email.subject.as_deref().unwrap_or(DEFAULT_SUBJECT), facts, Escape::None);
            match (email.body_type, &email.body) {
                (BodyType::Text, Some(body)) => (subject, fill(body, facts, Escape::None), None),
                (BodyType::Text, None) => (subject, default_text(facts), None),
                (BodyType::Html, Some(body)) => {
                    let html = fill(body, facts, Escape::Html);
                    (subject, plain(&html), Some(html))
                }
                (BodyType::Html, None) => {
                    let html = fill(DEFAULT_HTML, facts, Escape::Html);
                    let without_gaps = html.lines().filter(|line| !EMPTY.contains(line));
                    (subject, default_text(facts), Some(without_gaps.collect::<Vec<_>>().join("\n")))
                }
            }
        }
        several => {
            let html = (email.body_type == BodyType::Html).then(|| digest::html(several));
            (digest::subject(several), digest::text(several), html)
        }
    };
    Mail {
        id: String::new(),
        from: None,
        to: Vec::new(),
        left: Vec::new(),
        reply_to: None,
        subject,
        text: cut(text),
        html: html.map(cut),
        date: Timestamp::UNIX_EPOCH,
    }
}

/// Lines of the default HTML body in which a value was to stand, when there is none.
const EMPTY: [&str; 2] = ["<p></p>", "<pre style=\"white-space: pre-wrap;\"></pre>"];

/// The default body, without the gaps where a value was to stand.
fn default_text(facts: &Facts) -> String {
    let mut text = fill(DEFAULT_TEXT, facts, Escape::None);
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    text
}

fn cut(text: String) -> String {
    match text.char_indices().nth(MAX_BODY) {
        Some((end, _)) => format!("{}\n...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn slack(told: &[Facts]) -> serde_json::Value {
    let lines: Vec<String> = told.iter().map(slack_line).collect();
    match told {
        [_] => json!({ "text": lines.concat() }),
        several => json!({ "text": format!("*{}*\n{}", digest::subject(several), lines.join("\n")) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(run: &str) -> Facts {
        Facts {
            run_id: run.into(),
            job_id: "gbq-to-gbq|<x>".into(),
            status: "FAILED".into(),
            error: "a < b\nsecond line".into(),
            url_to_tailer_studio_run_id: format!("https://s/runs/{run}"),
            ..Facts::default()
        }
    }

    #[test]
    fn what_is_sent_again_has_the_same_id() {
        let id = |told: &[Facts]| id_of(Channel::Email, told);
        assert_eq!(id(&[facts("1")]), "1.failed.email");
        assert_eq!(id(&[facts("1"), facts("2")]), id(&[facts("2"), facts("1")]));
        assert_ne!(id(&[facts("1"), facts("2")]), id(&[facts("1"), facts("3")]));
    }

    #[test]
    fn bodies_are_as_wanted() {
        let of = |email: Email| mail(&email, &[facts("1")]);
        let default = of(Email::default());
        assert!(default.subject.starts_with("TAILER RUN ALERT: gbq-to-gbq|<x> FAILED at"), "{}", default.subject);
        let html = default.html.unwrap();
        assert!(html.contains("gbq-to-gbq|&lt;x&gt;: FAILED") && !html.contains("<x>"), "{html}");
        assert!(!default.text.contains("\n\n\n") && !html.contains("<p></p>") && html.contains("<pre"), "{html}");
        assert!(default.text.contains("a < b\nsecond line") && !default.text.contains("<td>"), "{}", default.text);
        let own = of(Email { body: Some("<b>@job_id</b><br>@error".into()), ..Email::default() });
        assert_eq!(own.html.unwrap(), "<b>gbq-to-gbq|&lt;x&gt;</b><br>a &lt; b\nsecond line");
        assert_eq!(own.text, "gbq-to-gbq|<x>\na < b second line\n");
        let text = of(Email { body: Some("@job_id".into()), body_type: BodyType::Text, ..Email::default() });
        assert_eq!((text.text.as_str(), text.html), ("gbq-to-gbq|<x>", None));
    }

    #[test]
    fn several_are_one_message_that_names_each() {
        let several = [facts("1"), facts("2"), Facts { status: "NO_MATCH".into(), ..facts("3") }];
        let mail = mail(&Email::default(), &several);
        assert_eq!(mail.subject, "TAILER RUN ALERTS: 3 (2 FAILED, 1 NO_MATCH)");
        for run in ["1", "2", "3"] {
            assert!(mail.text.contains(&format!("https://s/runs/{run}\n")), "{}", mail.text);
            assert!(mail.html.as_ref().unwrap().contains(&format!("href=\"https://s/runs/{run}\"")));
        }
        assert!(!mail.html.unwrap().contains("<x>"));
        let text = slack(&several)["text"].as_str().unwrap().to_owned();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains("<https://s/runs/3|gbq-to-gbq\u{2502}&lt;x&gt;>: *NO_MATCH*"), "{text}");
    }
}
