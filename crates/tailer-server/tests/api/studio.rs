//! The Studio's pages over HTTP: what they show to whom, and what their forms do.

use serde_json::json;
use tailer_model::{RunId, RunStatus, monitoring::Channel};
use tailer_server::Role;
use tailer_store::{
    Durability, StoreError,
    alerts::{self, NewAlert},
};

use crate::support::{ACCOUNT, Answer, House, OTHER, table_to_table};

const BAD: &str = "SELECT 1 AS one;\nSELECT no_such_column FROM UNNEST([1]) AS a";

/// What is offered: the words on buttons of forms.
fn buttons(html: &str) -> Vec<&str> {
    html.split("<button>").skip(1).filter_map(|rest| rest.split("</button>").next()).collect()
}

pub(crate) async fn page(house: &House, token: &str, path: &str) -> Answer {
    let request = house.http.get(format!("{}{path}", house.url)).bearer_auth(token);
    Answer::of(request.send().await.unwrap()).await
}

pub(crate) async fn form(house: &House, token: &str, path: &str, fields: &str) -> Answer {
    let request = house.http.post(format!("{}{path}", house.url)).bearer_auth(token);
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(fields.to_owned());
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn every_page_shows_what_there_is_and_loads_nothing_from_elsewhere() {
    let house = House::open().await;
    house.deploy(table_to_table("good", ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let run = house.launch(&token, "gbq-to-gbq", "good").await;
    house.ended(&token, "gbq-to-gbq", "good", &run).await;
    let operation = format!("/operations/{ACCOUNT}/DEV/gbq-to-gbq/good_DEV");
    for (path, shown) in [
        ("/", "SUCCESS"),
        ("/operations", "good_DEV"),
        (&operation, "Launch"),
        ("/runs", "good_DEV"),
        ("/runs?status=SUCCESS&kind=gbq-to-gbq&environment=DEV&id=good", "good_DEV"),
        ("/runs?status=FAILED", "No run matches"),
        ("/runs?after=0-0", "No run matches"),
        ("/runs?sub_status=SUCCESS&trigger=api", "good_DEV"),
        (&format!("/runs/{run}"), "SUCCESS"),
        ("/workflows", "0 workflows"),
        ("/audit", "launched the run"),
        ("/audit?action=run_cancel", "No change matches"),
        ("/settings", "for its administrators"),
    ] {
        let page = page(&house, &token, path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(page.text.contains(shown), "{path} without {shown}: {}", page.text);
        assert!(
            !page.text.contains("://") && !page.text.contains("style=") && !page.text.contains("onclick"),
            "{path}"
        );
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let assets: Vec<&str> = page.text.split('"').filter(|text| text.starts_with("/assets/")).collect();
        assert_eq!(assets.len(), 3, "style, script, icon");
        for asset in assets {
            let asset = house.get(asset).await;
            assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"));
        }
    }
    assert_eq!(page(&house, &token, "/runs?status=DONE").await.status, 400);
    assert_eq!(page(&house, &token, "/runs/nothing").await.status, 404);
}

#[tokio::test]
async fn an_error_is_marked_in_its_statement_and_the_run_can_be_checked() {
    let house = House::open().await;
    house.deploy(table_to_table("bad", ACCOUNT), &[("one.sql", BAD)]).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let started = form(&house, &token, &format!("/operations/{ACCOUNT}/DEV/gbq-to-gbq/bad_DEV/launch"), "csrf=").await;
    assert_eq!(started.status, 200, "{}", started.text);
    let all = page(&house, &token, "/runs").await.text;
    let run = all.split("href=\"/runs/").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    house.ended(&token, "gbq-to-gbq", "bad", &run).await;
    let shown = page(&house, &token, &format!("/runs/{run}")).await.text;
    assert!(shown.contains("Relaunch from the failed task") && shown.contains("line marked"), "{shown}");
    let checked = format!("csrf=&run={run}");
    assert_eq!(form(&house, &token, "/runs/checked", &checked).await.status, 200);
    assert!(page(&house, &token, "/runs?status=CHECKED").await.text.contains(&run));
}

#[tokio::test]
async fn who_was_told_of_a_run_is_on_its_page_and_in_the_api() {
    let house = House::open().await;
    house.deploy(table_to_table("good", ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let operator = house.token(ACCOUNT, Role::Operator).await;
    let run = house.launch(&operator, "gbq-to-gbq", "good").await;
    house.ended(&token, "gbq-to-gbq", "good", &run).await;
    let path = format!("/runs/{run}");
    assert!(!page(&house, &token, &path).await.text.contains("Alerts"));
    let id: RunId = run.parse().unwrap();
    let at = jiff::Timestamp::now();
    let told = house.store.write(Durability::Relaxed, move |tx| {
        let (run_id, status, channel) = (&id, RunStatus::Success, Channel::Slack);
        alerts::add(tx, &NewAlert { run_id, status, channel, destination: "d", shown: "hooks.<x>", at })?;
        let key = alerts::due(tx, at, 1)?.remove(0).key;
        alerts::claim(tx, key, at, at, false)?;
        alerts::failed(tx, key, 1, at, "answered 404 <Not Found>")?;
        Ok::<_, StoreError>(())
    });
    told.await.unwrap();
    let shown = page(&house, &token, &path).await.text;
    for part in ["<h2>Alerts</h2>", "slack", "hooks.&#60;x&#62;", "FAILED", "answered 404 &#60;Not Found&#62;"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let asked = json!({"action": "get_run_details", "account": ACCOUNT, "environment": "DEV",
                       "configuration_type": "gbq-to-gbq", "configuration_id": "good", "run_id": run});
    let alert = &house.call(&token, &asked).await.is_fine()["results"][0]["alerts"][0];
    assert_eq!((&alert["state"], &alert["to"], &alert["attempts"]), (&json!("FAILED"), &json!("hooks.<x>"), &json!(1)));
}

#[tokio::test]
async fn a_viewer_is_offered_nothing_and_refused_and_others_see_nothing() {
    let house = House::open().await;
    house.deploy(table_to_table("good", ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    let path = format!("/operations/{ACCOUNT}/DEV/gbq-to-gbq/good_DEV");
    let (viewer, operator) = (house.token(ACCOUNT, Role::Viewer).await, house.token(ACCOUNT, Role::Operator).await);
    let run = house.launch(&operator, "gbq-to-gbq", "good").await;
    house.ended(&operator, "gbq-to-gbq", "good", &run).await;
    for shown in [path.clone(), "/operations".into(), "/runs".into(), format!("/runs/{run}")] {
        let page = page(&house, &viewer, &shown).await;
        assert!(
            page.status == 200
                && buttons(&page.text).iter().all(|name| *name == "Add note")
                && !page.text.contains("Disable"),
            "{shown}"
        );
    }
    for change in ["launch", "disable", "enable", "archive", "unarchive"] {
        assert_eq!(form(&house, &viewer, &format!("{path}/{change}"), "csrf=").await.status, 403, "{change}");
    }
    assert_eq!(form(&house, &operator, &format!("{path}/disable"), "csrf=forged").await.status, 403);
    assert_eq!(form(&house, &operator, &format!("{path}/unarchive"), "csrf=").await.status, 403);
    assert!(form(&house, &operator, &format!("{path}/disable"), "csrf=").await.text.contains("Enable"));
    let stranger = house.token(OTHER, Role::Admin).await;
    assert_eq!(page(&house, &stranger, &path).await.status, 403);
    assert_eq!(page(&house, &stranger, &format!("/runs/{run}")).await.status, 404);
    assert_eq!(page(&house, &stranger, &format!("/runs?account={ACCOUNT}")).await.status, 403);
    assert!(house.get("/runs").await.text.contains("Sign in"), "sent to the way in");
}

#[tokio::test]
async fn pages_are_compressed_for_whoever_takes_it_and_news_are_not() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let get = async |path: &str, takes: &str| {
        let request = house.http.get(format!("{}{path}", house.url)).bearer_auth(&token);
        let answer = request.header("accept-encoding", takes).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.headers().get("content-encoding").map(|encoding| encoding.to_str().unwrap().to_owned())
    };
    assert_eq!(get("/operations", "gzip, br").await.as_deref(), Some("gzip"));
    assert_eq!(get("/operations", "identity").await, None);
    assert_eq!(get("/events", "gzip").await, None, "an event would wait for the next ones");
}
