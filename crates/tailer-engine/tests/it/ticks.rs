//! Schedules, with a clock that the test turns (`spec/semantics.md`, Schedule).

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{House, ONE, actor, no_op, table_to_table};

fn hourly(catchup: bool, start: &str) -> Value {
    let mut configuration = no_op("hourly");
    configuration["schedule_interval"] = json!("0 * * * *");
    configuration["start_date"] = json!(start);
    configuration["catchup"] = json!(catchup);
    configuration["max_active_runs"] = json!(100);
    configuration
}

#[tokio::test(flavor = "multi_thread")]
async fn without_catchup_only_the_latest_missed_tick_is_made_up_for() {
    let house = House::new().await;
    house.deploy(hourly(false, "2024, 1, 1"), &[ONE]).await;
    assert!(house.runs(&table_to_table("hourly")).await.is_empty(), "nothing is due at deployment");
    house.clock.advance(SignedDuration::from_hours(5));
    let runs = house.runs_ended(table_to_table("hourly"), 1).await;
    assert_eq!((runs.len(), &runs[0].trigger["type"]), (1, &json!("schedule")));
    house.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(house.runs_ended(table_to_table("hourly"), 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_catchup_every_tick_since_the_start_date_is_created_once() {
    let house = House::new().await;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let start = today.date().yesterday().unwrap();
    let expected = 24 + usize::try_from(today.hour()).unwrap() + 1;
    let start = format!("{}, {}, {}", start.year(), start.month(), start.day());
    house.deploy(hourly(true, &start), &[ONE]).await;
    let runs = house.runs_ended(table_to_table("hourly"), expected).await;
    assert_eq!(runs.len(), expected);
    let (folder, clock) = house.stop().await;
    let house = House::on(folder, clock).await;
    assert_eq!(house.runs(&table_to_table("hourly")).await.len(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn ticks_of_a_disabled_time_are_not_made_up_for() {
    for catchup in [false, true] {
        let house = House::new().await;
        let mut configuration = hourly(catchup, "2024, 1, 1");
        configuration["activated"] = json!(false);
        house.deploy(configuration, &[ONE]).await;
        house.clock.advance(SignedDuration::from_hours(5));
        house.engine.set_configuration_status(&table_to_table("hourly"), Some(true), None, &actor("me")).await.unwrap();
        house.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(house.runs_ended(table_to_table("hourly"), 1).await.len(), 1, "catchup {catchup}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_scheduled_before_the_start_date() {
    let house = House::new().await;
    house.deploy(hourly(true, "2099, 1, 1"), &[ONE]).await;
    let mut begun = hourly(false, "2024, 1, 1");
    begun["configuration_id"] = json!("begun");
    house.deploy(begun, &[ONE]).await;
    house.clock.advance(SignedDuration::from_hours(24));
    house.runs_ended(table_to_table("begun"), 1).await;
    assert!(house.runs(&table_to_table("hourly")).await.is_empty());
}
