//! Freshness of what really runs: which runs count, and what a day without one is called.

use serde_json::{Value, json};
use tailer_engine::{ConfigurationRef, FreshnessQuery, FreshnessView, LaunchRequest};
use tailer_model::freshness::{Frequency, Timing, Today};

use crate::support::{House, ONE, TestClock, actor, launch, no_op, reference};

fn in_prod(mut configuration: Value) -> Value {
    configuration["environment"] = json!("PROD");
    configuration
}

fn prod(kind: &str, id: &str) -> ConfigurationRef {
    ConfigurationRef { environment: "PROD".parse().unwrap(), ..reference(kind, id) }
}

fn all() -> FreshnessQuery {
    FreshnessQuery::of("000099".parse().unwrap(), 100)
}

async fn only(house: &House) -> FreshnessView {
    house.engine.freshness(all()).await.unwrap().operations.pop().unwrap()
}

/// Where the days of these tests begin: a Monday.
async fn house() -> House {
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    House::on(folder, TestClock::at("2026-05-04T05:00:00Z")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_ticks_is_on_time_and_one_that_does_not_is_late() {
    let house = house().await;
    let mut daily = in_prod(no_op("daily"));
    daily["schedule_interval"] = json!("0 6 * * *");
    house.deploy(daily.clone(), &[ONE]).await;
    daily["environment"] = json!("DEV");
    house.deploy(daily, &[ONE]).await;
    let of = prod("table-to-table", "daily");
    assert_eq!((only(&house).await.status, only(&house).await.last_run.is_none()), (Today::Learning, true));
    for (day, count) in [("04", 1), ("05", 2)] {
        house.clock.turn_to(&format!("2026-05-{day}T06:00:05Z"));
        house.runs_ended(of.clone(), count).await;
    }
    // Who launches by hand is not regular.
    house.engine.launch(LaunchRequest { configuration: of.clone(), ..launch("daily") }).await.unwrap();
    let runs = house.runs_ended(of.clone(), 3).await;
    let one = only(&house).await;
    assert_eq!(
        (one.status, one.timing, one.frequency),
        (Today::Executed, Some(Timing::OnTime), Some(Frequency::Daily))
    );
    assert_eq!(one.expected_date.as_deref(), Some("2026-05-06T06:00:00.000000+00:00"));
    assert_eq!(one.last_run.unwrap().run_id, runs.iter().find(|run| run.trigger["type"] == "schedule").unwrap().run_id);
    let page = house.engine.freshness(all()).await.unwrap();
    assert_eq!((page.total, page.late, page.today), (1, (0, 0), (0, 1)), "DEV is not looked at");

    // The same at a server that executes nothing: no tick is created.
    let mut parts = house.parts.clone();
    parts.settings.executes = false;
    house.engine.drain(std::time::Duration::ZERO).await;
    let looking = tailer_engine::Engine::start(parts).await.unwrap();
    house.clock.turn_to("2026-05-06T08:00:00Z");
    let late = looking.freshness(FreshnessQuery { timing: Some(Timing::Late), ..all() }).await.unwrap();
    assert_eq!((late.total, late.late, late.operations[0].status), (1, (1, 0), Today::Awaited));
    house.clock.turn_to("2026-05-07T08:00:00Z");
    let page = looking.freshness(all()).await.unwrap();
    assert_eq!((page.late, page.operations[0].timing), ((0, 1), Some(Timing::VeryLate)));
    looking.set_configuration_status(&of, Some(false), None, &actor("me")).await.unwrap();
    assert_eq!(looking.freshness(all()).await.unwrap().total, 0, "disabled");
    looking.set_configuration_status(&of, Some(true), None, &actor("me")).await.unwrap();
    let page = looking.freshness(all()).await.unwrap();
    assert_eq!(page.operations[0].timing, Some(Timing::OnTime), "nothing was due while it was disabled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_files_is_learned() {
    let house = house().await;
    let mut feed = in_prod(crate::copying::copies(&["out"]));
    feed["configuration_id"] = json!("feed");
    house.deploy(feed, &[]).await;
    let of = prod("storage-to-storage", "feed");
    for day in 4..8 {
        house.clock.turn_to(&format!("2026-05-0{day}T07:30:00Z"));
        house.drop_file(&format!("in/drop/{day}.csv"), "x");
        house.runs_ended(of.clone(), day - 3).await;
    }
    let one = only(&house).await;
    assert_eq!(
        (one.status, one.timing, one.frequency),
        (Today::Executed, Some(Timing::OnTime), Some(Frequency::Daily))
    );
    assert!(one.expected_date.as_deref().unwrap().starts_with("2026-05-08T07:30"), "{one:?}");
    assert_eq!(one.confidence_hours, Some(3.0), "after few runs");
    house.clock.turn_to("2026-05-08T11:00:00Z");
    let matching = async |query: FreshnessQuery| house.engine.freshness(query).await.unwrap().total;
    assert_eq!(only(&house).await.timing, Some(Timing::Late));
    assert_eq!(matching(FreshnessQuery { search: "FEE".into(), ..all() }).await, 1);
    assert_eq!(matching(FreshnessQuery { search: "nothing".into(), ..all() }).await, 0);
    assert_eq!(matching(FreshnessQuery { status: Some(Today::Executed), ..all() }).await, 0);
    assert_eq!(matching(FreshnessQuery { frequency: Some(Frequency::Daily), ..all() }).await, 1);
    assert_eq!(matching(FreshnessQuery::of("000001".parse().unwrap(), 100)).await, 0, "another account");
}
