//! Rhythms of days of the week: every day, from Monday to Friday, Mondays and Thursdays, Sundays.
//!
//! Days begin twelve hours before the usual time of day, so that a feed around midnight is not sometimes of one day and sometimes
//! of the next.

use super::{
    Frequency,
    rhythm::{DAY, most},
};

/// The week is learned from so many of the latest days.
const LOOKED_AT: i64 = 28;

/// Days of the week, 0 is Monday, with the usual second of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weekdays {
    expected: [bool; 7],
    second: i64,
}

impl Weekdays {
    /// The week that explains these starts and how far they are from it; `None` when none does, or before a week has passed.
    pub(super) fn of(starts: &[i64]) -> Option<(Self, i64)> {
        let second = usual(starts)?;
        let mut days: Vec<i64> = starts.iter().map(|start| day_of(*start, second)).collect();
        days.dedup();
        let (first, last) = (*days.first()?, *days.last()?);
        if last - first < 6 {
            return None;
        }
        let from = first.max(last - LOOKED_AT + 1);
        let (mut possible, mut seen) = ([0_u32; 7], [0_u32; 7]);
        for day in from..=last {
            *possible.get_mut(weekday(day))? += 1;
        }
        for day in days.iter().filter(|day| **day >= from) {
            *seen.get_mut(weekday(*day))? += 1;
        }
        let mut week = Self { expected: [false; 7], second };
        let (mut hits, mut wanted) = (0, 0);
        for ((expected, seen), possible) in week.expected.iter_mut().zip(seen).zip(possible) {
            *expected = 2 * seen > possible;
            if *expected {
                (hits, wanted) = (hits + seen, wanted + possible);
            }
        }
        // It has to be right about three of four, both ways.
        let explains = hits > 0 && 4 * hits >= 3 * wanted && 4 * hits >= 3 * seen.iter().sum::<u32>();
        let spread = most(starts.iter().map(|start| (start - week.beat_of(*start)).abs()).collect());
        explains.then_some((week, spread))
    }

    pub(super) fn frequency(&self) -> Frequency {
        if self.expected.iter().filter(|day| **day).count() > 2 { Frequency::Daily } else { Frequency::Weekly }
    }

    /// The beat that a run which began at `at` answers.
    pub(super) fn beat_of(&self, at: i64) -> i64 {
        day_of(at, self.second) * DAY + self.second
    }

    /// The first beat strictly after `at`.
    pub(super) fn beat_after(&self, at: i64) -> Option<i64> {
        let today = at.div_euclid(DAY);
        let beats = (today..=today.checked_add(8)?).filter(|day| self.expected.get(weekday(*day)) == Some(&true));
        beats.map(|day| day * DAY + self.second).find(|beat| *beat > at)
    }
}

/// The day, counted from the epoch, whose beat at `second` is the nearest.
fn day_of(at: i64, second: i64) -> i64 {
    (at - second + DAY / 2).div_euclid(DAY)
}

/// 0 is Monday. The epoch was a Thursday.
fn weekday(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0)
}

/// The second of the day that is nearest to all: the median on a circle.
fn usual(starts: &[i64]) -> Option<i64> {
    let seconds: Vec<i64> = starts.iter().map(|start| start.rem_euclid(DAY)).collect();
    let apart = |a: i64, b: i64| {
        let way = (a - b).rem_euclid(DAY);
        way.min(DAY - way)
    };
    seconds.iter().copied().min_by_key(|one| seconds.iter().map(|other| apart(*one, *other)).sum::<i64>())
}
