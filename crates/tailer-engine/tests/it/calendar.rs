//! Schedules at the edges of the calendar, and with clocks that step: no tick twice, none lost.

use jiff::Timestamp;
use serde_json::{Value, json};
use tailer_engine::{Engine, EngineParts};
use tailer_store::ticks;
use tempfile::TempDir;

use crate::support::{House, ONE, TestClock, no_op, table_to_table};

fn scheduled(id: &str, cron: &str, catchup: bool) -> Value {
    let mut configuration = no_op(id);
    configuration["schedule_interval"] = json!(cron);
    configuration["start_date"] = json!("2024, 1, 1");
    configuration["catchup"] = json!(catchup);
    configuration["max_active_runs"] = json!(100);
    configuration
}

async fn house_at(instant: &str) -> House {
    House::on(TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap(), TestClock::at(instant)).await
}

/// The ticks recorded of an operation, oldest first.
fn recorded(house: &House, id: &str) -> Vec<String> {
    let id = format!("{id}_DEV");
    let ticks = house.store.read_blocking(move |tx| {
        let row = tailer_store::configurations::all(tx)?;
        let row = row.into_iter().find(|row| row.identity.configuration_id == id).unwrap();
        ticks::between(tx, row.key, ticks::RUN, Timestamp::UNIX_EPOCH, Timestamp::MAX)
    });
    ticks.unwrap().into_iter().map(|tick| tick.tick.to_string()).collect()
}

