//! The contract of job ids: an effect once, whatever is asked again; what runs can be found and stopped.

use tailer_model::operation::{
    WriteDisposition::{Append, Truncate},
    storage_to_tables::LoadOptions,
};
use tailer_warehouse::{Copy, Job, Load, WarehouseError, WarehouseJobId};

use crate::{
    Place,
    common::{definition, load_options},
};

pub async fn once(place: Place) {
    place.create("t", &definition(&["a INT64"])).await;
    let file = place.file("t.csv", "7\n");
    let options = LoadOptions { write_disposition: Append, ..load_options() };
    let jobs = [
        Job::Query(place.query("INSERT INTO d.t (a) VALUES (1)")),
        place.query_into("SELECT 2 AS a", "t", Append),
        Job::Query(place.query("INSERT INTO d.t (a) VALUES (3); INSERT INTO d.t (a) VALUES (4)")),
        Job::Load(Load { options, ..place.load(vec![file], &["a INT64"]) }),
        Job::Copy(Copy { source: place.table("t"), destination: place.table("u"), write_disposition: Append }),
    ];
    for job in jobs {
        let id = place.id();
        for _ in 0..2 {
            place.run_as(&id, job.clone()).await.unwrap();
        }
    }
    assert_eq!(place.rows("SELECT a FROM d.t ORDER BY a").await, ["[1]", "[2]", "[3]", "[4]", "[7]"]);
    assert_eq!(place.rows("SELECT COUNT(*) FROM d.u").await, ["[5]"]);
}

pub async fn attached(mut place: Place) {
    let (id, append) = (place.id(), place.query_into("SELECT 1 AS a UNION ALL SELECT 2", "t", Append));
    let first = place.run_as(&id, append.clone()).await.unwrap();
    place.reopen();
    let again = place.run_as(&id, append).await.unwrap();
    assert_eq!((again.statistics.rows, again.statistics.ended), (first.statistics.rows, first.statistics.ended));
    assert_eq!(place.rows("SELECT COUNT(*) FROM d.t").await, ["[2]"]);
    assert!(matches!(
        place.warehouse().wait(&WarehouseJobId("nobody".to_owned())).await,
        Err(WarehouseError::NotFound(_))
    ));
}

/// Takes minutes where it is not stopped.
const LONG: &str = "SELECT COUNT(*) AS n FROM UNNEST(GENERATE_ARRAY(1, 300000)) AS a CROSS JOIN UNNEST(GENERATE_ARRAY(1, 300000)) AS b \
                    WHERE MOD(a * b, 7) = 3";

pub async fn cancelled(place: Place) {
    let id = place.id();
    let started = std::time::Instant::now();
    place.warehouse().submit(&id, place.query_into(LONG, "t", Truncate)).await.unwrap();
    place.warehouse().cancel(&id).await.unwrap();
    let ended = place.warehouse().wait(&id).await;
    assert!(matches!(ended, Err(WarehouseError::Cancelled)), "{ended:?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
    assert!(place.warehouse().table(&place.table("t")).await.unwrap().is_none());
}

pub async fn unknown(place: Place) {
    place.warehouse().cancel(&WarehouseJobId("nobody".to_owned())).await.unwrap();
    let id = place.id();
    place.run_as(&id, Job::Query(place.query("SELECT 1"))).await.unwrap();
    place.warehouse().cancel(&id).await.unwrap();
}
