//! People are told what became of runs: each thing at least once, storms in few messages, whatever dies in between.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tailer_engine::{AlertSettings, AlertView, Courier, Hook, Links, RunDetails};
use tailer_model::{RunId, RunStatus};
use tailer_notify::{Mail, Outcome};
use tempfile::TempDir;

use crate::{
    copying::{copies, operation},
    support::{House, ONE, TestClock, actor, no_op, sql_tasks, table_to_table},
};

/// What the other side does with a message.
#[derive(Debug, Default, Clone)]
enum Mood {
    #[default]
    Takes,
    Answers(Outcome),
    /// Never answers.
    Hangs,
}

#[derive(Debug, Default)]
struct Fake {
    mood: Mutex<Mood>,
    mails: Mutex<Vec<Mail>>,
    /// Where to, id, body.
    posts: Mutex<Vec<(Hook, String, Value)>>,
}

impl Fake {
    async fn answer(&self) -> Outcome {
        let mood = self.mood.lock().clone();
        match mood {
            Mood::Takes => Outcome::Sent { refused: Vec::new() },
            Mood::Answers(outcome) => outcome,
            Mood::Hangs => std::future::pending().await,
        }
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }
}

#[async_trait]
impl Courier for Fake {
    async fn mail(&self, mail: Mail) -> Outcome {
        self.mails.lock().push(mail);
        self.answer().await
    }

    async fn post(&self, hook: Hook, id: &str, body: String, _: Timestamp) -> Outcome {
        self.posts.lock().push((hook, id.to_owned(), serde_json::from_str(&body).unwrap()));
        self.answer().await
    }
}

fn settings() -> AlertSettings {
    AlertSettings {
        sends_mail: true,
        email_to: vec!["ops@x.com".into()],
        links: Links {
            base: "https://studio".into(),
            run: |run| format!("/runs/{run}"),
            operation: |of| format!("/operations/{}", of.configuration_id),
        },
        ..AlertSettings::default()
    }
}

struct Stage {
    house: House,
    courier: Arc<Fake>,
}

impl Stage {
    async fn new() -> Self {
        Self::on(TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap(), Arc::default(), Arc::default()).await
    }

    async fn on(folder: TempDir, clock: Arc<TestClock>, courier: Arc<Fake>) -> Self {
        Self { house: House::telling(folder, clock, courier.clone(), settings()).await, courier }
    }

    /// A new server on the same folder.
    async fn again(self) -> Self {
        let (folder, clock) = self.house.stop().await;
        Self::on(folder, clock, self.courier).await
    }

    async fn deploy_failing(&self, id: &str, monitoring: Value) {
        let mut configuration = sql_tasks(id, &[], &[("t", "bad.sql", "critical")]);
        configuration["monitoring"] = monitoring;
        configuration["short_description"] = json!("sales <daily>");
        self.house.deploy(configuration, &[("bad.sql", "SELECT * FROM nowhere")]).await;
    }

    async fn details(&self, id: &str, run: &RunId) -> RunDetails {
        self.house.engine.run_details(&table_to_table(id), run).await.unwrap()
    }

    /// The only alert of a run, once it is as wanted.
    async fn alert(&self, id: &str, run: &RunId, wanted: impl Fn(&AlertView) -> bool) -> AlertView {
        let look = async || self.details(id, run).await.alerts.into_iter().find(&wanted);
        self.house.until("the alert is as wanted", look).await
    }

    async fn log(&self, id: &str, run: &RunId) -> Vec<String> {
        let logs = self.house.engine.run_logs(&table_to_table(id), run, None, None, Duration::ZERO).await.unwrap();
        logs.results.into_iter().map(|line| line.message).filter(|line| line.starts_with("alert ")).collect()
    }
}

