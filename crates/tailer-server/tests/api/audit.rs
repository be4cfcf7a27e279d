//! The audit log over HTTP: every action that changes something leaves an entry, who reads which, and the Studio's page.

use serde_json::{Value, json};
use tailer_server::{Role, rules};
use tailer_store::{
    StoreError,
    audit::{self, AuditFilter},
};

use crate::{
    runs::ENDLESS,
    settings::{raise_ana, submit},
    sign_in::{PASSWORD, cookie, form_token, send, with_ana},
    support::{ACCOUNT, Answer, House, OTHER, deployment, identified, path_of, table_to_table, until, with},
};

const ONE: (&str, &str) = ("one.sql", "SELECT 1 AS one");

async fn log(house: &House, token: &str, more: Value) -> Vec<Value> {
    let body = with(json!({"action": "get_audit_log", "account": ACCOUNT, "limit": 1000}), more);
    house.call(token, &body).await.is_fine()["results"].as_array().unwrap().clone()
}

/// The body of a call that changes something, and what it leaves in the log; `None` for an action that only reads.
async fn change(house: &House, token: &str, action: &str) -> Option<(Value, &'static str)> {
    let target = |more: Value| with(identified(action, "table-to-table", "x"), more);
    Some(match action {
        "launch_job" => (target(json!({})), "run_launch"),
        "backfill" => (target(json!({"from": "2024-01-01", "to": "2024-01-02"})), "run_backfill"),
        "set_run_status" => {
            let run = house.launch(token, "table-to-table", "x").await;
            house.ended(token, "table-to-table", "x", &run).await;
            (target(json!({"run_id": run, "status": "CHECKED"})), "run_set_status")
        }
        "cancel_run" => {
            let run = house.launch(token, "table-to-table", "slow").await;
            let of = |action: &str| with(identified(action, "table-to-table", "slow"), json!({ "run_id": run }));
            until(async || {
                let details = house.call(token, &of("get_run_details")).await.is_fine()["results"][0].clone();
                assert_eq!(details["status"], "RUNNING", "{details}");
                (details["tasks"][0]["status"] == "RUNNING").then_some(())
            })
            .await;
            (of(action), "run_cancel")
        }
        "add_note" => (target(json!({"text": "Why?"})), "note_add"),
        "reset_workflow_status" => (identified(action, "workflow", "both"), "workflow_reset"),
        "set_configuration_status" => (target(json!({"activated": false})), "configuration_disable"),
        "deploy_configuration" => (deployment(table_to_table("new", ACCOUNT), &[ONE]), "configuration_deploy"),
        "check_run_status"
        | "get_last_status"
        | "get_by_status"
        | "get_run_details"
        | "get_run_logs"
        | "get_expectations"
        | "get_workflow_status"
        | "get_configuration_status"
        | "get_configuration"
        | "list_configurations"
        | "check_configuration"
        | "get_audit_log"
        | "get_freshness"
        | "list_notes"
        | "storage_notification" => return None,
        _ => panic!("the action {action} has no audit test: say what it leaves in the log, or that it only reads"),
    })
}

