//! The list of data operations and the page of one: filters, readable parameters, files, versions, the launch form.

use serde_json::{Value, json};
use tailer_server::Role;

use crate::support::{ACCOUNT, Answer, House, OTHER, identified, table_to_table, with};

async fn page(house: &House, token: &str, path: &str) -> Answer {
    let request = house.http.get(format!("{}{path}", house.url)).bearer_auth(token);
    Answer::of(request.send().await.unwrap()).await
}

async fn form(house: &House, token: &str, path: &str, fields: &str) -> Answer {
    let request = house.http.post(format!("{}{path}", house.url)).bearer_auth(token);
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(fields.to_owned());
    Answer::of(request.send().await.unwrap()).await
}

fn path(kind: &str, id: &str) -> String {
    format!("/operations/{ACCOUNT}/DEV/{kind}/{id}")
}

/// Text as a page shows it, without what is between the tags.
fn text(html: &str) -> String {
    let mut shown = String::new();
    for piece in html.split('<') {
        shown.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
        shown.push(' ');
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn shows(page: &Answer, all: &[&str]) {
    assert_eq!(page.status, 200, "{}", page.text);
    let shown = text(&page.text);
    for one in all {
        assert!(shown.contains(one) || page.text.contains(one), "no {one:?} in {}", page.text);
    }
}

fn workflow(target: &str) -> Value {
    json!({
        "configuration_type": "workflow", "configuration_id": "W", "environment": "DEV", "account": ACCOUNT, "version": "2",
        "authorized_job_ids": ["gbq-to-gbq|nightly_DEV", "gbq-to-gbq|missing_DEV"],
        "target_dag": {"configuration_type": "table-to-table", "configuration_id": target},
    })
}

/// `nightly` runs by schedule, `after` by the workflow `W`, `bad` fails when launched.
async fn deployed(house: &House) {
    let nightly = json!({"schedule_interval": "0 7 * * *", "short_description": "Sales of the day"});
    house.deploy(with(table_to_table("nightly", ACCOUNT), nightly), &[("one.sql", "SELECT 1 AS one")]).await;
    house.deploy(table_to_table("after", ACCOUNT), &[("one.sql", "SELECT 2 AS one")]).await;
    house.deploy(table_to_table("bad", ACCOUNT), &[("one.sql", "SELECT nowhere FROM UNNEST([1]) AS a")]).await;
    house.deploy(workflow("after"), &[]).await;
}

#[tokio::test]
async fn the_list_says_what_starts_each_and_its_filters_keep_each_other() {
    let house = House::open().await;
    deployed(&house).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let all = page(&house, &token, "/operations").await;
    shows(
        &all,
        &["4 data operations", "Sales of the day", "every day at 07:00", "0 7 * * *", "next in", "not run yet"],
    );
    shows(&all, &["by workflow W", "awaits 2 jobs", "by launch only", "gbq-to-gbq 3", "workflow 1", "DEV 4"]);
    let some = page(&house, &token, "/operations?kind=workflow&q=w").await;
    shows(&some, &["1 data operation ", "?account=000099&#38;environment=DEV&#38;kind=workflow&#38;q=w"]);
    assert!(some.text.contains("kind=workflow") && some.text.contains("sort=failures"), "{}", some.text);
    shows(&page(&house, &token, "/operations?q=SALES").await, &["1 data operation ", "nightly_DEV"]);
    shows(&page(&house, &token, "/operations?q=nothing").await, &["0 data operations", "No data operation matches"]);

    let run = house.launch(&token, "gbq-to-gbq", "bad").await;
    house.ended(&token, "gbq-to-gbq", "bad", &run).await;
    let failing = page(&house, &token, "/operations?state=failing").await;
    shows(&failing, &["1 data operation ", "bad_DEV", "FAILED", "0 %", "1 unchecked failure of bad_DEV"]);
    for sort in ["last-run", "failures"] {
        let sorted = page(&house, &token, &format!("/operations?sort={sort}")).await;
        let place = |id: &str| sorted.text.find(&format!(">{id}<")).unwrap();
        assert!(place("bad_DEV") < place("after_DEV") && place("after_DEV") < place("nightly_DEV"), "{sort}");
        shows(&sorted, &["aria-sort=\"descending\""]);
    }
    for bad in ["sort=size", "state=fine", "kind=thing", "environment=HERE", "page=x"] {
        assert_eq!(page(&house, &token, &format!("/operations?{bad}")).await.status, 400, "{bad}");
    }

    let nightly = path("gbq-to-gbq", "nightly_DEV");
    let switched = form(&house, &token, &format!("{nightly}/disable"), "csrf=&back=%2Foperations%3Fq%3Dnightly").await;
    shows(&switched, &["Data operations", "disabled", "Enable nightly_DEV"]);
    assert!(!text(&switched.text).contains("next in"), "what is disabled has no next tick");
    shows(&page(&house, &token, "/operations?state=disabled").await, &["1 data operation "]);
    let elsewhere = form(&house, &token, &format!("{nightly}/enable"), "csrf=&back=%2F%2Fevil.example").await;
    assert!(elsewhere.text.contains("Launch"), "{}", elsewhere.text);
}

#[tokio::test]
async fn the_page_reads_like_the_configuration_and_links_to_its_neighbours() {
    let house = House::open().await;
    deployed(&house).await;
    let ddl = r#"{"bq_table_description": "All <of> it", "bq_table_schema": [{"name": "n", "type": "INTEGER", "mode": "REQUIRED"}]}"#;
    let two = json!({
        "task_dependencies": ["make >> one"], "doc_md": "about.md", "max_active_runs": 2,
        "workflow": [
            {"id": "one", "sql_file": "one.sql", "table_name": "one", "write_disposition": "WRITE_APPEND", "criticality": "warning"},
            {"id": "make", "task_type": "create_gbq_table", "bq_table": "t", "ddl_file": "t.json"},
        ],
    });
    let files = [("one.sql", "SELECT '<i>' AS n -- {{x}}"), ("t.json", ddl), ("about.md", "Why it *is*")];
    house.deploy(with(table_to_table("two", ACCOUNT), two), &files).await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let two = page(&house, &token, &path("gbq-to-gbq", "two_DEV")).await;
    shows(&two, &["href=\"#part-one\"", "id=\"part-one\"", "test-project.core.one", "WRITE_APPEND", "warning"]);
    shows(&two, &["<span class=\"k\">SELECT</span> <span class=\"s\">&#39;&lt;i&gt;&#39;</span>"]);
    shows(&two, &["All &#60;of&#62; it", "n INT64 REQUIRED", "Runs at once 2", "Tasks at once 5 default", "Why it"]);
    shows(&two, &["Project test-project inherited", "It has not run yet", "first version", "No workflow awaits it"]);
    assert!(!two.text.contains("<i>"), "{}", two.text);

    shows(
        &page(&house, &token, &path("gbq-to-gbq", "after_DEV")).await,
        &["by workflow <a href=\"/operations/000099/DEV/workflow/W\">W</a>"],
    );
    let nightly = page(&house, &token, &path("gbq-to-gbq", "nightly_DEV")).await;
    shows(&nightly, &["W workflow, DEV , which launches after_DEV", "next in"]);
    let w = page(&house, &token, &path("workflow", "W")).await;
    shows(&w, &["nightly_DEV", "gbq-to-gbq|missing_DEV", "not deployed here", "after_DEV"]);
}

fn copy(secret: &str) -> Value {
    json!({
        "configuration_type": "storage-to-storage", "configuration_id": "copy", "environment": "DEV", "account": ACCOUNT,
        "filename_templates": "*",
        "source": {"type": "sftp", "sftp_host": "h", "sftp_userid": "ada", "sftp_password_secret": secret},
        "destinations": [{"type": "gcs", "gcs_destination_bucket": "b", "gcs_destination_prefix": "p"}],
    })
}

#[tokio::test]
async fn no_page_shows_a_secret_and_a_changed_one_is_called_changed() {
    let house = House::open().await;
    for secret in ["hunter2-old", "hunter2-new"] {
        house.deploy(copy(secret), &[]).await;
    }
    let context = json!({
        "configuration_type": "context", "configuration_id": "base", "environment": "DEV", "account": ACCOUNT,
        "parameters": {
            "salt": {"type": "string", "value": "hunter2-salt", "resource": "secret"},
            "table": {"type": "string", "value": "sales"},
        },
    });
    house.deploy(context, &[]).await;
    let token = house.token(ACCOUNT, Role::Deployer).await;
    let mut salted = String::new();
    for sql in ["SELECT '{{salt}}' AS one FROM {{table}}", "SELECT '{{salt}}' AS one, 2 AS two FROM {{table}}"] {
        let body = crate::support::deployment(table_to_table("salted", ACCOUNT), &[("one.sql", sql)]);
        let deployed = house.call(&token, &with(body, json!({"context": format!("{ACCOUNT}_base")}))).await.is_fine();
        salted = path("gbq-to-gbq", deployed["data"]["configuration_id"].as_str().unwrap());
    }
    let copy = path("storage-to-storage", "copy");
    let context = path("context", "base");
    for (path, shown) in [
        (copy.clone(), "sftp password secret hidden"),
        (format!("{copy}?version=1"), "This is version 1, not what runs."),
        (format!("{copy}/versions"), "source.sftp_password_secret"),
        (format!("{copy}/versions?diff=1..2"), "*** (changed)"),
        (salted.clone(), "&#39;***&#39;"),
        (format!("{salted}/versions?diff=1..2"), "SELECT &#39;***&#39; AS one, 2 AS two FROM sales"),
        (context.clone(), salted.rsplit('/').next().unwrap()),
        (context, "salt hidden string, secret"),
    ] {
        let page = page(&house, &token, &path).await;
        assert!(!page.text.contains("hunter2"), "{path}: {}", page.text);
        let escaped = shown.replace("&#39;", "'");
        let all = text(&page.text).replace("&#39;", "'");
        assert!(page.status == 200 && all.contains(&escaped), "{path} without {shown}: {all}");
    }
    let stranger = house.token(OTHER, Role::Admin).await;
    assert_eq!(page(&house, &stranger, &format!("{copy}/versions?diff=1..2")).await.status, 403);
    assert_eq!(page(&house, &token, &format!("{copy}/versions?diff=1..9")).await.status, 404);
    assert_eq!(page(&house, &token, &format!("{copy}/versions?diff=1")).await.status, 400);
    assert_eq!(page(&house, &token, &format!("{copy}?version=9")).await.status, 404);
}

#[tokio::test]
async fn versions_are_compared_line_by_line() {
    let house = House::open().await;
    let lines = |changed: &str| (1..30).map(|n| format!("-- {n}\n")).collect::<String>() + changed;
    house.deploy(table_to_table("x", ACCOUNT), &[("one.sql", &lines("SELECT 1 AS one"))]).await;
    let more = json!({"schedule_interval": "0 7 * * *", "catchup": true});
    house.deploy(with(table_to_table("x", ACCOUNT), more), &[("one.sql", &lines("SELECT 2 AS one"))]).await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let versions = format!("{}/versions", path("gbq-to-gbq", "x_DEV"));
    let all = page(&house, &token, &versions).await;
    shows(&all, &["schedule_interval, catchup added, one.sql", "first version", "diff=1..2"]);
    for asked in ["diff=1..2", "from=2&to=1"] {
        let compared = page(&house, &token, &format!("{versions}?{asked}")).await;
        shows(
            &compared,
            &["From 1 to 2", "line removed", "line added", "SELECT 1 AS one", "SELECT 2 AS one", "26 unchanged lines"],
        );
        shows(&compared, &["one.sql changed +1 −1", "Configuration changed +3 −2"]);
    }
    shows(&page(&house, &token, &format!("{versions}?diff=2..2")).await, &["Nothing differs between the two."]);
}

#[tokio::test]
async fn a_form_that_cannot_start_anything_says_why_and_keeps_what_was_typed() {
    let house = House::open().await;
    let sql = "SELECT {{n}} AS one\nFROM UNNEST([STRUCT(1 AS a)]) AS t\nWHERE t.{{column}} = 1";
    house.deploy(table_to_table("asks", ACCOUNT), &[("one.sql", sql)]).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let asks = path("gbq-to-gbq", "asks_DEV");
    shows(&page(&house, &token, &asks).await, &["name=\"p.n\"", "name=\"p.column\"", "Dry run"]);

    let refused =
        form(&house, &token, &format!("{asks}/launch"), "csrf=&p.n=7&execution_date=2024-02-29&parameters=%7Bx").await;
    assert_eq!(refused.status, 400);
    for kept in ["no JSON object", "value=\"7\"", "value=\"2024-02-29\"", ">{x</textarea>", "role=\"alert\""] {
        assert!(refused.text.contains(kept), "{kept}: {}", refused.text);
    }
    let checked = form(&house, &token, &format!("{asks}/launch"), "csrf=&p.n=7&p.column=b&check=1").await;
    assert!(checked.status == 400 && checked.text.contains("one.sql:3:"), "{}", checked.text);
    let fine = form(&house, &token, &format!("{asks}/launch"), "csrf=&p.n=7&p.column=a&check=1").await;
    shows(&fine, &["Nothing is wrong.", "value=\"7\"", "It has not run yet."]);
    let unknown = form(&house, &token, &format!("{asks}/launch"), "csrf=&task=other").await;
    assert!(unknown.status == 400 && unknown.text.contains("the operation has no other"), "{}", unknown.text);

    let started = form(&house, &token, &format!("{asks}/launch"), "csrf=&p.n=7&p.column=a&task=one").await;
    assert_eq!(started.status, 200, "{}", started.text);
    let body = identified("get_last_status", "gbq-to-gbq", "asks");
    let run = house.call(&token, &body).await.is_fine()["results"][0]["run_id"].as_str().unwrap().to_owned();
    assert_eq!(house.ended(&token, "gbq-to-gbq", "asks", &run).await["status"], "SUCCESS");
    shows(&page(&house, &token, &asks).await, &["placeholder=\"last: 7\"", "100 %", "1 of 1", "s-good"]);
    shows(&page(&house, &token, &format!("{asks}/launch")).await, &["name=\"p.n\""]);

    form(&house, &token, &format!("{asks}/disable"), "csrf=").await;
    let disabled = form(&house, &token, &format!("{asks}/launch"), "csrf=").await;
    assert!(disabled.status == 409 && disabled.text.contains("It cannot be started."), "{}", disabled.text);
}

#[tokio::test]
async fn a_file_is_handled_again_by_its_name() {
    let house = House::open().await;
    house.deploy(copy("hunter2"), &[]).await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let copy = path("storage-to-storage", "copy");
    shows(&page(&house, &token, &copy).await, &["Handle this file", "by files", "sftp://h/"]);
    let refused = form(&house, &token, &format!("{copy}/launch"), "csrf=&file=no-such.csv").await;
    assert!(refused.status.is_client_error() && refused.text.contains("no-such.csv"), "{}", refused.text);
}
