//! `monitoring` as people write it: what is read, what is refused and where, and when somebody is told.

use serde_json::json;

use super::*;
use crate::reader::Reader;

/// What is read, and the problems as lines, warnings marked `?`.
fn read(monitoring: Value) -> (Monitoring, Vec<String>) {
    let reader = Reader::default();
    let document = json!({ "monitoring": monitoring });
    let read = Monitoring::read(&reader.document(&document).unwrap());
    let (problems, _) = reader.into_parts();
    let line = |mark: &str, p: &crate::Problem| format!("{mark}{}: {}", p.path.replace("$.monitoring", "m"), p.message);
    let warnings = problems.warnings.iter().map(|p| line("? ", p));
    (read, warnings.chain(problems.errors.iter().map(|p| line("", p))).collect())
}

#[test]
fn everything_said() {
    let encrypted = json!({"cipher_aes": "aa", "tag": "bb", "ciphertext": "cc", "enc_session_key": "dd"});
    let (read, problems) = read(json!({
        "impact": 1, "urgency": 3, "alert_enabled": true, "alert_status": ["FAILED", "NO_MATCH", "FAILED"],
        "alert_environment": ["PROD", "PREPROD"], "alert_info": "call Ada",
        "alert": {
            "email": {"email_from": "Tailer <t@x.com>", "email_to": "a@x.com; b@x.com", "email_reply_to": "c@x.com",
                      "email_subject": "@job_id", "email_body_type": "txt", "email_body": "@error"},
            "webhook": {"url": "https://hooks.example.com/a?b=c", "secret": {"env": "HOOK"}},
            "slack": {"url": encrypted.clone()}
        }
    }));
    assert!(problems.is_empty(), "{problems:?}");
    let email = Email {
        from: Some("Tailer <t@x.com>".into()),
        to: vec!["a@x.com".into(), "b@x.com".into()],
        reply_to: Some("c@x.com".into()),
        subject: Some("@job_id".into()),
        body_type: BodyType::Text,
        body: Some("@error".into()),
    };
    let expect = Monitoring {
        impact: 1,
        urgency: 3,
        enabled: true,
        statuses: vec![RunStatus::Failed, RunStatus::NoMatch],
        environments: Some(vec![Environment::Prod, Environment::Preprod]),
        info: Some("call Ada".into()),
        email: Some(email),
        webhook: Some(Webhook { url: json!("https://hooks.example.com/a?b=c"), secret: Some(json!({"env": "HOOK"})) }),
        slack: Some(Slack { url: encrypted }),
    };
    assert_eq!(read, expect);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let (_, problems) = read(json!({
        "impact": "2", "alert_enabled": "no", "alert_status": ["FAILD", "RUNNING"], "alert_environment": ["prod"], "alerts": {},
        "alert": {
            "email": {"email_from": "nobody", "email_to": "a@x.com, b@x.com; c", "email_body_type": "md", "subject": "x"},
            "webhook": {"url": "hooks.example.com", "secret": 5},
            "slack": {"url": "https://hooks.slack.example/hunter2"},
            "pager": {}
        }
    }));
    assert_eq!(
        problems,
        [
            "? m.alert.email.subject: unknown parameter \"subject\", ignored",
            "? m.alert.slack.url: whoever knows this address can write to the channel: use {\"env\": \"NAME\"}, \
             {\"file\": \"path\"} or \"tailerd encrypt\"",
            "? m.alert.pager: unknown parameter \"pager\", ignored",
            "? m.alerts: unknown parameter \"alerts\", ignored",
            "m.impact: expected a whole number from 0 to 4294967295, found the string \"2\"",
            "m.alert_enabled: expected true or false (without quotes), found the string \"no\"",
            "m.alert_status[0]: expected one of FAILED, SUCCESS, NO_MATCH, CHECKED, found \"FAILD\"; did you mean \"FAILED\"?",
            "m.alert_status[1]: expected one of FAILED, SUCCESS, NO_MATCH, CHECKED, found \"RUNNING\"",
            "m.alert_environment[0]: expected one of PROD, PREPROD, STAGING, DEV, found \"prod\"; did you mean \"PROD\"?",
            "m.alert.email.email_to: expected an e-mail address such as ops@example.com, found \"a@x.com, b@x.com\"; \
             several are separated by \";\"",
            "m.alert.email.email_to: expected an e-mail address such as ops@example.com, found \"c\"",
            "m.alert.email.email_from: expected an e-mail address such as ops@example.com, found \"nobody\"",
            "m.alert.email.email_body_type: expected one of \"html\", \"txt\", found the string \"md\"",
            "m.alert.webhook.url: expected an address such as https://hooks.example.com/alerts",
            "m.alert.webhook.secret: expected an encrypted secret, {\"env\": \"NAME\"} or {\"file\": \"path\"}",
        ]
    );
}

