//! Backfills: exactly what is missing, once, whoever else does it (`Engine::backfill`).

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
    tz::TimeZone,
};
use serde_json::{Value, json};
use tailer_engine::{BackfillRequest, EngineError};
use tailer_model::ExecutionDate;

use crate::support::{House, ONE, actor, launch, no_op, sql_tasks, table_to_table};

/// A day of January 2024, long before the clock of any test: the schedule itself creates nothing there.
fn january(day: i8) -> Date {
    date(2024, 1, day)
}

fn request(id: &str, from: Date, to: Date, dry_run: bool) -> BackfillRequest {
    let configuration = table_to_table(id);
    BackfillRequest { configuration, from: ExecutionDate(from), to: ExecutionDate(to), dry_run, by: actor("me") }
}

fn scheduled(mut configuration: Value, cron: &str, start: Date) -> Value {
    configuration["schedule_interval"] = json!(cron);
    configuration["start_date"] = json!(start.to_string());
    configuration["max_active_runs"] = json!(10);
    configuration
}

/// Every day of January.
const DAILY: &str = "0 0 * 1 *";

#[tokio::test(flavor = "multi_thread")]
async fn missing_runs_are_listed_then_created_once_oldest_first() {
    let house = House::new().await;
    house.deploy(scheduled(no_op("daily"), DAILY, january(3)), &[ONE]).await;
    let backfill = |dry_run| house.engine.backfill(request("daily", date(2023, 12, 1), january(10), dry_run));
    let listed = backfill(true).await.unwrap();
    let days: Vec<Date> = listed.iter().map(|run| run.execution_date.0).collect();
    assert_eq!(days, (3..=10).map(january).collect::<Vec<_>>(), "from the start date on");
    assert!(listed.iter().all(|run| run.run_id.is_none()));
    assert!(house.runs(&table_to_table("daily")).await.is_empty(), "a dry run creates nothing");

    let (one, other) = futures::join!(backfill(false), backfill(false));
    assert_eq!(one.unwrap().len() + other.unwrap().len(), 8, "two at once create each run once");
    let runs = house.runs_ended(table_to_table("daily"), 8).await;
    assert!(runs.iter().all(|run| run.trigger["type"] == "backfill" && run.trigger["by"] == "me"), "{runs:?}");
    assert!(backfill(false).await.unwrap().is_empty(), "nothing is missing now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_missing_and_a_launched_one_is_not() {
    let house = House::new().await;
    let failing = sql_tasks("daily", &[], &[("one", "one.sql", "critical")]);
    house.deploy(scheduled(failing, DAILY, january(1)), &[("one.sql", "SELECT ERROR('no')")]).await;
    let backfill = |dry_run| house.engine.backfill(request("daily", january(1), january(3), dry_run));
    assert_eq!(backfill(false).await.unwrap().len(), 3);
    let failed = house.runs_ended(table_to_table("daily"), 3).await;
    assert!(failed.iter().all(|run| run.status == "FAILED"), "{failed:?}");
    assert_eq!(backfill(true).await.unwrap().len(), 3, "failed runs are missing");

    house.deploy(scheduled(no_op("daily"), DAILY, january(1)), &[ONE]).await;
    let mut launch = launch("daily");
    launch.execution_date = Some(ExecutionDate(january(2)));
    house.engine.launch(launch).await.unwrap();
    let again = backfill(false).await.unwrap();
    assert_eq!(again.iter().map(|run| run.execution_date.0).collect::<Vec<_>>(), [january(1), january(3)]);
    house.runs_ended(table_to_table("daily"), 6).await;
    assert!(backfill(true).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_schedule_there_is_one_run_a_day_and_none_in_the_future() {
    let house = House::new().await;
    house.deploy(no_op("unscheduled"), &[ONE]).await;
    let backfill = |from, to| house.engine.backfill(request("unscheduled", from, to, true));
    assert_eq!(backfill(date(2024, 2, 27), date(2024, 3, 1)).await.unwrap().len(), 4, "a leap day counts");
    assert!(backfill(date(2999, 1, 1), date(2999, 12, 31)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_catchup_creates_is_not_created_again() {
    let house = House::new().await;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let (start, yesterday) = (today.checked_sub(3.days()).unwrap(), today.yesterday().unwrap());
    let mut twice_a_day = scheduled(no_op("twice"), "0 */12 * * *", start);
    twice_a_day["catchup"] = json!(true);
    house.deploy(twice_a_day, &[ONE]).await;
    house.engine.backfill(request("twice", start, yesterday, false)).await.unwrap();
    let runs = house.runs_ended(table_to_table("twice"), 7).await;
    let of_yesterday = runs.iter().filter(|run| run.execution_date.0 == yesterday).count();
    assert_eq!(of_yesterday, 2, "each tick once: {runs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_filled_in_is_refused() {
    let house = House::new().await;
    house.deploy(scheduled(no_op("minutely"), "* * * * *", january(1)), &[ONE]).await;
    let refused = async |from, to| house.engine.backfill(request("minutely", from, to, false)).await.unwrap_err();
    assert!(refused(january(2), january(1)).await.to_string().contains("is before"));
    let many = refused(january(1), january(20)).await;
    assert!(matches!(many, EngineError::Invalid { .. }) && many.to_string().contains("10000 ticks"), "{many}");
    house.engine.set_configuration_status(&table_to_table("minutely"), Some(false), None, &actor("me")).await.unwrap();
    assert!(matches!(refused(january(1), january(1)).await, EngineError::Conflict { .. }));
}
