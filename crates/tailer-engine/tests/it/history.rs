//! Old runs are pruned as the settings say, and nothing happens again because of it.

use jiff::{SignedDuration, civil::date};
use tailer_engine::{BackfillRequest, EngineError, History};
use tailer_model::{ExecutionDate, RunId};

use crate::{
    copying::{copies, operation},
    support::{House, ONE, actor, launch, no_op, table_to_table},
};

async fn gone(house: &House, id: &str, run: &RunId) {
    house
        .until("an old run is pruned", async || {
            let found = house.engine.run_details(&table_to_table(id), run).await;
            matches!(found, Err(EngineError::NotFound { .. })).then_some(())
        })
        .await;
}

async fn left(house: &House, id: &str) -> Vec<RunId> {
    house.runs(&table_to_table(id)).await.into_iter().map(|run| run.run_id).collect()
}

/// Starts the house anew, which prunes at once.
async fn reopened(house: House, history: History) -> House {
    let (folder, clock) = house.stop().await;
    House::set_up(folder, clock, |settings| settings.history = history).await
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_of_each_operation_are_kept() {
    let house = House::new().await;
    house.deploy(no_op("many"), &[ONE]).await;
    house.deploy(no_op("few"), &[ONE]).await;
    let mut runs = Vec::new();
    for _ in 0..6 {
        runs.push(house.run("many").await.run.run_id);
    }
    let few = house.run("few").await.run.run_id;
    let house = reopened(house, History { days: None, runs: Some(2), ..History::default() }).await;
    for run in &runs[..4] {
        gone(&house, "many", run).await;
    }
    assert_eq!(left(&house, "many").await, [runs[5].clone(), runs[4].clone()]);
    assert_eq!(left(&house, "few").await, [few]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_knows_what_was_pruned() {
    let house = House::new().await;
    house.deploy(no_op("daily"), &[ONE]).await;
    let day = |day| ExecutionDate(date(2024, 1, day));
    let mut on_the_first = launch("daily");
    on_the_first.execution_date = Some(day(1));
    let first = house.engine.launch(on_the_first).await.unwrap();
    house.ended("daily", &first).await;
    let backfill = |house: &House| {
        let engine = house.engine.clone();
        let configuration = table_to_table("daily");
        async move {
            let request = BackfillRequest { configuration, from: day(1), to: day(3), dry_run: false, by: actor("me") };
            engine.backfill(request).await.unwrap().len()
        }
    };
    assert_eq!(backfill(&house).await, 2, "the first was launched");
    house.runs_ended(table_to_table("daily"), 3).await;
    house.clock.advance(SignedDuration::from_hours(24 * 40));
    let newest = house.run("daily").await.run.run_id;
    let house = reopened(house, History { days: Some(30), runs: None, ..History::default() }).await;
    gone(&house, "daily", &first).await;
    house.until("all old ones are pruned", async || (left(&house, "daily").await.len() == 1).then_some(())).await;
    assert_eq!(left(&house, "daily").await, [newest]);
    assert_eq!(backfill(&house).await, 0, "nothing is missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_not_loaded_again_when_its_run_is_forgotten() {
    let house = House::new().await;
    house.deploy(copies(&["remote/refuses"]), &[]).await;
    house.drop_file("in/drop/a.csv", "x");
    let first = house.runs_ended(operation(), 1).await.remove(0).run_id;
    house.drop_file("in/drop/b.csv", "x");
    house.runs_ended(operation(), 2).await;
    let house = reopened(house, History { days: None, runs: Some(1), ..History::default() }).await;
    let only_the_second = async || (house.runs(&operation()).await.len() == 1).then_some(());
    house.until("the first run is pruned", only_the_second).await;
    house.drop_file("in/drop/c.csv", "x");
    let runs = house.runs_ended(operation(), 2).await;
    assert!(runs.len() == 2 && runs.iter().all(|run| run.run_id != first), "{runs:?}");
    assert!(house.bucket("in/drop/a.csv").exists(), "it lies there still, and is left alone");
}
