//! The pages about runs: the overview, filters and pages of runs, one run with its relatives and log, workflows.

use jiff::SignedDuration;
use serde_json::json;
use tailer_engine::Clock;
use tailer_model::{JobId, RunStatus};
use tailer_server::Role;
use tailer_store::{
    configurations,
    logs::{self, LogLine},
    runs::{self, NewRun},
};

use crate::{
    sign_in::change,
    studio::{form, page},
    support::{ACCOUNT, House, OTHER, table_to_table},
};

/// Deploys an operation and records ended runs of it, a minute apart, the newest last.
async fn with_runs(house: &House, id: &str, outcomes: &[RunStatus]) -> Vec<String> {
    house.deploy(table_to_table(id, ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    let (id, outcomes, now) = (id.to_owned(), outcomes.to_vec(), house.clock.now());
    change(house, move |tx| {
        let account = ACCOUNT.parse().unwrap();
        let kind = "gbq-to-gbq".parse().unwrap();
        let row = configurations::resolve(tx, &account, "DEV".parse().unwrap(), kind, &id)?.unwrap();
        let mut ids = Vec::new();
        for (n, status) in (1_i64..).zip(outcomes.iter().rev()) {
            let at = now - SignedDuration::from_mins(n);
            let run = NewRun {
                run_id: tailer_model::RunId::new(at, uuid::Uuid::new_v4()),
                configuration: row.key,
                version: 1,
                job_id: JobId(format!("gbq-to-gbq|{id}_DEV")),
                execution_date: tailer_model::ExecutionDate::of(at),
                trigger: json!({"type": "schedule", "by": null, "run_ids": []}),
                parameters: json!({}),
                tasks: None,
                at,
                input: json!(null),
            };
            let sub_status = status.as_str().parse().unwrap();
            runs::create_ended(tx, &run, *status, sub_status, None)?;
            ids.insert(0, run.run_id.to_string());
        }
        Ok(ids)
    })
    .await
}

/// Addresses of a page's links that lead further in a direction.
fn link<'a>(page: &'a str, rel: &str) -> Option<String> {
    let found: Option<&'a str> = page.split("<a ").find(|link| {
        let tag = link.split('>').next().unwrap_or_default();
        tag.contains(&format!("rel=\"{rel}\""))
    });
    let href = found?.split("href=\"").nth(1)?.split('"').next()?;
    Some(href.replace("&amp;", "&").replace("&#38;", "&"))
}

#[tokio::test]
async fn the_overview_counts_today_and_leads_to_what_it_counts() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    with_runs(&house, "many", &[RunStatus::Success, RunStatus::Failed, RunStatus::Success]).await;
    let shown = page(&house, &token, "/").await.text;
    for expect in [
        "Failed and not yet checked (1)",
        "Nothing runs.",
        "Nothing waits.",
        "1 failed",
        "The last 24 hours as a table",
    ] {
        assert!(shown.contains(expect), "without {expect}: {shown}");
    }
    let hour =
        shown.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|link| link.contains("hour=")).unwrap();
    let runs = page(&house, &token, &hour.replace("&amp;", "&").replace("&#38;", "&")).await;
    assert!(runs.status == 200 && runs.text.contains("many_DEV"), "{hour}: {}", runs.text);
    let stranger = house.token(OTHER, Role::Admin).await;
    assert!(!page(&house, &stranger, "/").await.text.contains("many_DEV"));
}

#[tokio::test]
async fn runs_are_paged_in_both_directions_with_their_filters() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let ids = with_runs(&house, "many", &[RunStatus::Failed; 120]).await;
    with_runs(&house, "other", &[RunStatus::Success]).await;
    let shown =
        |text: &str| ids.iter().filter(|id| text.contains(&format!("/runs/{id}\""))).cloned().collect::<Vec<_>>();
    let first = page(&house, &token, "/runs?id=MANY&status=FAILED").await.text;
    assert_eq!(shown(&first), ids[70..]);
    assert!(
        first.contains("Without operation MANY") && !first.contains("rel=\"prev\"") && !first.contains("other_DEV"),
        "{first}"
    );
    let second = page(&house, &token, &link(&first, "next").unwrap()).await.text;
    assert_eq!(shown(&second), ids[20..70]);
    let third = page(&house, &token, &link(&second, "next").unwrap()).await.text;
    assert_eq!((shown(&third), link(&third, "next")), (ids[..20].to_vec(), None));
    let back = page(&house, &token, &link(&third, "prev").unwrap()).await.text;
    assert_eq!(shown(&back), ids[20..70], "back again");
    let beginning = page(&house, &token, &link(&back, "prev").unwrap()).await.text;
    assert_eq!((shown(&beginning), link(&beginning, "prev")), (ids[70..].to_vec(), None));

    // Marked runs are set, and the same list is shown again; an address elsewhere is not followed.
    let checked = format!("csrf=&run={}&back=%2Fruns%3Fstatus%3DCHECKED", ids[119]);
    let list = form(&house, &token, "/runs/checked", &checked).await;
    assert!(
        list.text.contains(&format!("/runs/{}\"", ids[119])) && list.text.contains("Without status CHECKED"),
        "{}",
        list.text
    );
    let elsewhere = format!("csrf=&run={}&back=%2F%2Felsewhere.example", ids[118]);
    assert_eq!(form(&house, &token, "/runs/checked", &elsewhere).await.status, 200);
}

