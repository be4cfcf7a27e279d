//! Pages and calls about data quality and freshness: what they show to whom.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tailer_model::{Environment, RunId};
use tailer_server::Role;
use tailer_store::{Durability, StoreError, configurations, freshness};

use crate::support::{ACCOUNT, Answer, House, OTHER, identified, table_to_table, with};

async fn page(house: &House, token: &str, path: &str) -> Answer {
    let request = house.http.get(format!("{}{path}", house.url)).bearer_auth(token);
    Answer::of(request.send().await.unwrap()).await
}

/// An operation that fills a table and checks it: a column is unique while `n` is 1.
async fn checked(house: &House) {
    let mut configuration = table_to_table("sales", ACCOUNT);
    configuration["workflow"] = json!([
        {"id": "fill", "task_type": "sql", "sql_file": "fill.sql", "table_name": "sales"},
        {"id": "check", "task_type": "expectation", "sql_file": "check.sql", "criticality": "warning"},
    ]);
    configuration["task_dependencies"] = json!(["fill >> check"]);
    let files = [
        ("fill.sql", "SELECT '<b>' AS pk, n FROM UNNEST(GENERATE_ARRAY(1, {{n}})) AS n"),
        (
            "check.sql",
            "CALL `x.expect.unique`('core', 'sales', 'pk', 0.5);\nCALL `x.expect.table_count_between`('core', 'sales', [1, 3]);\n\
             CALL `x.expect.not_null`('core', 'missing', 'a', 0);",
        ),
    ];
    house.deploy(configuration, &files).await;
}

async fn run(house: &House, token: &str, n: u32) -> String {
    let body = with(identified("launch_job", "table-to-table", "sales"), json!({"parameters": {"n": n}}));
    let run = house.call(token, &body).await.is_fine()["run_id"].as_str().unwrap().to_owned();
    assert_eq!(house.ended(token, "table-to-table", "sales", &run).await["status"], "SUCCESS");
    run
}

#[tokio::test]
async fn expectations_are_listed_and_shown_over_time() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    assert!(page(&house, &token, "/quality").await.text.contains("No expectation has been checked yet"));
    checked(&house).await;
    let (first, second) = (run(&house, &token, 1).await, run(&house, &token, 3).await);
    let viewer = house.token(ACCOUNT, Role::Viewer).await;
    for (path, shown, hidden) in [
        ("/quality", "unique pk", "No expectation"),
        ("/quality?result=failed", "unique pk", "table_count_between"),
        ("/quality?result=passed", "table_count_between", "unique pk"),
        ("/quality?q=MISSING", "not_null", "unique pk"),
        ("/quality?q=nothing", "No expectation matches", "unique pk"),
        ("/quality?environment=PROD", "No expectation matches", "unique pk"),
        ("/quality?show=former", "No expectation matches", "unique pk"),
        ("/quality?q=sales&page=2", "No expectation matches", "unique pk"),
    ] {
        let page = page(&house, &viewer, path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(page.text.contains(shown) && !page.text.contains(hidden), "{path}: {}", page.text);
        assert!(page.text.contains("<b>2</b>") && page.text.contains("<b>1</b>"), "{path} without its cards");
    }
    assert_eq!(page(&house, &viewer, "/quality?result=good").await.status, 400);
    assert_eq!(page(&house, &viewer, "/quality/nothing").await.status, 404);

    let all = page(&house, &viewer, "/quality?q=unique").await.text;
    assert!(all.contains(&first) && all.contains("2 of 3 (66.7 %)") && all.contains("50 %"), "{all}");
    let path = all.split('"').find(|text| text.starts_with("/quality/")).unwrap();
    let one = page(&house, &viewer, path).await;
    for shown in [
        "unique(&#39;core&#39;, &#39;sales&#39;, &#39;pk&#39;)",
        "allowed 50 %",
        "<circle",
        "f-bad",
        "Some of what was rejected",
        "&#60;b&#62;",
        &format!("/runs/{first}"),
        &format!("/runs/{second}"),
    ] {
        assert!(one.text.contains(shown), "without {shown}: {}", one.text);
    }
    assert!(!one.text.contains("<td><b>"), "what is in tables is no markup");
    let before = page(&house, &viewer, &format!("{path}?before=2020-01-01T00:00:00Z")).await;
    assert!(before.status == 200 && before.text.contains("no results from before"), "{}", before.text);
    assert_eq!(page(&house, &viewer, &format!("{path}?before=yesterday")).await.status, 400);
    let counts = page(&house, &viewer, "/quality?q=table_count").await.text;
    let counts =
        page(&house, &viewer, counts.split('"').find(|text| text.starts_with("/quality/")).unwrap()).await.text;
    assert!(
        counts.contains("allowed 1<") && counts.contains("allowed 3<") && counts.contains("Rows of the table"),
        "{counts}"
    );
    let missing = page(&house, &viewer, "/quality?q=missing").await.text;
    let missing =
        page(&house, &viewer, missing.split('"').find(|text| text.starts_with("/quality/")).unwrap()).await.text;
    assert!(missing.contains("could not be checked:") && missing.contains("f-warn"), "{missing}");

    let stranger = house.token(OTHER, Role::Admin).await;
    assert!(page(&house, &stranger, "/quality").await.text.contains("No expectation has been checked yet"));
    let hidden = page(&house, &stranger, path).await;
    let absent = page(&house, &stranger, "/quality/00000000000000000000000000000000").await;
    assert_eq!((hidden.status, hidden.text), (absent.status, absent.text), "it does not even show that it exists");
    assert_eq!(page(&house, &stranger, &format!("/quality?account={ACCOUNT}")).await.status, 403);
}