/// Waits until so many ticks are recorded.
async fn until_recorded(house: &House, id: &str, count: usize) -> Vec<String> {
    house.until("ticks are recorded", async || Some(recorded(house, id)).filter(|ticks| ticks.len() >= count)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calendar_has_leap_days_short_months_and_new_years() {
    let house = house_at("2027-12-30T12:00:00Z").await;
    for (id, cron) in [("leap", "0 0 29 2 *"), ("end", "0 6 31 * *"), ("eve", "59 23 31 12 *"), ("year", "0 0 1 1 *")] {
        house.deploy(scheduled(id, cron, false), &[ONE]).await;
    }
    for (instant, id, ticks) in [
        ("2027-12-31T12:00:00Z", "end", &["2027-12-31T06:00:00Z"][..]),
        ("2028-01-01T00:00:10Z", "eve", &["2027-12-31T23:59:00Z"]),
        ("2028-01-01T00:00:20Z", "year", &["2028-01-01T00:00:00Z"]),
        ("2028-02-29T00:00:30Z", "leap", &["2028-02-29T00:00:00Z"]),
        // Neither February nor April has one.
        ("2028-04-30T23:59:00Z", "end", &["2027-12-31T06:00:00Z", "2028-01-31T06:00:00Z", "2028-03-31T06:00:00Z"]),
    ] {
        house.clock.turn_to(instant);
        assert_eq!(until_recorded(&house, id, ticks.len()).await, ticks, "{id} at {instant}");
    }
    let leap = house.runs_ended(table_to_table("leap"), 1).await;
    assert_eq!(leap[0].execution_date.to_string(), "2028-02-29");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_catchup_no_end_of_a_month_is_left_out() {
    let house = house_at("2025-03-01T12:00:00Z").await;
    house.deploy(scheduled("end", "0 0 L * *", true), &[ONE]).await;
    house.clock.turn_to("2025-03-31T00:00:30Z");
    let ends = until_recorded(&house, "end", 15).await;
    assert_eq!(ends.len(), 15, "{ends:?}");
    assert!(ends[0].starts_with("2024-01-31") && ends[1].starts_with("2024-02-29"), "{ends:?}");
    assert!(ends[13].starts_with("2025-02-28") && ends[14].starts_with("2025-03-31"), "{ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_back_and_forth_doubles_no_tick() {
    let house = house_at("2026-05-04T10:20:00Z").await;
    house.deploy(scheduled("hourly", "0 * * * *", false), &[ONE]).await;
    let mut all = scheduled("all", "0 * * * *", true);
    all["start_date"] = json!("2026, 5, 3");
    house.deploy(all, &[ONE]).await;
    house.clock.turn_to("2026-05-04T11:20:00Z");
    until_recorded(&house, "hourly", 1).await;
    house.clock.turn_to("2026-05-04T09:20:00Z");
    // This one is only started by somebody who looked while the clock was back.
    house.deploy(scheduled("half", "*/30 * * * *", false), &[ONE]).await;
    house.clock.turn_to("2026-05-04T09:40:00Z");
    until_recorded(&house, "half", 1).await;
    assert_eq!(recorded(&house, "hourly"), ["2026-05-04T11:00:00Z"]);
    house.clock.turn_to("2026-05-04T12:10:00Z");
    let hourly = until_recorded(&house, "hourly", 2).await;
    assert_eq!(hourly, ["2026-05-04T11:00:00Z", "2026-05-04T12:00:00Z"]);
    let all = house
        .until("all are there", async || {
            let all = recorded(&house, "all");
            (all.last().map(String::as_str) == Some("2026-05-04T12:00:00Z")).then_some(all)
        })
        .await;
    assert_eq!(all.len(), 24 + 13, "each hour since the start date, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_week_without_a_server_the_latest_is_made_up_for_or_all() {
    let house = house_at("2026-05-04T10:20:00Z").await;
    let mut all = scheduled("all", "0 */6 * * *", true);
    all["start_date"] = json!("2026, 5, 4");
    house.deploy(all, &[ONE]).await;
    house.deploy(scheduled("latest", "0 */6 * * *", false), &[ONE]).await;
    until_recorded(&house, "all", 2).await;
    let (folder, clock) = house.stop().await;
    clock.turn_to("2026-05-11T10:20:00Z");
    let house = House::on(folder, clock).await;
    assert_eq!(until_recorded(&house, "all", 30).await.len(), 30);
    assert_eq!(until_recorded(&house, "latest", 1).await, ["2026-05-11T06:00:00Z"]);
    assert_eq!(house.runs_ended(table_to_table("latest"), 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_schedule_begins_when_it_is_deployed() {
    let house = house_at("2026-05-04T10:20:00Z").await;
    house.deploy(scheduled("changed", "0 * * * *", false), &[ONE]).await;
    house.deploy(no_op("new"), &[ONE]).await;
    house.clock.turn_to("2026-05-04T12:40:00Z");
    until_recorded(&house, "changed", 1).await;
    house.deploy(scheduled("changed", "30 * * * *", false), &[ONE]).await;
    house.deploy(scheduled("new", "30 * * * *", false), &[ONE]).await;
    house.clock.turn_to("2026-05-04T13:30:30Z");
    let changed = until_recorded(&house, "changed", 2).await;
    assert_eq!(changed, ["2026-05-04T12:00:00Z", "2026-05-04T13:30:00Z"], "12:30 was before the deployment");
    assert_eq!(until_recorded(&house, "new", 1).await, ["2026-05-04T13:30:00Z"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_takes_away_no_tick_that_was_due() {
    // Nothing but the deployments acts here.
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let clock = TestClock::at("2026-05-04T10:20:00Z");
    let house = House::set_up(folder, clock, |settings| settings.executes = false).await;
    house.deploy(scheduled("hourly", "0 * * * *", false), &[ONE]).await;
    house.clock.turn_to("2026-05-04T11:00:00Z");
    house.deploy(scheduled("hourly", "0 7 * * *", false), &[ONE]).await;
    assert_eq!(recorded(&house, "hourly"), ["2026-05-04T11:00:00Z"]);
    let runs = house.runs(&table_to_table("hourly")).await;
    assert_eq!((runs.len(), runs[0].sub_status.as_str()), (1, "QUEUED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_create_a_tick_once() {
    let house = house_at("2026-05-04T10:20:00Z").await;
    let mut parts: EngineParts = house.parts.clone();
    parts.settings.worker = "another".into();
    parts.settings.exclusive = false;
    let other = Engine::start(parts).await.unwrap();
    house.deploy(scheduled("minutes", "* * * * *", false), &[ONE]).await;
    for minute in 21..41 {
        house.clock.turn_to(&format!("2026-05-04T10:{minute}:10Z"));
        until_recorded(&house, "minutes", minute - 20).await;
    }
    let runs = house.runs_ended(table_to_table("minutes"), 20).await;
    assert_eq!((recorded(&house, "minutes").len(), runs.len()), (20, 20));
    other.drain(std::time::Duration::ZERO).await;
}
