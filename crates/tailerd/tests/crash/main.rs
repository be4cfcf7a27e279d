//! The crash suite: the real server is killed (`kill -9`) again and again, at seeded moments, while clients launch, files arrive,
//! schedules tick, workflows collect and fire, and tables grow; then everything is counted (`architecture.md`, Invariants 1-4).
//!
//! The moments are diverse on purpose: at any time, while the server starts, at the instant a launch is acknowledged, at the
//! instant a file is handled, at the instant a workflow's last job has succeeded. What is counted is known beforehand: each launch, file,
//! round of the workflow and tick appends one row, so that a lost effect is a missing row and a doubled one a second row.
//!
//! `make crash` runs it with 125 kills over each database; `KILLS` and `SEED` change that. The ordinary tests run a small one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod house;
mod traffic;
mod verdict;

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use house::House;
use traffic::Traffic;

/// How much to do: everything follows from the kills.
#[derive(Debug, Clone, Copy)]
struct Size {
    kills: usize,
    seed: u64,
}

impl Size {
    fn launches(self) -> usize {
        self.kills * 10
    }

    fn files(self) -> usize {
        self.kills * 3
    }

    /// Operations whose schedule makes up for all its ticks, deployed one after the other.
    fn schedules(self) -> usize {
        self.kills.div_ceil(6)
    }
}

/// Seeded: the same kills again for the same seed, as far as the machine's own timing allows.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// SplitMix64.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

/// Kills the server so many times, each time at another kind of moment. Answers how many servers that were alive it killed.
fn kill_again_and_again(house: &House, traffic: &Arc<Traffic>, size: Size) -> usize {
    let mut dice = Dice(size.seed);
    let mut killed = 0;
    for kill in 0..size.kills {
        if kill % 6 == 0 {
            traffic.deploy_schedule();
        }
        let moment = dice.below(5);
        if moment == 0 {
            killed += usize::from(kill_while_it_starts(house, Duration::from_millis(dice.below(600))));
            continue;
        }
        let server = house.start();
        traffic.reach(&server.url);
        match moment {
            1 => traffic.wait_for_one_more(|done| &done.launches),
            2 => traffic.wait_for_one_more(|done| &done.files),
            3 => traffic.wait_for_one_more(|done| &done.arrivals),
            _ => std::thread::sleep(Duration::from_millis(100 + dice.below(1_200))),
        }
        server.kill();
        killed += 1;
    }
    killed
}

/// Whether it was still alive then.
fn kill_while_it_starts(house: &House, after: Duration) -> bool {
    let mut child = Command::spawn(&mut house.serve()).expect("the server starts");
    std::thread::sleep(after);
    let alive = child.try_wait().expect("it can be waited for").is_none();
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    alive
}

fn crash(house: Option<House>, size: Size) {
    let Some(house) = house else { return };
    let began = Instant::now();
    let traffic = Traffic::new(&house, size);
    let first = house.start();
    traffic.reach(&first.url);
    traffic.deploy(&first);
    first.kill();
    let clients = traffic.start();
    let kills = kill_again_and_again(&house, &traffic, size);
    let last = house.start();
    traffic.reach(&last.url);
    traffic.finish(clients);
    let counted = verdict::count(&house, &last, &traffic, size, kills);
    eprintln!("{} after {:.0} s, seed {}:\n{counted}", house.name(), began.elapsed().as_secs_f64(), size.seed);
    counted.judge();
    // Nobody is left behind who could not be stopped politely.
    assert_eq!(last.terminate(), Some(0));
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn full() -> Size {
    Size { kills: usize::try_from(number("KILLS", 125)).unwrap(), seed: number("SEED", 20_240_229) }
}

const SMALL: Size = Size { kills: 6, seed: 7 };

#[test]
fn a_few_crashes_lose_and_double_nothing_on_sqlite() {
    crash(Some(House::sqlite()), SMALL);
}

#[test]
fn a_few_crashes_lose_and_double_nothing_on_postgresql() {
    crash(House::postgresql(), SMALL);
}

#[test]
#[ignore = "takes minutes: `make crash`"]
fn many_crashes_lose_and_double_nothing_on_sqlite() {
    crash(Some(House::sqlite()), full());
}

#[test]
#[ignore = "takes minutes: `make crash`"]
fn many_crashes_lose_and_double_nothing_on_postgresql() {
    crash(House::postgresql(), full());
}
