//! Alerts arrive: through a real SMTP server (aiosmtpd, which a test starts and stops), and at webhooks, whatever is down or dies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "alerts/sinks.rs"]
mod sinks;
mod support;

use std::path::Path;

use serde_json::{Value, json};
use sinks::{Smtp, WebSink, hmac_sha256, smtp_place};
use support::{Server, run, table_to_table, text, until};

/// Every variable, by name.
const VARIABLES: &str = "@account|@environment|@status|@sub_status|@configuration_id|@configuration_type|@execution_date|\
                         @short_description|@job_id|@run_id|@updated_by|@update_date|@impact|@urgency|@alert_info|\
                         @url_to_tailer_studio_run_id|@url_to_tailer_studio_conf_id|@error";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// An operation that fails, with its alerts.
fn failing(folder: &Path, id: &str, monitoring: Value) {
    let more = json!({"monitoring": monitoring, "max_active_runs": 20, "short_description": "sales <daily>"});
    table_to_table(folder, id, &[("t", "SELECT * FROM nowhere", json!({}))], more);
}

fn mail(to: &str) -> Value {
    json!({"alert": {"email": {"email_to": to}}})
}

fn launch(server: &Server, id: &str) -> String {
    server.tailerd(&["launch", "table-to-table", id]).good().stdout.trim().to_owned()
}

fn details(server: &Server, run_id: &str) -> Value {
    server.tailerd(&["status", run_id, "--json"]).json()
}

/// The run, once one of its alerts is in this state.
fn told(server: &Server, run_id: &str, state: &str) -> Value {
    until(&format!("an alert of {run_id} that is {state}"), || {
        let run = details(server, run_id);
        let found = run["alerts"].as_array()?.iter().any(|alert| alert["state"] == state);
        found.then_some(run)
    })
}

#[test]
fn every_variable_arrives_by_mail_in_html_and_in_plain_text() {
    let Some(place) = smtp_place() else { return };
    let (home, configurations) = (folder(), folder());
    let smtp = Smtp::start(&place, 0, &[]);
    let server = Server::start_as(&home.path().join("data"), |command| {
        smtp.settings(command).env("TAILERD_PUBLIC_URL", "https://tailer.example.com");
    });
    for (id, kind) in [("rich", "html"), ("plain", "txt")] {
        let email = json!({
            "email_from": "Sales <sales@example.com>", "email_to": "ada@example.com; Bob <bob@example.com>",
            "email_reply_to": "team@example.com", "email_subject": format!("S:{VARIABLES}"),
            "email_body_type": kind, "email_body": format!("B:{VARIABLES}:E")
        });
        let monitoring = json!({"impact": 1, "urgency": 3, "alert_info": "call Ada & Bob", "alert": {"email": email}});
        failing(configurations.path(), id, monitoring);
    }
    failing(configurations.path(), "default", mail("carl@example.com"));
    server.deploy(configurations.path());
    for id in ["rich_DEV", "plain_DEV", "default_DEV"] {
        let run_id = launch(&server, id);
        let run = told(&server, &run_id, "SENT");
        let message = smtp.message(&|message| message.to_string().contains(&run_id));
        assert_eq!((&message["encrypted"], &message["user"]), (&json!(true), &json!("tailerd")), "{message}");
        let header = |name: &str| text(&message["headers"], name).to_owned();
        if id == "default_DEV" {
            let date = text(&run, "execution_date");
            assert_eq!(header("Subject"), format!("TAILER RUN ALERT: gbq-to-gbq|{id} FAILED at {date}"));
            assert_eq!((text(&message, "from"), &message["to"]), ("tailerd@example.com", &json!(["carl@example.com"])));
            for body in [text(&message, "html"), text(&message, "plain")] {
                assert!(body.contains(&run_id) && body.contains("https://tailer.example.com/runs/"), "{body}");
                assert!(!body.contains("<daily>") || body.starts_with("gbq-to-gbq"), "{body}");
            }
            continue;
        }
        let config = format!("https://tailer.example.com/operations/000099/DEV/gbq-to-gbq/{id}");
        let expect = |error: &str, short: &str, info: &str, update: &str, by: &str| {
            format!(
                "000099|DEV|FAILED|FAILED|{id}|gbq-to-gbq|{}|{short}|gbq-to-gbq|{id}|{run_id}|{by}|{update}|1|3|{info}|\
                 https://tailer.example.com/runs/{run_id}|{config}|{error}",
                text(&run, "execution_date")
            )
        };
        let subject = header("Subject");
        let parts: Vec<&str> = subject.split('|').collect();
        let (by, update) = (parts[11], parts[12]);
        assert!(!by.is_empty() && update.starts_with("20"), "{subject}");
        let error = text(&run, "error");
        assert_eq!(subject, format!("S:{}", expect(error, "sales <daily>", "call Ada & Bob", update, by)));
        let plain = text(&message, "plain").replace("\r\n", "");
        assert_eq!(plain, format!("B:{}:E", expect(error, "sales <daily>", "call Ada & Bob", update, by)), "{message}");
        if id == "rich_DEV" {
            let escaped = error.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            let escaped = escaped.replace('\'', "&#39;");
            let html = expect(&escaped, "sales &lt;daily&gt;", "call Ada &amp; Bob", update, by);
            assert_eq!(text(&message, "html").replace("\r\n", ""), format!("B:{html}:E"));
            assert_eq!(text(&message, "type"), "multipart/alternative");
        } else {
            assert_eq!((text(&message, "type"), &message["html"]), ("text/plain", &Value::Null));
        }
        assert_eq!(message["to"], json!(["ada@example.com", "bob@example.com"]));
        assert_eq!(header("From"), "Sales <sales@example.com>");
        assert_eq!(header("Reply-To"), "team@example.com");
        assert_eq!(header("Message-ID"), format!("<{run_id}.failed.email@example.com>"));
        assert!(!header("Date").is_empty());
    }
}