#[tokio::test]
async fn filters_that_cannot_be_read_are_named() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    for (path, named) in [
        ("/runs?sub_status=DONE", "sub_status"),
        ("/runs?trigger=moon", "trigger"),
        ("/runs?from=yesterday", "from"),
        ("/runs?hour=2026-05-04", "hour"),
        ("/runs?after=1", "after"),
        ("/workflows?state=odd", "state"),
    ] {
        let answer = page(&house, &token, path).await;
        assert!(answer.status == 400 && answer.text.contains(named), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_runs_log_is_shown_from_its_end_followed_filtered_and_downloaded() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Viewer).await;
    let run = with_runs(&house, "one", &[RunStatus::Failed]).await.remove(0);
    let now = house.clock.now();
    let line = move |n: usize, level: &str| LogLine {
        date: now,
        level: level.into(),
        task_id: None,
        message: format!("line-{n}."),
    };
    let id = run.parse().unwrap();
    change(&house, move |tx| {
        let lines: Vec<_> = (0..600).map(|n| line(n, if n == 3 { "ERROR" } else { "INFO" })).collect();
        logs::append(tx, &id, &lines)
    })
    .await;
    let path = format!("/runs/{run}");
    let shown = page(&house, &token, &path).await.text;
    assert!(shown.contains("line-599.") && shown.contains("line-100.") && !shown.contains("line-99."), "the last 500");
    let earlier =
        shown.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|link| link.contains("before="));
    let earlier = earlier.unwrap().split('#').next().unwrap();
    let before = page(&house, &token, earlier).await.text;
    assert!(before.contains("line-99.") && !before.contains("line-100.") && !before.contains("data-more"), "{before}");
    let errors = page(&house, &token, &format!("{path}?level=ERROR")).await.text;
    assert!(errors.contains("line-3.") && !errors.contains("line-4."), "{errors}");

    let cursor = shown.split("data-after=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let following = page(&house, &token, &format!("{path}/log?after={cursor}")).await;
    assert_eq!(
        (following.text.trim(), following.headers["tailerd-log-cursor"].to_str().unwrap()),
        ("", cursor.as_str())
    );
    let id = run.parse().unwrap();
    change(&house, move |tx| logs::append(tx, &id, &[line(600, "<b>WARNING")])).await;
    let following = page(&house, &token, &format!("{path}/log?after={cursor}")).await;
    assert!(
        following.text.contains("line-600.")
            && !following.text.contains("line-599.")
            && !following.text.contains("<b>")
    );
    assert_ne!(following.headers["tailerd-log-cursor"].to_str().unwrap(), cursor);

    let whole = page(&house, &token, &format!("{path}/log.txt")).await;
    assert_eq!(whole.text.lines().count(), 601);
    assert!(whole.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let stranger = house.token(OTHER, Role::Admin).await;
    for path in [format!("{path}/log"), format!("{path}/log.txt")] {
        assert_eq!(page(&house, &stranger, &path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_run_knows_its_neighbours_and_what_it_triggered() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    for id in ["first", "then"] {
        house.deploy(table_to_table(id, ACCOUNT), &[("one.sql", "SELECT 1 AS one")]).await;
    }
    let workflow = json!({
        "configuration_type": "workflow", "configuration_id": "flow", "environment": "DEV", "account": ACCOUNT,
        "version": "2", "short_description": "then after first", "schedule_interval_reset": "0 5 * * *",
        "authorized_job_ids": ["gbq-to-gbq|first_DEV"],
        "target_dag": { "configuration_type": "table-to-table", "configuration_id": "then_DEV" },
    });
    house.deploy(workflow, &[]).await;
    let before = page(&house, &token, "/workflows").await.text;
    for expect in ["0 of 1", "next ", "then_DEV", "never", "1 workflow<"] {
        assert!(before.contains(expect), "without {expect}: {before}");
    }
    let cause = house.launch(&token, "gbq-to-gbq", "first").await;
    house.ended(&token, "gbq-to-gbq", "first", &cause).await;
    let second = house.launch(&token, "gbq-to-gbq", "first").await;
    house.ended(&token, "gbq-to-gbq", "first", &second).await;
    let shown = page(&house, &token, &format!("/runs/{cause}")).await.text;
    assert!(shown.contains("It triggered") && shown.contains("by the workflow flow"), "{shown}");
    assert_eq!(link(&shown, "next").as_deref(), Some(format!("/runs/{second}").as_str()));
    assert_eq!(link(&shown, "prev"), None);
    assert!(shown.contains("href=\"#task-"), "the graph leads to the tasks: {shown}");
    let effect = shown.split("It triggered").nth(1).unwrap().split("href=\"/runs/").nth(1).unwrap();
    let effect = effect.split('"').next().unwrap().to_owned();
    let shown = page(&house, &token, &format!("/runs/{effect}")).await.text;
    assert!(shown.contains("Triggered by") && shown.contains(&format!("/runs/{cause}\"")), "{shown}");
    let flows = page(&house, &token, "/workflows?state=empty").await.text;
    assert!(flows.contains("2 times") && flows.contains("last run"), "{flows}");
    assert!(page(&house, &token, "/workflows?state=waiting").await.text.contains("0 workflows"));
    assert!(page(&house, &token, "/workflows?state=disabled").await.text.contains("No workflow matches"));
}

#[tokio::test]
async fn a_task_that_is_not_there_cannot_be_cancelled() {
    let house = House::open().await;
    let token = house.token(ACCOUNT, Role::Operator).await;
    let run = with_runs(&house, "one", &[RunStatus::Success]).await.remove(0);
    let answer = form(&house, &token, &format!("/runs/{run}/cancel"), "csrf=&task=load").await;
    assert!(answer.status == 404 && answer.text.contains("load"), "{}", answer.text);
    let viewer = house.token(ACCOUNT, Role::Viewer).await;
    assert_eq!(form(&house, &viewer, &format!("/runs/{run}/cancel"), "csrf=&task=load").await.status, 403);
}