/// Gives an operation in PROD runs on the eight days until so many days ago.
async fn ran_until(house: &House, id: &'static str, days_ago: i64) {
    let mut configuration = table_to_table(id, ACCOUNT);
    configuration["environment"] = json!("PROD");
    house.deploy(configuration, &[("one.sql", "SELECT 1 AS one")]).await;
    let now = house.now();
    let note = move |tx: &mut tailer_store::Tx<'_>| {
        let (account, kind) = (ACCOUNT.parse().unwrap(), "table-to-table".parse().unwrap());
        let row = configurations::resolve(tx, &account, Environment::Prod, kind, id)?.unwrap();
        for day in (0..8).rev() {
            let at = now - SignedDuration::from_hours(24 * (days_ago + day));
            freshness::note(tx, row.key, &RunId::new(at, uuid::Uuid::new_v4()), at)?;
        }
        Ok::<_, StoreError>(())
    };
    house.store.write(Durability::Synced, note).await.unwrap();
}

#[tokio::test]
async fn what_is_late_is_told_by_the_page_the_overview_and_the_api() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    assert!(page(&house, &token, "/freshness").await.text.contains("No data operation is enabled in PROD"));
    ran_until(&house, "fresh", 0).await;
    ran_until(&house, "stale", 3).await;
    house.deploy(table_to_table("in_dev", ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    for (path, shown, hidden) in [
        ("/freshness", vec!["fresh_PROD", "stale_PROD", "Very late", "Daily", "2 data operations"], "in_dev"),
        ("/freshness?timing=Very+late", vec!["stale_PROD"], "fresh_PROD"),
        ("/freshness?status=Executed", vec!["fresh_PROD"], "stale_PROD"),
        ("/freshness?q=STALE", vec!["stale_PROD"], "fresh_PROD"),
        ("/freshness?frequency=Yearly", vec!["No data operation matches"], "stale_PROD"),
        ("/", vec!["Late data", "stale_PROD", "Very late"], "fresh_PROD"),
    ] {
        let page = page(&house, &token, path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        for shown in shown {
            assert!(page.text.contains(shown), "{path} without {shown}: {}", page.text);
        }
        assert!(!page.text.contains(hidden), "{path} with {hidden}");
    }
    let all = page(&house, &token, "/freshness").await.text;
    assert!(all.find(">stale_PROD<").unwrap() < all.find(">fresh_PROD<").unwrap(), "late ones first");
    assert_eq!(page(&house, &token, "/freshness?timing=late").await.status, 400);

    let ask = async |more: Value| {
        let body = with(json!({"action": "get_freshness", "account": ACCOUNT}), more);
        house.call(&token, &body).await.is_fine()["results"].clone()
    };
    let all = ask(json!({})).await;
    let told: Vec<_> = all.as_array().unwrap().iter().map(|one| (&one["configuration_id"], &one["timing"])).collect();
    assert_eq!(told, [(&json!("stale_PROD"), &json!("Very late")), (&json!("fresh_PROD"), &json!("On time"))]);
    assert_eq!((&all[0]["frequency"], &all[0]["status"]), (&json!("Daily"), &json!("Awaited")));
    assert!(all[0]["confidence_hours"].as_f64().unwrap() >= 1.0 && all[0]["last_run_id"].is_null(), "{all}");
    assert_eq!(ask(json!({"timing": "Late"})).await, json!([]));
    assert_eq!(ask(json!({"limit": 1})).await.as_array().unwrap().len(), 1);
    let bad = json!({"action": "get_freshness", "account": ACCOUNT, "timing": "late"});
    house.call(&token, &bad).await.is_error(400, "invalid_fields");

    let stranger = house.token(OTHER, Role::Admin).await;
    assert!(page(&house, &stranger, "/freshness").await.text.contains("No data operation is enabled in PROD"));
    assert!(!page(&house, &stranger, "/").await.text.contains("stale_PROD"));
    assert_eq!(page(&house, &stranger, &format!("/freshness?account={ACCOUNT}")).await.status, 403);
}