#[test]
fn a_refused_recipient_is_recorded_and_keeps_nothing_from_the_others() {
    let Some(place) = smtp_place() else { return };
    let (home, configurations) = (folder(), folder());
    let smtp = Smtp::start(&place, 0, &[]);
    let server = Server::start_as(&home.path().join("data"), |command| smtp.configure(command));
    failing(configurations.path(), "some", mail("refused@example.com; good@example.com; busy@example.com"));
    failing(configurations.path(), "none", mail("refused@example.com"));
    failing(configurations.path(), "fine", mail("fine@example.com"));
    server.deploy(configurations.path());
    let (none, some, fine) = (launch(&server, "none_DEV"), launch(&server, "some_DEV"), launch(&server, "fine_DEV"));
    let of = |run: Value| run["alerts"][0].clone();
    let refused = of(told(&server, &none, "FAILED"));
    assert_eq!(text(&refused, "error"), "refused@example.com: 550 5.1.1 no such mailbox");
    assert_eq!(refused["attempts"], 1, "no endless attempts");
    told(&server, &fine, "SENT");
    // Whoever was busy gets it later, the other not twice.
    let sent = of(told(&server, &some, "SENT"));
    assert_eq!(sent["attempts"], 2, "{sent}");
    let got: Vec<Value> = smtp.messages().into_iter().filter(|m| m.to_string().contains(&some)).collect();
    assert_eq!(
        got.iter().map(|m| m["to"].clone()).collect::<Vec<_>>(),
        [json!(["good@example.com"]), json!(["busy@example.com"])]
    );
    let log = server.tailerd(&["logs", &some]).good().stdout;
    assert!(log.contains("refused: refused@example.com: 550"), "{log}");
    let shown = server.tailerd(&["status", &none]).good().stdout;
    assert!(shown.contains("ALERT") && shown.contains("no such mailbox"), "{shown}");
}

