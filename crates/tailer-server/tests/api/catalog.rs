//! The pages of the catalogue: what they show, to whom, and what they keep back.

use serde_json::json;
use tailer_server::Role;

use crate::support::{ACCOUNT, Answer, House, OTHER, table_to_table, with};

async fn page(house: &House, token: &str, path: &str) -> Answer {
    let request = house.http.get(format!("{}{path}", house.url)).bearer_auth(token);
    Answer::of(request.send().await.unwrap()).await
}

const SQL: &str = "CREATE TABLE IF NOT EXISTS core.people (
    id INT64 NOT NULL OPTIONS(description='#PK'), name STRING OPTIONS(description='Of the person #SENSITIVE'),
    home STRUCT<street STRING, n INT64>, tags ARRAY<STRING>) OPTIONS(description='People & <places>');
INSERT INTO core.people VALUES (7, 'Ada Lovelace', STRUCT('<b>Main</b>' AS street, 12 AS n), ['x', 'y']);
SELECT COUNT(*) AS n FROM core.people";

/// A house whose only operation has run: it writes `core.people` and `core.one`.
async fn people(change: impl FnOnce(&mut tailer_server::ServerSettings)) -> (House, String) {
    let house = House::with(change).await;
    let mut operation = with(table_to_table("fill", ACCOUNT), json!({"doc_md": "fill.md"}));
    operation["workflow"][0]["doc_md"] = json!("task.md");
    house.deploy(operation, &[("one.sql", SQL), ("fill.md", "# All <people>"), ("task.md", "One *row*")]).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let run = house.launch(&token, "gbq-to-gbq", "fill").await;
    let ended = house.ended(&token, "gbq-to-gbq", "fill", &run).await;
    assert_eq!(ended["status"], "SUCCESS", "{ended}");
    (house, run)
}

#[tokio::test]
async fn a_table_is_shown_with_its_columns_rows_lineage_and_documentation() {
    let (house, run) = people(|_| {}).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let catalog = page(&house, &token, "/catalog").await;
    assert_eq!(catalog.status, 200, "{}", catalog.text);
    let dataset = format!("/catalog/test-project/core?account={ACCOUNT}");
    assert!(catalog.text.contains("test-project") && catalog.text.contains(&dataset), "{}", catalog.text);

    let tables = page(&house, &token, &dataset).await;
    let address = format!("/catalog/test-project/core/people?account={ACCOUNT}");
    for shown in ["2 tables", &address, "People &#38; &#60;places&#62;", &format!("/runs/{run}"), "fill_DEV", "about "]
    {
        assert!(tables.text.contains(shown), "without {shown}: {}", tables.text);
    }
    let found = page(&house, &token, &format!("{dataset}&q=PEOP")).await;
    assert!(found.text.contains("1 table<") || found.text.contains("1 table\n"), "{}", found.text);
    assert!(!found.text.contains("core/one?"), "{}", found.text);

    let table = page(&house, &token, &address).await;
    assert_eq!(table.status, 200, "{}", table.text);
    for shown in [
        "People &#38; &#60;places&#62;",
        "home.</span>street",
        "required",
        "{street: &#60;b&#62;Main&#60;/b&#62;, n: 12}",
        "[x, y]",
        "marked as sensitive: name.",
        &format!("/runs/{run}"),
        "class=\"lineage\"",
        "fill_DEV: fill.md",
        "All &lt;people&gt;</h4>",
        "One <em>row</em>",
    ] {
        assert!(table.text.contains(shown), "without {shown}: {}", table.text);
    }
    assert!(!table.text.contains("Lovelace"), "{}", table.text);
    assert!(!table.text.contains("://") && !table.text.contains("style="), "{}", table.text);
    let one = page(&house, &token, &format!("/catalog/test-project/core/one?account={ACCOUNT}")).await;
    assert!(one.text.contains("people") && one.text.contains(", 1 row"), "{}", one.text);
}

#[tokio::test]
async fn rows_are_for_operators_and_only_where_the_server_shows_any() {
    let address = format!("/catalog/test-project/core/one?account={ACCOUNT}");
    let (house, _) = people(|_| {}).await;
    let (viewer, operator) = (house.token(ACCOUNT, Role::Viewer).await, house.token(ACCOUNT, Role::Operator).await);
    let shown = page(&house, &operator, &address).await;
    assert!(shown.text.contains("class=\"rows\""), "{}", shown.text);
    let kept = page(&house, &viewer, &address).await;
    assert_eq!(kept.status, 200);
    assert!(
        kept.text.contains("Rows are shown to operators") && !kept.text.contains("class=\"rows\""),
        "{}",
        kept.text
    );
    let (house, _) = people(|settings| settings.catalog_preview = false).await;
    let operator = house.token(ACCOUNT, Role::Operator).await;
    let kept = page(&house, &operator, &address).await;
    assert!(kept.text.contains("catalog.preview") && !kept.text.contains("class=\"rows\""), "{}", kept.text);
}

#[tokio::test]
async fn tables_of_another_account_are_not_there() {
    let (house, _) = people(|_| {}).await;
    let other = house.token(OTHER, Role::Admin).await;
    let catalog = page(&house, &other, "/catalog").await;
    assert!(catalog.status == 200 && !catalog.text.contains("test-project"), "{}", catalog.text);
    for path in
        ["/catalog/test-project/core", "/catalog/test-project/core/people", "/catalog/test-project/core/nothing"]
    {
        let gone = page(&house, &other, path).await;
        assert_eq!(gone.status, 404, "{path}: {}", gone.text);
        assert!(!gone.text.contains("fill_DEV"), "{}", gone.text);
        let refused = page(&house, &other, &format!("{path}?account={ACCOUNT}")).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text);
    }
    let own = house.token(ACCOUNT, Role::Viewer).await;
    for path in
        ["core/nothing", "core/a%24b", "core/%20", "core/people$20240101", "nowhere/people", "tailerd_internal/jobs"]
    {
        let gone = page(&house, &own, &format!("/catalog/test-project/{path}")).await;
        assert_eq!(gone.status, 404, "{path}: {}", gone.text);
    }
    let elsewhere = page(&house, &own, "/catalog/test-project/core/people?environment=PROD").await;
    assert_eq!(elsewhere.status, 404, "{}", elsewhere.text);
    assert_eq!(page(&house, &own, "/catalog?environment=NOWHERE").await.status, 400);
}