fn sent(alert: &AlertView) -> bool {
    alert.state == "SENT"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_with_all_that_is_known() {
    let stage = Stage::new().await;
    let body = "@account|@environment|@status|@configuration_id|@configuration_type|@execution_date|@short_description|@job_id|\
                @run_id|@updated_by|@impact|@urgency|@alert_info|@url_to_tailer_studio_run_id|@url_to_tailer_studio_conf_id";
    let email = json!({"email_to": "a@x.com;b@x.com", "email_reply_to": "c@x.com", "email_from": "t@x.com",
                       "email_subject": "@job_id @status", "email_body": body, "email_body_type": "txt"});
    let hook = json!({"url": "https://hooks.x.com/1", "secret": {"env": "S"}});
    let alert = json!({"email": email, "webhook": hook, "slack": {"url": {"env": "SLACK"}}});
    stage.deploy_failing("x", json!({"impact": 1, "urgency": 3, "alert_info": "call Ada", "alert": alert})).await;
    let run = stage.house.run("x").await.run;
    for channel in ["email", "webhook", "slack"] {
        stage.alert("x", &run.run_id, |alert| alert.channel.as_str() == channel && sent(alert)).await;
    }
    let mail = stage.courier.mails.lock().remove(0);
    let id = &run.run_id;
    let date = run.execution_date;
    let expect = format!(
        "000099|DEV|FAILED|x_DEV|gbq-to-gbq|{date}|sales <daily>|gbq-to-gbq|x_DEV|{id}|test|1|3|call Ada|\
         https://studio/runs/{id}|https://studio/operations/x_DEV"
    );
    assert_eq!((mail.subject.as_str(), mail.text), ("gbq-to-gbq|x_DEV FAILED", expect));
    assert_eq!((mail.from.as_deref(), mail.reply_to.as_deref()), (Some("t@x.com"), Some("c@x.com")));
    assert_eq!((&mail.to, &mail.left), (&vec!["a@x.com".to_owned(), "b@x.com".to_owned()], &mail.to));
    let posts = stage.courier.posts.lock().clone();
    let (_, id_header, document) =
        posts.iter().find(|(hook, ..)| *hook != named(json!({"env": "SLACK"}), None)).unwrap();
    assert_eq!(document["id"], json!(id_header));
    let told = &document["alerts"][0];
    assert_eq!((&told["run_id"], &told["alert_info"], &told["impact"]), (&json!(id), &json!("call Ada"), &json!(1)));
    assert_eq!(told["error"], json!(run.error));
    let (_, _, slack) = posts.iter().find(|(hook, ..)| *hook == named(json!({"env": "SLACK"}), None)).unwrap();
    assert!(slack["text"].as_str().unwrap().contains(id.as_str()), "{slack}");
    assert!(stage.log("x", id).await.contains(&"alert FAILED by email to a@x.com; b@x.com: sent".to_owned()));
}

fn named(url: Value, secret: Option<Value>) -> Hook {
    Hook::Named { url, secret }
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_told_as_wanted_and_by_default_failures_to_the_servers_recipients() {
    let stage = Stage::new().await;
    stage.deploy_failing("x", json!({"alert_status": ["FAILED", "CHECKED"]})).await;
    stage.house.deploy(no_op("good"), &[ONE]).await;
    let mut quiet = no_op("quiet");
    quiet["monitoring"] = json!({"alert_enabled": false, "alert_status": ["SUCCESS"]});
    stage.house.deploy(quiet, &[ONE]).await;
    let mut loud = no_op("loud");
    loud["monitoring"] = json!({"alert_status": ["SUCCESS"], "alert_environment": ["DEV"]});
    stage.house.deploy(loud, &[ONE]).await;
    let run = stage.house.run("x").await.run.run_id;
    stage.alert("x", &run, sent).await;
    stage.house.engine.set_run_status(&table_to_table("x"), &run, RunStatus::Checked, &actor("ada")).await.unwrap();
    let checked = stage.alert("x", &run, |alert| alert.status == RunStatus::Checked && sent(alert)).await;
    assert_eq!(checked.to, "ops@x.com");
    assert!(stage.house.run("good").await.alerts.is_empty() && stage.house.run("quiet").await.alerts.is_empty());
    let loud = stage.house.run("loud").await.run.run_id;
    stage.alert("loud", &loud, sent).await;

    let mut copy = copies(&["remote/out"]);
    copy["monitoring"] = json!({"alert_status": ["NO_MATCH"]});
    copy["filename_templates"] = json!([{"filename_template": "sales_{{FD_DATE}}.csv"}]);
    stage.house.deploy(copy, &[]).await;
    stage.house.drop_file("in/drop/unknown.zip", "x");
    let no_match = stage.house.runs_ended(operation(), 1).await.remove(0);
    assert_eq!(no_match.status, "NO_MATCH");
    let subject = format!("TAILER RUN ALERT: {} NO_MATCH at {}", no_match.job_id, no_match.execution_date);
    let told = async || stage.courier.mails.lock().iter().any(|mail| mail.subject == subject).then_some(());
    stage.house.until("a file that nothing matches is told of", told).await;
    assert_eq!(stage.courier.mails.lock().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_down_is_tried_again_until_it_is_given_up() {
    let stage = Stage::new().await;
    stage.courier.set(Mood::Answers(Outcome::Later { why: "refused".into(), after: None }));
    stage.deploy_failing("x", json!({})).await;
    let run = stage.house.run("x").await.run.run_id;
    let waits = stage.alert("x", &run, |alert| alert.error.is_some()).await;
    assert_eq!((waits.state, waits.attempts, waits.error.as_deref()), ("WAITING", 1, Some("refused")));
    stage.house.clock.advance(SignedDuration::from_secs(6));
    stage.alert("x", &run, |alert| alert.attempts == 2 && alert.due_date > waits.due_date).await;
    stage.courier.set(Mood::Takes);
    stage.house.clock.advance(SignedDuration::from_secs(11));
    assert_eq!(stage.alert("x", &run, sent).await.attempts, 3);
    let ids: Vec<String> = stage.courier.mails.lock().iter().map(|mail| mail.id.clone()).collect();
    assert_eq!(ids, vec![format!("{run}.failed.email"); 3], "who gets it twice can tell");
    let told = ["not sent yet, it is tried again: refused", "sent"]
        .map(|end| format!("alert FAILED by email to ops@x.com: {end}"));
    assert_eq!(stage.log("x", &run).await, told, "the same is said once");

    stage.courier.set(Mood::Answers(Outcome::Later { why: "refused".into(), after: None }));
    let run = stage.house.run("x").await.run.run_id;
    stage.alert("x", &run, |alert| alert.attempts == 1 && alert.error.is_some()).await;
    stage.house.clock.advance(SignedDuration::from_hours(25));
    let given_up = stage.alert("x", &run, |alert| alert.state == "FAILED").await;
    assert_eq!((given_up.attempts, given_up.due_date), (2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_refuses_for_good_is_not_asked_again() {
    let stage = Stage::new().await;
    stage.courier.set(Mood::Answers(Outcome::Never { why: "550 nobody".into() }));
    stage.deploy_failing("x", json!({})).await;
    let run = stage.house.run("x").await.run.run_id;
    let failed = stage.alert("x", &run, |alert| alert.state == "FAILED").await;
    assert_eq!((failed.attempts, failed.error.as_deref()), (1, Some("550 nobody")));
    assert_eq!(stage.log("x", &run).await, ["alert FAILED by email to ops@x.com: not sent: 550 nobody"]);

    // Some have it: the others only are tried again.
    let (refused, left) = (vec!["c@x.com: 550".to_owned()], vec!["b@x.com".to_owned()]);
    stage.courier.set(Mood::Answers(Outcome::Partly { refused, left: left.clone(), why: "b@x.com: 451".into() }));
    let run = stage.house.run("x").await.run.run_id;
    let partly = stage.alert("x", &run, |alert| alert.error.is_some()).await;
    assert_eq!(partly.error.as_deref(), Some("b@x.com: 451; refused: c@x.com: 550"));
    stage.courier.set(Mood::Takes);
    stage.house.clock.advance(SignedDuration::from_secs(6));
    stage.alert("x", &run, sent).await;
    let last = stage.courier.mails.lock().pop().unwrap();
    assert_eq!((last.left, last.to), (left, vec!["ops@x.com".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_died_with_a_server_is_told_by_the_next() {
    let stage = Stage::new().await;
    stage.courier.set(Mood::Hangs);
    stage.deploy_failing("x", json!({})).await;
    let run = stage.house.run("x").await.run.run_id;
    stage.house.until("it is being sent", async || (stage.courier.mails.lock().len() == 1).then_some(())).await;
    // A run never waits for it, nor do others.
    assert_eq!(stage.details("x", &run).await.run.status, "FAILED");
    stage.courier.set(Mood::Takes);
    let second = stage.house.run("x").await.run.run_id;
    stage.alert("x", &second, sent).await;
    let stage = stage.again().await;
    let told = stage.alert("x", &run, sent).await;
    assert_eq!(told.attempts, 2);
    assert_eq!(stage.courier.mails.lock().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_is_few_messages_that_name_every_run() {
    let stage = Stage::new().await;
    stage.courier.set(Mood::Answers(Outcome::Later { why: "down".into(), after: None }));
    stage.deploy_failing("x", json!({})).await;
    let mut runs = Vec::new();
    for _ in 0..60 {
        runs.push(stage.house.launch("x").await);
    }
    let last = runs[59].clone();
    for run in &runs {
        stage.house.ended("x", run).await;
        stage.alert("x", run, |alert| alert.attempts > 0).await;
    }
    stage.alert("x", &last, |alert| alert.error.is_some()).await;
    stage.courier.mails.lock().clear();
    stage.courier.set(Mood::Takes);
    let mut all_told = Vec::new();
    for run in &runs {
        let look = async || {
            stage.house.clock.advance(SignedDuration::from_secs(5));
            stage.details("x", run).await.alerts.into_iter().find(sent)
        };
        all_told.push(stage.house.until("every run is told of", look).await);
    }
    assert!(all_told.iter().all(|alert| alert.error.is_none()));
    let mails = stage.courier.mails.lock();
    assert!(mails.len() <= 15, "{} messages", mails.len());
    for run in &runs {
        let naming = mails.iter().filter(|mail| mail.text.contains(run.as_str())).count();
        assert_eq!(naming, 1, "{run}");
    }
}