#[test]
fn while_mail_is_down_nothing_is_lost() {
    let Some(place) = smtp_place() else { return };
    let (home, configurations) = (folder(), folder());
    let down = Smtp::down(&place);
    let server = Server::start_as(&home.path().join("data"), |command| down.configure(command));
    failing(configurations.path(), "x", mail("ops@example.com"));
    server.deploy(configurations.path());
    let runs: Vec<String> = (0..5).map(|_| launch(&server, "x_DEV")).collect();
    for run_id in &runs {
        let run = until("an attempt to fail", || {
            let run = details(&server, run_id);
            run["alerts"][0]["error"].is_string().then_some(run)
        });
        assert_eq!((text(&run, "status"), text(&run["alerts"][0], "state")), ("FAILED", "WAITING"));
        assert!(text(&run["alerts"][0], "error").contains("cannot connect to 127.0.0.1"), "{run}");
    }
    let smtp = down.up(&place);
    for run_id in &runs {
        told(&server, run_id, "SENT");
        smtp.message(&|message| message.to_string().contains(run_id));
    }
}

#[test]
fn a_storm_survives_kill_9_and_becomes_few_messages() {
    const STORM: usize = 200;
    let Some(place) = smtp_place() else { return };
    let (home, configurations) = (folder(), folder());
    let data = home.path().join("data");
    let down = Smtp::down(&place);
    let server = Server::start_as(&data, |command| down.configure(command));
    failing(configurations.path(), "x", mail("ops@example.com"));
    server.deploy(configurations.path());
    let request = json!({"action": "launch_job", "account": "000099", "environment": "DEV",
                         "configuration_type": "gbq-to-gbq", "configuration_id": "x_DEV"});
    let launched = || sinks::post(&format!("{}/v1/dag/launch", server.url), &server.token, &request);
    let runs: Vec<String> = (0..STORM)
        .map(|_| launched()["run_id"].as_str().unwrap_or_else(|| panic!("not launched")).to_owned())
        .collect();
    until("all runs to fail", || {
        server.runs("table-to-table", "x_DEV").iter().all(|run| run["status"] == "FAILED").then_some(())
    });
    let token = server.token.clone();
    server.kill();
    // Those that are due later than the others would wait for the next minute.
    until("every alert to be due", || {
        let database = rusqlite::Connection::open(data.join("tailerd.db")).unwrap();
        let last = "SELECT MAX(due) FROM alerts WHERE handed IS NULL";
        let due: i64 = database.query_row(last, [], |row| row.get(0)).unwrap();
        (due < jiff::Timestamp::now().as_microsecond()).then_some(())
    });
    let smtp = down.up(&place);
    let server = Server::start_for(&data, token, |command| smtp.configure(command));
    let named = |run_id: &String| smtp.messages().iter().any(|message| text(message, "plain").contains(run_id));
    until("every run to be named", || runs.iter().all(named).then_some(()));
    for run_id in [&runs[0], &runs[STORM - 1]] {
        told(&server, run_id, "SENT");
    }
    let messages = smtp.messages();
    assert!(messages.len() <= 12, "{} messages", messages.len());
    for run_id in &runs {
        let naming: Vec<&Value> = messages.iter().filter(|message| text(message, "plain").contains(run_id)).collect();
        assert_eq!(naming.len(), 1, "{run_id}");
        assert!(text(naming[0], "html").contains(run_id));
    }
}

