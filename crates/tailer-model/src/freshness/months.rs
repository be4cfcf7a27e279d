//! Rhythms of months: the third of each month, its last day, every quarter, once a year.

use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};

use super::rhythm::{DAY, intervals, median, most};

/// Mean length of a month in seconds.
const MONTH: i64 = 2_629_746;

/// From where in a month its beat is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    /// From its first midnight, onwards.
    Start,
    /// From its first midnight, either way: a feed around the turn of the month.
    Turn,
    /// From its end, backwards.
    End,
}

/// A beat every `step` months, at the same place in each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Months {
    anchor: Anchor,
    /// In seconds, from the anchor.
    offset: i64,
    step: i64,
    /// The month of the last run, counted from the epoch.
    last: i64,
}

impl Months {
    /// The rhythm that explains these starts, `interval` being their median, and how far they are from it.
    pub(super) fn of(starts: &[i64], interval: i64) -> Option<(Self, i64)> {
        let step = ((interval + MONTH / 2) / MONTH).max(1);
        let candidates = [Anchor::Start, Anchor::Turn, Anchor::End].into_iter().filter_map(|anchor| {
            let places: Vec<(i64, i64)> = starts.iter().filter_map(|start| place(anchor, *start)).collect();
            let offset = median(places.iter().map(|(_, offset)| *offset).collect())?;
            let (last, _) = *places.last()?;
            let months = Self { anchor, offset, step, last };
            let away = |(start, (month, _)): (&i64, &(i64, i64))| months.beat(*month).map(|beat| (start - beat).abs());
            let away: Option<Vec<i64>> = starts.iter().zip(&places).map(away).collect();
            let of_month: Vec<i64> = places.iter().map(|(month, _)| *month).collect();
            let steps = intervals(&of_month);
            let steady = steps.iter().filter(|one| **one == step).count() * 2 >= steps.len();
            steady.then_some((months, most(away?)))
        });
        candidates.min_by_key(|(_, spread)| *spread).filter(|(_, spread)| *spread <= interval / 4)
    }

    /// The beat that the last run answered.
    pub(super) fn last(&self) -> i64 {
        self.beat(self.last).unwrap_or(i64::MAX)
    }

    /// The first beat strictly after `at`.
    pub(super) fn beat_after(&self, at: i64) -> Option<i64> {
        let (month, _) = place(Anchor::Start, at)?;
        let passed = (month - self.last).div_euclid(self.step).max(1) - 1;
        (passed..passed + 4).filter_map(|beats| self.beat(self.last + beats * self.step)).find(|beat| *beat > at)
    }

    /// The beat of a month; in a month that is too short, its last day.
    fn beat(&self, month: i64) -> Option<i64> {
        let (start, end) = (first(month)?, first(month + 1)?);
        Some(match self.anchor {
            Anchor::End => end + self.offset,
            Anchor::Start if start + self.offset >= end => end - DAY + self.offset.rem_euclid(DAY),
            Anchor::Start | Anchor::Turn => start + self.offset,
        })
    }
}

/// Month and offset of an instant.
fn place(anchor: Anchor, at: i64) -> Option<(i64, i64)> {
    let date = Timestamp::from_second(at).ok()?.to_zoned(TimeZone::UTC).date();
    let month = (i64::from(date.year()) - 1970) * 12 + i64::from(date.month()) - 1;
    let (start, end) = (first(month)?, first(month + 1)?);
    Some(match anchor {
        Anchor::Turn if at >= end - 15 * DAY => (month + 1, at - end),
        Anchor::Start | Anchor::Turn => (month, at - start),
        Anchor::End => (month, at - end),
    })
}

/// The first midnight of a month counted from the epoch.
fn first(month: i64) -> Option<i64> {
    let day = Date::constant(1970, 1, 1).checked_add(Span::new().try_months(month).ok()?).ok()?;
    day.to_zoned(TimeZone::UTC).ok().map(|midnight| midnight.timestamp().as_second())
}