#[tokio::test]
async fn every_action_that_changes_something_leaves_an_entry() {
    let house = House::open().await;
    house.deploy(table_to_table("x", ACCOUNT), &[ONE]).await;
    let mut slow = table_to_table("slow", ACCOUNT);
    slow["workflow"][0]["table_name"] = json!("slow");
    house.deploy(slow, &[("one.sql", ENDLESS)]).await;
    let workflow = json!({
        "configuration_type": "workflow", "configuration_id": "both", "environment": "DEV", "account": ACCOUNT, "version": "2",
        "authorized_job_ids": ["gbq-to-gbq|x_DEV", "gbq-to-gbq|slow_DEV"],
        "target_dag": {"configuration_type": "table-to-table", "configuration_id": "x_DEV"},
    });
    house.deploy(workflow, &[]).await;
    let caller = house.mint(ACCOUNT, Role::Admin, jiff::SignedDuration::from_hours(1)).await;
    let token = caller.token.as_str();
    let mut changes = Vec::new();
    for (_, action, _) in rules() {
        if let Some((body, left)) = change(&house, token, action).await {
            // What disables comes last.
            let last = action == "set_configuration_status";
            changes.insert(if last { changes.len() } else { 0 }, (action, body, left));
        }
    }
    assert_eq!(changes.len(), 8);
    for (action, body, left) in changes {
        let before = log(&house, token, json!({})).await.len();
        let request = house.http.post(format!("{}{}", house.url, path_of(action))).bearer_auth(token);
        let request = request.header("content-type", "application/json").header("user-agent", "tailerd-cli/1.0.0");
        Answer::of(request.body(body.to_string()).send().await.unwrap()).await.is_fine();
        let entries = log(&house, token, json!({})).await;
        assert_eq!(entries.len(), before + 1, "{action}: {entries:?}");
        let entry = &entries[0];
        assert_eq!((&entry["action"], &entry["via"]), (&json!(left), &json!("cli")), "{action}: {entry}");
        assert_eq!((&entry["who"], &entry["account"]), (&json!(format!("token:{}", caller.id)), &json!(ACCOUNT)));
    }
    // Neither what is refused nor what only reads is told.
    let before = log(&house, token, json!({})).await.len();
    for (path, action, _) in rules() {
        house.post(path, token, crate::access::request(action).to_string()).await;
    }
    let told = log(&house, token, json!({})).await;
    assert_eq!(told.len(), before + 1, "only the deployment had an effect: {:?}", told[0]);
    assert_eq!(told[0]["via"], "api");
}

#[tokio::test]
async fn administrators_read_of_access_and_others_of_operations_only() {
    let house = House::open().await;
    house.deploy(table_to_table("x", ACCOUNT), &[ONE]).await;
    let (viewer, admin) = (house.token(ACCOUNT, Role::Viewer).await, house.token(ACCOUNT, Role::Admin).await);
    let kinds = |entries: &[Value]| {
        let mut kinds: Vec<String> =
            entries.iter().map(|entry| entry["target_kind"].as_str().unwrap().to_owned()).collect();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds(&log(&house, &viewer, json!({})).await), ["configuration"]);
    assert!(log(&house, &viewer, json!({"audit_action": "token_create"})).await.is_empty());
    assert_eq!(log(&house, &admin, json!({"audit_action": "token_create"})).await.len(), 3);
    let stranger = house.token(OTHER, Role::Admin).await;
    let theirs = house.call(&stranger, &json!({"action": "get_audit_log", "account": OTHER})).await.is_fine();
    assert_eq!(kinds(theirs["results"].as_array().unwrap()), ["token"], "nothing of the account beside it");
    assert_eq!(theirs["after"], json!(null));

    let page = json!({"action": "get_audit_log", "account": ACCOUNT, "limit": 2});
    let first = house.call(&admin, &page).await.is_fine();
    let rest = log(&house, &admin, json!({"after": first["after"]})).await;
    assert_eq!(first["results"].as_array().unwrap().len() + rest.len(), log(&house, &admin, json!({})).await.len());
    let refused = with(page.clone(), json!({"audit_action": "nothing", "from": "x"}));
    let error = house.call(&admin, &refused).await.is_error(400, "invalid_fields");
    assert_eq!(error["data"]["fields"].as_array().unwrap().len(), 2, "{error}");
    house.call(&admin, &with(page, json!({"after": "x"}))).await.is_error(400, "invalid_cursor");
}

#[tokio::test]
async fn a_run_tells_of_its_changes_and_an_operation_of_its_runs() {
    let house = House::open().await;
    house.deploy(table_to_table("x", ACCOUNT), &[ONE]).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let run = house.launch(&token, "table-to-table", "x").await;
    let entries = log(&house, &token, json!({ "target": run })).await;
    assert_eq!((entries.len(), &entries[0]["action"]), (1, &json!("run_launch")));
    assert_eq!(entries[0]["operation"], "DEV/gbq-to-gbq/x_DEV");
    let all = log(&house, &token, json!({"target": "DEV/table-to-table/x"})).await;
    assert_eq!(all.len(), 2, "the deployment and the launch");
}