#[test]
fn webhooks_get_signed_documents_and_nothing_secret_shows() {
    const SECRETS: [&str; 4] = ["hunter2-webhook", "hunter2-slack", "hunter2-path", "hunter2-mail"];
    let (home, configurations) = (folder(), folder());
    let (hook, slack) = (WebSink::start(&[503, 200]), WebSink::start(&[200]));
    let log = home.path().join("log");
    let server = Server::start_as(&home.path().join("data"), |command| {
        command
            .env("TAILERD_ALERTS_WEBHOOK_HOSTS", format!("127.0.0.1:{},127.0.0.1:{}", hook.port, slack.port))
            .env("TAILERD_ALERTS_RETRY_FIRST", "50ms")
            .env("TAILERD_SECRET_HOOK", SECRETS[0])
            .env("TAILERD_SECRET_SLACK", format!("http://127.0.0.1:{}/{}", slack.port, SECRETS[1]))
            .env("TAILERD_ALERTS_SMTP_HOST", "127.0.0.1")
            .env("TAILERD_ALERTS_SMTP_PORT", "1")
            .env("TAILERD_ALERTS_SMTP_FROM", "tailerd@example.com")
            .env("TAILERD_ALERTS_SMTP_USERNAME", "tailerd")
            .env("TAILERD_ALERTS_SMTP_PASSWORD", SECRETS[3])
            .env("TAILERD_LOG_FILTER", "debug")
            .stderr(std::fs::File::create(&log).unwrap());
    });
    let webhook = json!({"url": format!("http://127.0.0.1:{}/{}", hook.port, SECRETS[2]), "secret": {"env": "TAILERD_SECRET_HOOK"}});
    let alert = json!({"webhook": webhook, "slack": {"url": {"env": "TAILERD_SECRET_SLACK"}}, "email": {"email_to": "a@example.com"}});
    failing(configurations.path(), "x", json!({"alert": alert, "alert_info": "<call> Ada"}));
    let elsewhere = json!({"webhook": {"url": "https://127.0.0.1:9/"}, "slack": {"url": "https://localhost:9/"}});
    failing(configurations.path(), "inside", json!({"alert": elsewhere}));
    server.deploy(configurations.path());
    let run_id = launch(&server, "x_DEV");
    let requests = hook.requests(2);
    for request in &requests {
        let body = &request.body;
        let seconds = request.header("x-tailerd-timestamp");
        let mac = hmac_sha256(SECRETS[0].as_bytes(), format!("{seconds}.{body}").as_bytes());
        assert_eq!(request.header("x-tailerd-signature"), format!("sha256={mac}"));
        assert!(seconds.parse::<i64>().unwrap() > 1_700_000_000);
    }
    assert_eq!(requests[0].header("x-tailerd-id"), requests[1].header("x-tailerd-id"));
    assert_eq!(requests[0].body, requests[1].body);
    let document: Value = serde_json::from_str(&requests[1].body).unwrap();
    let told_of = &document["alerts"][0];
    assert_eq!((text(told_of, "run_id"), text(told_of, "alert_info")), (run_id.as_str(), "<call> Ada"));
    for key in [
        "account",
        "environment",
        "status",
        "configuration_id",
        "configuration_type",
        "execution_date",
        "job_id",
        "short_description",
        "updated_by",
        "update_date",
        "url_to_tailer_studio_run_id",
        "url_to_tailer_studio_conf_id",
        "error",
    ] {
        assert!(!text(told_of, key).is_empty(), "{key}: {document}");
    }
    let slack: Value = serde_json::from_str(&slack.requests(1)[0].body).unwrap();
    assert!(text(&slack, "text").contains(&run_id) && text(&slack, "text").contains("&lt;call&gt; Ada"), "{slack}");

    // Whoever deploys does not reach what only the server reaches.
    let inside = launch(&server, "inside_DEV");
    let refused = until("both to be refused", || {
        let run = details(&server, &inside);
        run["alerts"].as_array()?.iter().all(|alert| alert["state"] == "FAILED").then(|| run["alerts"].clone())
    });
    assert_eq!(refused.as_array().unwrap().len(), 2);
    assert!(refused.to_string().contains("alerts.webhook_hosts"), "{refused}");

    told(&server, &run_id, "SENT");
    until("the mail to be tried", || {
        details(&server, &run_id)["alerts"].to_string().contains("cannot connect").then_some(())
    });
    let show = |args: &[&str]| {
        let ended = run(server.command().args(args), "");
        format!("{}{}", ended.stdout, ended.stderr)
    };
    let document = json!({"action": "get_configuration", "account": "000099", "environment": "DEV",
                          "configuration_type": "table-to-table", "configuration_id": "x_DEV"});
    let answered =
        sinks::post(&format!("{}/v1/configuration/status", server.url), &server.token, &document).to_string();
    assert!(answered.contains("\"alert\""), "{answered}");
    let log = std::fs::read_to_string(&log).unwrap();
    let printed = {
        let mut command = support::command();
        command.args(["serve", "--print-config"]).env("TAILERD_ALERTS_SMTP_PASSWORD", SECRETS[3]);
        command
            .env("TAILERD_ALERTS_SMTP_HOST", "h")
            .env("TAILERD_ALERTS_SMTP_USERNAME", "u")
            .env("TAILERD_ALERTS_SMTP_FROM", "a@x.com");
        run(&mut command, "").good().stdout
    };
    assert!(printed.contains("smtp.password = \"***\""), "{printed}");
    for shown in [
        show(&["status", &run_id, "--json"]),
        show(&["status", &run_id]),
        show(&["logs", &run_id]),
        answered,
        log,
        printed,
    ] {
        for secret in SECRETS {
            assert!(!shown.contains(secret), "{secret} is in {shown}");
        }
    }
}

