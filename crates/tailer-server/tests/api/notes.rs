//! Notes: who may write, change and read them, on pages and through the API.

use serde_json::{Value, json};
use tailer_server::Role;

use crate::{
    studio::{form, page},
    support::{ACCOUNT, House, OTHER, table_to_table, with},
};

const OPERATION: &str = "/operations/000099/DEV/gbq-to-gbq/good_DEV";

async fn house() -> House {
    let house = House::open().await;
    house.deploy(table_to_table("good", ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    house
}

fn about_the_operation(action: &str) -> Value {
    json!({
        "action": action, "account": ACCOUNT, "environment": "DEV", "configuration_type": "table-to-table",
        "configuration_id": "good_DEV",
    })
}

async fn list(house: &House, token: &str, subject: Value) -> Value {
    let body = with(json!({"action": "list_notes", "account": ACCOUNT}), subject);
    house.call(token, &body).await.is_fine()
}

async fn add(house: &House, token: &str, subject: Value, text: &str) -> i64 {
    let body = with(json!({"action": "add_note", "account": ACCOUNT, "text": text}), subject);
    house.call(token, &body).await.is_fine()["note"].as_i64().unwrap()
}

#[tokio::test]
async fn notes_are_about_operations_runs_and_tables() {
    let house = house().await;
    let (viewer, operator) = (house.token(ACCOUNT, Role::Viewer).await, house.token(ACCOUNT, Role::Operator).await);
    let run = house.launch(&operator, "gbq-to-gbq", "good").await;
    house.ended(&operator, "gbq-to-gbq", "good", &run).await;
    let operation = json!({"environment": "DEV", "configuration_type": "gbq-to-gbq", "configuration_id": "good"});
    for (subject, path) in [
        (operation, OPERATION.to_owned()),
        (json!({"run_id": run}), format!("/runs/{run}")),
        (json!({"table": "test-project.core.one"}), format!("/catalog/test-project/core/one?account={ACCOUNT}")),
    ] {
        let first = add(&house, &viewer, subject.clone(), "Why *twice*?").await;
        let reply = add(&house, &operator, with(subject.clone(), json!({"thread": first})), "A rerun.").await;
        let found = list(&house, &viewer, subject.clone()).await;
        assert_eq!((&found["count"], &found["before"]), (&json!(2), &Value::Null), "{found}");
        let thread = &found["results"][0];
        assert_eq!((&thread["note"], &thread["text"]), (&json!(first), &json!("Why *twice*?")), "{found}");
        assert_eq!(thread["replies"][0]["note"], reply);
        assert!(thread["author"].as_str().unwrap().starts_with("token:") && thread["edited_date"].is_null());
        let shown = page(&house, &viewer, &path).await.text;
        assert!(shown.contains("Why <em>twice</em>?") && shown.contains("A rerun."), "{path}: {shown}");
        let action = format!("{}/notes", path.split('?').next().unwrap());
        assert!(shown.contains(&format!("action=\"{action}\"")), "{shown}");
        let sent = form(&house, &viewer, &action, &format!("csrf=&account={ACCOUNT}&text=by+a+form")).await;
        assert!(sent.status == 200 && sent.text.contains("<p>by a form</p>"), "{path}: {}", sent.text);
        let nested = with(json!({"action": "add_note", "account": ACCOUNT, "text": "x", "thread": reply}), subject);
        house.call(&viewer, &nested).await.is_error(404, "unknown_note");
    }
    for (path, lists) in [("/operations", OPERATION.to_owned()), ("/runs", format!("/runs/{run}"))] {
        let shown = page(&house, &viewer, path).await.text;
        let link = format!("href=\"{lists}#notes\" title=\"Notes\" aria-label=\"3 notes\"");
        assert_eq!(shown.matches("class=\"noted\"").count(), 1, "{path}: {shown}");
        assert!(shown.contains(&link), "{path}: {shown}");
    }
    let elsewhere = list(&house, &viewer, json!({"table": "test-project.core.two"})).await;
    assert_eq!(elsewhere["count"], 0);
}

#[tokio::test]
async fn a_subject_that_is_none_is_refused() {
    let house = house().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    for (more, status, error) in [
        (json!({}), 400, "invalid_fields"),
        (json!({"table": "core.one"}), 400, "invalid_fields"),
        (json!({"table": "a/b.c.d"}), 400, "invalid_fields"),
        (json!({"run_id": "20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29"}), 404, "unknown_run"),
        (json!({"table": "p.d.t", "thread": 99}), 404, "unknown_note"),
        (json!({"table": "p.d.t", "thread": 0}), 400, "invalid_fields"),
        (json!({"table": "p.d.t", "text": " \n"}), 400, "empty_note"),
        (json!({"table": "p.d.t", "text": "x".repeat((64 << 10) + 1)}), 400, "note_too_long"),
    ] {
        let body = with(json!({"action": "add_note", "account": ACCOUNT, "text": "x"}), more);
        house.call(&token, &body).await.is_error(status, error);
    }
    let missing = with(about_the_operation("add_note"), json!({"text": "x", "configuration_id": "nothing"}));
    house.call(&token, &missing).await.is_error(404, "unknown_configuration");
}

#[tokio::test]
async fn a_thread_on_another_subject_takes_no_reply() {
    let house = house().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let first = add(&house, &token, json!({"table": "p.d.t"}), "x").await;
    let body = json!({"action": "add_note", "account": ACCOUNT, "text": "x", "table": "p.d.u", "thread": first});
    house.call(&token, &body).await.is_error(404, "unknown_note");
    let other = house.token(OTHER, Role::Admin).await;
    let body = json!({"action": "add_note", "account": OTHER, "text": "x", "table": "p.d.t", "thread": first});
    house.call(&other, &body).await.is_error(404, "unknown_note");
}

#[tokio::test]
async fn pages_of_threads_lead_through_all_of_them() {
    let house = house().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let subject = || json!({"table": "p.d.t"});
    let mut written = Vec::new();
    for n in 0..45 {
        written.push(add(&house, &token, subject(), &format!("note {n}")).await);
    }
    let (mut seen, mut before) = (Vec::new(), Value::Null);
    loop {
        let found = list(&house, &token, with(subject(), json!({"before": before}))).await;
        assert_eq!(found["count"], 45);
        seen.extend(found["results"].as_array().unwrap().iter().map(|note| note["note"].as_i64().unwrap()));
        before = found["before"].clone();
        if before.is_null() {
            break;
        }
    }
    written.reverse();
    assert_eq!(seen, written);
}

/// A note of a first token; a second one on the same account, and an administrator.
#[tokio::test]
async fn a_note_is_changed_by_its_author_and_removed_by_administrators_too() {
    let house = house().await;
    let (mine, yours) = (house.token(ACCOUNT, Role::Viewer).await, house.token(ACCOUNT, Role::Deployer).await);
    let admin = house.token(ACCOUNT, Role::Admin).await;
    let added = form(&house, &mine, &format!("{OPERATION}/notes"), "csrf=&text=mine+1").await;
    assert!(added.status == 200 && added.text.contains("<p>mine 1</p>"), "{}", added.text);
    let notes = list(&house, &mine, about_the_operation("list_notes")).await;
    let note = notes["results"][0]["note"].as_i64().unwrap();
    let (edit, remove) = (format!("/notes/{note}/edit"), format!("/notes/{note}/remove"));
    let shown = page(&house, &mine, OPERATION).await.text;
    assert!(shown.contains(&edit) && shown.contains(&remove));
    let shown = page(&house, &yours, OPERATION).await.text;
    assert!(!shown.contains(&edit) && !shown.contains(&remove));
    let shown = page(&house, &admin, OPERATION).await.text;
    assert!(!shown.contains(&edit) && shown.contains(&remove));

    for (token, path) in [(&yours, &edit), (&yours, &remove), (&admin, &edit)] {
        assert_eq!(form(&house, token, path, "csrf=&text=x").await.status, 403, "{path}");
    }
    assert_eq!(form(&house, &mine, &edit, "csrf=forged&text=x").await.status, 403);
    let stranger = house.token(OTHER, Role::Admin).await;
    for path in [&edit, &remove] {
        assert_eq!(form(&house, &stranger, path, "csrf=&text=x").await.status, 404, "{path}");
    }
    assert_eq!(form(&house, &stranger, &format!("{OPERATION}/notes"), "csrf=&text=x").await.status, 403);

    let edited = form(&house, &mine, &edit, "csrf=&text=mine+2").await.text;
    assert!(edited.contains("<p>mine 2</p>") && edited.contains("edited ") && !edited.contains("mine 1"), "{edited}");
    let removed = form(&house, &admin, &remove, "csrf=").await.text;
    assert!(!removed.contains("mine 2"), "{removed}");
    assert_eq!(form(&house, &mine, &edit, "csrf=&text=x").await.status, 404, "it is gone");
    let entries = audited(&house).await;
    assert_eq!(entries, ["note_remove", "note_edit", "note_add"]);
}

/// What the audit log tells of notes, newest first; it never has their text.
async fn audited(house: &House) -> Vec<String> {
    let filter = tailer_store::audit::AuditFilter { limit: 100, ..tailer_store::audit::AuditFilter::default() };
    let rows = house.store.read(move |tx| tailer_store::audit::list(tx, &filter)).await.unwrap();
    let notes = rows.into_iter().filter(|row| row.action.target_kind() == "note");
    notes
        .map(|row| {
            assert!(!format!("{:?} {:?}", row.before, row.after).contains("mine"), "{row:?}");
            assert_eq!(row.operation.as_deref(), Some("DEV/gbq-to-gbq/good_DEV"), "{row:?}");
            row.action.to_string()
        })
        .collect()
}

#[tokio::test]
async fn what_cannot_be_kept_is_given_back_to_be_corrected() {
    let house = house().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let text = "%C3%A9".repeat(40_000);
    let refused = form(&house, &token, &format!("{OPERATION}/notes"), &format!("csrf=&text=kept+%3Cb%3E{text}")).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("at most 65536") && refused.text.contains("kept &#60;b&#62;é"),
        "{}",
        &refused.text[..3000]
    );
    let empty = form(&house, &token, &format!("{OPERATION}/notes"), "csrf=&text=++").await;
    assert!(empty.status == 400 && empty.text.contains("has no text"));
}

#[tokio::test]
async fn a_removed_note_above_replies_shows_as_removed() {
    let house = house().await;
    let (mine, yours) = (house.token(ACCOUNT, Role::Viewer).await, house.token(ACCOUNT, Role::Viewer).await);
    let operation = about_the_operation("list_notes");
    let subject = json!({"environment": "DEV", "configuration_type": "gbq-to-gbq", "configuration_id": "good_DEV"});
    let first = add(&house, &mine, subject.clone(), "to be *taken*").await;
    add(&house, &yours, with(subject, json!({"thread": first})), "stays").await;
    let shown = form(&house, &mine, &format!("/notes/{first}/remove"), "csrf=").await.text;
    assert!(shown.contains("This note was removed.") && shown.contains("stays") && !shown.contains("taken"), "{shown}");
    let found = list(&house, &mine, operation).await;
    assert_eq!((&found["results"][0]["removed"], &found["results"][0]["text"]), (&json!(true), &json!("")));
}