async fn page(house: &House, cookie: &str, path: &str) -> String {
    let request = house.http.get(format!("{}{path}", house.url)).header("cookie", cookie);
    Answer::of(request.send().await.unwrap()).await.text
}

async fn sign_in(house: &House) -> String {
    cookie(&send(house, "/sign-in", &[], &[("name", "ana"), ("password", PASSWORD)]).await)
}

#[tokio::test]
async fn the_studio_tells_who_changed_what_and_who_came_and_went() {
    let house = with_ana().await;
    house.deploy(table_to_table("x", ACCOUNT), &[ONE]).await;
    for _ in 0..3 {
        let wrong = [("name", "ana"), ("password", "<b>not it</b>")];
        assert_eq!(send(&house, "/sign-in", &[], &wrong).await.status, 401);
    }
    let ana = sign_in(&house).await;
    let shown = page(&house, &ana, "/audit").await;
    assert!(shown.contains("deployed") && shown.contains("for administrators"), "{shown}");
    assert!(!shown.contains("signed in"), "an operator reads nothing of access: {shown}");
    raise_ana(&house).await;

    let csrf = form_token(&shown);
    let path = format!("/operations/{ACCOUNT}/DEV/gbq-to-gbq/x_DEV/disable");
    assert_eq!(send(&house, &path, &[("cookie", &ana)], &[("csrf", csrf.as_str())]).await.status, 303);
    submit(&house, &ana, "member", &[("name", "eva@x.y"), ("role", "viewer")]).await;
    assert_eq!(send(&house, "/sign-out", &[("cookie", &ana)], &[("csrf", csrf.as_str())]).await.status, 303);

    let ana = sign_in(&house).await;
    let told = page(&house, &ana, "/audit").await;
    for words in [
        "signed out as",
        "added the user",
        "disabled",
        "<del>true</del>",
        "<ins>false</ins>",
        "via studio",
        "gave a role to the user",
        "signed in as",
        "was refused to sign in as",
        "<ins>3</ins>",
        "who=user%3Aana\"",
        "href=\"/operations/000099/DEV/gbq-to-gbq/x_DEV\"",
    ] {
        assert!(told.contains(words), "without {words}: {told}");
    }
    let refusals = page(&house, &ana, "/audit?action=session_refuse&who=anonymous&target=user%3Aana").await;
    assert_eq!(refusals.matches("was refused to sign in as").count(), 1, "{refusals}");
    assert!(page(&house, &ana, "/audit?to=2020-01-01").await.contains("No change matches"));
    assert!(page(&house, &ana, "/audit?action=nothing").await.contains("expected one of"));
}

/// What is typed where a name belongs may be a password: it is not told, and to no account.
#[tokio::test]
async fn guesses_at_nobody_are_the_servers_own_and_tell_no_names() {
    let house = with_ana().await;
    raise_ana(&house).await;
    let guess = [("name", "my p4ssword"), ("password", "hunter2")];
    assert_eq!(send(&house, "/sign-in", &[], &guess).await.status, 401);
    assert_eq!(send(&house, "/sign-in", &[], &[("token", "a.b.c")]).await.status, 401);
    let refusals = AuditFilter { target: Some("unknown".into()), limit: 10, ..AuditFilter::default() };
    let own: Result<_, StoreError> = house.store.read(move |tx| audit::list(tx, &refusals)).await;
    let own = own.unwrap();
    assert_eq!((own.len(), &own[0].account, &own[0].after["attempts"]), (1, &None, &json!(2)));
    let everything: Result<_, StoreError> =
        house.store.read(|tx| audit::list(tx, &AuditFilter { limit: 100, ..AuditFilter::default() })).await;
    let told = format!("{:?}", everything.unwrap());
    assert!(!told.contains("p4ssword") && !told.contains("hunter2") && !told.contains("a.b.c"), "{told}");
    let ana = sign_in(&house).await;
    assert!(!page(&house, &ana, "/audit").await.contains("unknown"), "it is no account's");
}