#[test]
fn the_doctor_tries_the_mail_server() {
    let Some(place) = smtp_place() else { return };
    let home = folder();
    let data = home.path().join("data").display().to_string();
    support::tailerd(&["token", "list", "--data", &data]).good();
    let finding = |smtp: &Smtp, more: &[(&str, &str)]| {
        let mut command = support::command();
        smtp.settings(&mut command).args(["doctor", "--json", "--data", &data]).envs(more.iter().copied());
        command.env("TAILERD_PUBLIC_URL", "https://tailer.example.com");
        let all: Value = serde_json::from_str(&run(&mut command, "").stdout).unwrap();
        let found = all["findings"].as_array().unwrap().iter().find(|f| text(f, "check").starts_with("mail ")).cloned();
        found.unwrap_or_else(|| panic!("{all}"))
    };
    let starttls = Smtp::start(&place, 0, &[]);
    let good = finding(&starttls, &[]);
    assert_eq!(
        (text(&good, "level"), text(&good, "message")),
        ("ok", "answers, and the login is accepted; nothing was sent")
    );
    let wrapped = Smtp::start(&place, 0, &["--tls", "tls"]);
    assert_eq!(text(&finding(&wrapped, &[("TAILERD_ALERTS_SMTP_TLS", "tls")]), "level"), "ok");
    let check = |found: Value, message: &str| {
        assert_eq!(text(&found, "level"), "error", "{found}");
        assert!(text(&found, "message").contains(message) && found["hint"].is_string(), "{found}");
    };
    check(finding(&starttls, &[("TAILERD_ALERTS_SMTP_PASSWORD", "wrong")]), "the login is refused: 535");
    check(finding(&starttls, &[("SSL_CERT_FILE", "/dev/null")]), "no encrypted connection");
    check(finding(&starttls, &[("TAILERD_ALERTS_SMTP_TLS", "tls")]), "no encrypted connection");
    check(finding(&wrapped, &[("TAILERD_ALERTS_TIMEOUT", "1s")]), "no answer within 1s");
    check(finding(&Smtp::down(&place), &[]), "cannot connect to 127.0.0.1");
    assert!(starttls.messages().is_empty() && wrapped.messages().is_empty());
}

#[test]
fn what_cannot_be_told_is_said_when_deploying() {
    let (home, configurations) = (folder(), folder());
    let server = Server::start(&home.path().join("data"));
    failing(configurations.path(), "x", mail("ops@example.com"));
    let deployed = server.deploy(configurations.path());
    assert!(
        deployed.stderr.contains("sends no mail") || deployed.stdout.contains("sends no mail"),
        "{}",
        deployed.snapshot()
    );
    let failed = told(&server, &launch(&server, "x_DEV"), "FAILED");
    assert!(text(&failed["alerts"][0], "error").contains("alerts.smtp.host"), "{failed}");
    let bad = json!({"alert_status": ["BROKEN"], "alert": {"email": {"email_to": "nobody"}, "webhook": {"url": "x"}}});
    failing(configurations.path(), "x", bad);
    let refused = server.tailerd(&["deploy", configurations.path().to_str().unwrap()]);
    for path in ["$.monitoring.alert_status[0]", "$.monitoring.alert.email.email_to", "$.monitoring.alert.webhook.url"]
    {
        assert!(refused.stderr.contains(path), "{}", refused.snapshot());
    }
}
