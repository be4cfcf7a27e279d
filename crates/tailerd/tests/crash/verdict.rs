//! What is counted at the end, beside what it must be.

use std::{collections::BTreeSet, fmt, sync::atomic::Ordering};

use crate::{
    Size,
    house::House,
    support::{Server, until},
    traffic::Traffic,
};

/// Years from 2000 to now: a tick each.
fn years() -> usize {
    usize::try_from(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year()).unwrap() - 1999
}

#[derive(Debug)]
pub(crate) struct Counted {
    /// What, how many are wanted, how many there are.
    happened: Vec<(&'static str, usize, usize)>,
    /// What must not be at all.
    wrong: Vec<(&'static str, usize)>,
}

impl Counted {
    /// Fails unless everything happened once.
    pub(crate) fn judge(&self) {
        assert!(self.wrong.iter().all(|(_, count)| *count == 0), "something is wrong:\n{self}");
        assert!(self.happened.iter().all(|(_, wanted, found)| wanted == found), "a number is wrong:\n{self}");
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, wanted, found) in &self.happened {
            writeln!(f, "  {what:<34} {found:>6} of {wanted}")?;
        }
        for (what, count) in &self.wrong {
            writeln!(f, "  {what:<34} {count:>6}")?;
        }
        Ok(())
    }
}

/// Rows of a table, and how many different ones.
fn rows(server: &Server, table: &str, columns: &str) -> (usize, usize) {
    let sql = format!("SELECT COUNT(*), COUNT(DISTINCT FORMAT('%T', ({columns}))) FROM `{table}`");
    let line = server.sql(&sql).remove(0);
    let (all, different) = line.split_once(',').expect("two numbers");
    (all.parse().unwrap(), different.parse().unwrap())
}

/// Lets what still runs end, then counts.
pub(crate) fn count(house: &House, server: &Server, traffic: &Traffic, size: Size, kills: usize) -> Counted {
    let ticks = size.schedules() * years();
    let rounds = traffic.done.arrivals.load(Ordering::SeqCst);
    let wanted = size.launches() + size.files() + 3 * rounds + ticks;
    until("all runs to be created", || (house.ask("SELECT COUNT(*) FROM runs") >= wanted).then_some(()));
    let unfinished = || house.ask("SELECT COUNT(*) FROM runs WHERE phase <> 'ended'");
    // As long as it goes on.
    let mut left = unfinished();
    while left > 0 {
        left = until("another run to end", || Some(unfinished()).filter(|now| *now < left));
    }

    let acknowledged = traffic.acknowledged.lock().unwrap();
    let succeeded: BTreeSet<String> =
        house.texts("SELECT run_id FROM runs WHERE status = 'SUCCESS'").into_iter().collect();
    let runs = |id: &str| house.ask(&format!("SELECT COUNT(*) FROM runs WHERE configuration_id LIKE '{id}'"));
    let (first, second, loaded) =
        (rows(server, "first", "n"), rows(server, "second", "n"), rows(server, "loaded", "n"));
    let (fired, ticked) = (rows(server, "fired", "n"), rows(server, "ticked", "operation, day"));
    let lost_or_doubled =
        |(all, different): (usize, usize), wanted: usize| all.abs_diff(different) + wanted.abs_diff(different);
    Counted {
        happened: vec![
            ("kills", size.kills, kills),
            ("launches acknowledged", size.launches(), acknowledged.len()),
            ("runs of them", size.launches(), runs("append%")),
            ("runs of files", size.files(), runs("load")),
            ("ticks recorded", ticks, house.ask("SELECT COUNT(*) FROM ticks WHERE run_id IS NOT NULL")),
            ("runs of ticks", ticks, runs("yearly%")),
            ("firings recorded", rounds, house.ask("SELECT COUNT(*) FROM firings")),
            ("runs of firings", rounds, runs("JT%")),
            ("rows of firings", rounds, fired.0),
            ("runs in all", wanted, house.ask("SELECT COUNT(*) FROM runs")),
            ("runs that succeeded", wanted, succeeded.len()),
        ],
        wrong: vec![
            ("acknowledged launches lost", acknowledged.values().filter(|run| !succeeded.contains(*run)).count()),
            ("rows lost or doubled, first task", lost_or_doubled(first, size.launches())),
            ("rows lost or doubled, second task", lost_or_doubled(second, size.launches())),
            ("rows lost or doubled, files", lost_or_doubled(loaded, size.files())),
            ("rows lost or doubled, ticks", lost_or_doubled(ticked, ticks)),
        ],
    }
}
