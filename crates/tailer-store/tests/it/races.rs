//! Many threads at once on two stores over one database, as two servers would be: each decision is made once, and no limit is passed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::SignedDuration;
use tailer_model::{ConfigurationType, RunStatus, SubStatus};
use tailer_store::{Durability, Store, StoreError, files, runs, ticks, workflows};

use crate::common::{Bench, at, identity, job, run_id, version_of};

const THREADS: u128 = 64;

/// Runs `decide` on 64 threads, let go together, half of them through another store on the same database; answers how many said yes.
fn race(bench: &Bench, decide: impl Fn(&Store, u128) -> bool + Send + Sync + 'static) -> usize {
    let other = bench.0.open_again().unwrap();
    let decide = Arc::new(decide);
    let start = Arc::new(Barrier::new(usize::try_from(THREADS).unwrap()));
    let threads: Vec<_> = (0..THREADS)
        .map(|n| {
            let store = if n % 2 == 0 { bench.0.clone() } else { other.clone() };
            let (decide, start) = (Arc::clone(&decide), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                decide(&store, n)
            })
        })
        .collect();
    threads.into_iter().map(|t| usize::from(t.join().unwrap())).sum()
}

#[test]
fn one_of_many_fires_a_generation() {
    let bench = Bench::new();
    let key = bench.deploy(version_of(identity(ConfigurationType::Workflow, "w"))).key;
    bench.tx(move |tx| workflows::deploy(tx, key, &[job("JA")], at(0)));
    bench.tx(move |tx| workflows::arrive(tx, key, &job("JA"), &run_id(1), at(1)));
    let fired = race(&bench, move |store, n| {
        store
            .write_blocking::<_, StoreError>(Durability::Synced, move |tx| {
                workflows::fire(tx, key, 1, &run_id(n), at(2))
            })
            .unwrap()
    });
    assert_eq!(fired, 1);
    assert_eq!(bench.tx(move |tx| workflows::firings(tx, key, 10)).len(), 1);
}

#[test]
fn completions_that_race_fire_once_per_full_set() {
    let bench = Bench::new();
    let key = bench.deploy(version_of(identity(ConfigurationType::Workflow, "w"))).key;
    bench.tx(move |tx| workflows::deploy(tx, key, &[job("J0"), job("J1"), job("J2"), job("J3")], at(0)));
    // Each thread is a completion that fires what it completes, as the engine does.
    let fired = race(&bench, move |store, n| {
        store
            .write_blocking::<_, StoreError>(Durability::Relaxed, move |tx| {
                workflows::arrive(tx, key, &job(&format!("J{}", n % 4)), &run_id(n), at(1))?;
                let state = workflows::state(tx, key)?.unwrap();
                workflows::fire(tx, key, state.generation, &run_id(1000 + n), at(2))
            })
            .unwrap()
    });
    let firings = bench.tx(move |tx| workflows::firings(tx, key, 100));
    assert_eq!(firings.len(), fired);
    assert!((1..=16).contains(&fired), "64 completions of 4 jobs make 16 full sets at most: {fired}");
    let mut launches = BTreeMap::<_, u32>::new();
    for firing in &firings {
        assert_eq!(firing.triggered_by.len(), 4);
        for run in &firing.triggered_by {
            *launches.entry(run.clone()).or_default() += 1;
        }
    }
    assert!(launches.values().all(|n| *n == 1), "no completion counts twice");
}

#[test]
fn one_of_many_takes_a_file_and_one_a_tick() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let taken = race(&bench, move |store, n| {
        store
            .write_blocking::<_, StoreError>(Durability::Relaxed, move |tx| {
                files::take(tx, key, "gs://in/a.csv", "v1", &run_id(n), at(1))
            })
            .unwrap()
    });
    assert_eq!(taken, 1);
    let ticked = race(&bench, move |store, n| {
        store
            .write_blocking::<_, StoreError>(Durability::Relaxed, move |tx| {
                ticks::record(tx, key, ticks::RUN, at(60), Some(&run_id(n)), at(61))
            })
            .unwrap()
    });
    assert_eq!(ticked, 1);
}

#[test]
fn claims_that_race_never_pass_a_limit_and_give_each_run_once() {
    const LIMIT: usize = 3;
    let bench = Bench::new();
    let key = bench.operation("x_DEV", u32::try_from(LIMIT).unwrap());
    let all: Vec<_> = (0..100).map(|n| bench.queue(key, at(n))).collect();
    let running = Arc::new(AtomicUsize::new(0));
    let ended = Arc::new(AtomicUsize::new(0));
    let total = all.len();
    race(&bench, move |store, n| {
        let worker = format!("w{n}");
        while ended.load(Ordering::SeqCst) < total {
            let name = worker.clone();
            let mine = store
                .write_blocking::<_, StoreError>(Durability::Relaxed, move |tx| {
                    runs::claim(tx, &name, at(200), at(200) + SignedDuration::from_secs(15), 2, 1000, runs::Place::Home)
                })
                .unwrap();
            for run in mine {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                assert!(now <= LIMIT, "{now} run at once");
                // Counted out before the slot is free for others.
                running.fetch_sub(1, Ordering::SeqCst);
                let finished = store
                    .write_blocking::<_, StoreError>(Durability::Relaxed, move |tx| {
                        runs::finish(tx, &run.run_id, run.fence, RunStatus::Success, SubStatus::Success, None, at(201))
                    })
                    .unwrap();
                assert!(finished, "nobody else had it");
                ended.fetch_add(1, Ordering::SeqCst);
            }
        }
        true
    });
    for id in &all {
        let run = bench.run(id);
        assert_eq!((run.status, run.fence), (RunStatus::Success, 1), "given once");
    }
}