#[test]
fn failures_are_told_unless_something_else_is_said() {
    let wants = |monitoring: Value, status, environment| read(monitoring).0.wants(status, environment);
    assert!(wants(json!({"impact": 2}), RunStatus::Failed, Environment::Dev));
    assert!(!wants(json!({}), RunStatus::Success, Environment::Prod));
    assert!(!wants(json!({"alert_enabled": false}), RunStatus::Failed, Environment::Prod));
    assert!(!wants(json!({"alert_environment": ["PROD"]}), RunStatus::Failed, Environment::Dev));
    assert!(wants(json!({"alert_status": ["CHECKED"]}), RunStatus::Checked, Environment::Dev));
    assert!(!wants(json!({"alert_status": ["CHECKED"]}), RunStatus::Failed, Environment::Dev));
    assert!(!read(json!({"impact": 2})).0.names_a_channel());
    assert!(read(json!({"alert": {"email": {}}})).0.names_a_channel(), "the server's recipients, its own subject");
}

fn facts() -> Facts {
    Facts {
        job_id: "gbq-to-gbq|x".into(),
        status: "FAILED".into(),
        error: "a < b @status".into(),
        impact: 7,
        ..Facts::default()
    }
}

#[test]
fn variables_are_replaced_once_and_the_longest_first() {
    let check = |template: &str, expect: &str| assert_eq!(fill(template, &facts(), Escape::None), expect, "{template}");
    check(DEFAULT_SUBJECT, "TAILER RUN ALERT: gbq-to-gbq|x FAILED at ");
    check("@impact@status_@error", "7FAILED_a < b @status");
    check("ops@example.com @ @@status", "ops@example.com @ @FAILED");
    check("no variables", "no variables");
    assert_eq!(fill("<b>@error</b>", &facts(), Escape::Html), "<b>a &lt; b @status</b>");
    let names: Vec<&str> = facts().variables().iter().map(|(name, _)| *name).collect();
    let all: String = names.iter().map(|name| format!("@{name}|")).collect();
    let numbered = Facts {
        url_to_tailer_studio_run_id: "1".into(),
        url_to_tailer_studio_conf_id: "2".into(),
        account: "3".into(),
        environment: "4".into(),
        status: "5".into(),
        sub_status: "6".into(),
        configuration_id: "7".into(),
        configuration_type: "8".into(),
        execution_date: "9".into(),
        short_description: "10".into(),
        job_id: "11".into(),
        run_id: "12".into(),
        updated_by: "13".into(),
        update_date: "14".into(),
        impact: 15,
        urgency: 16,
        alert_info: "17".into(),
        error: "18".into(),
    };
    let expect: String = (1..=names.len()).map(|n| format!("{n}|")).collect();
    assert_eq!(fill(&all, &numbered, Escape::None), expect);
}

#[test]
fn the_default_bodies_say_everything() {
    for (name, _) in Facts::default().variables() {
        for body in [DEFAULT_HTML, DEFAULT_TEXT] {
            assert!(body.contains(&format!("@{name}")), "{name}");
        }
    }
    let plain = plain(&fill(DEFAULT_HTML, &facts(), Escape::Html));
    assert!(plain.starts_with("gbq-to-gbq|x: FAILED\n") && plain.contains("a < b @status"), "{plain}");
}
