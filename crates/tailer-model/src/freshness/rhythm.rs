//! Which rhythm the starts of runs have, and when it beats next.
//!
//! A schedule is believed as it is. Without one it is learned: a feed that never rests has its mean interval; others follow days of
//! the week or of the month when these explain them, else their median interval; what fits nothing is not followed. Spreads are
//! those within which four of five runs lie, so that one outlier in five changes nothing.

use jiff::Timestamp;

use super::{
    Frequency,
    arrivals::{Arrival, Arrivals},
    months::Months,
    weekdays::Weekdays,
};
use crate::Schedule;

pub(super) const HOUR: i64 = 3600;
pub(super) const DAY: i64 = 24 * HOUR;

/// Nobody is called late within this time, in seconds.
const LEAST_CONFIDENCE: i64 = HOUR / 4;

/// What is known of the beats of an operation.
#[derive(Debug)]
pub(super) struct Learned<'a> {
    pub(super) frequency: Frequency,
    rhythm: Rhythm<'a>,
    /// The beat that the last run answered.
    last: i64,
    /// Of runs around their beats, in seconds.
    spread: i64,
    /// How many runs that spread is of.
    samples: usize,
}

#[derive(Debug)]
enum Rhythm<'a> {
    Schedule(&'a Schedule),
    /// So many seconds after the last one.
    Every(i64),
    Weekdays(Weekdays),
    Months(Months),
    Irregular,
}

/// The beat to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) expected: Timestamp,
    /// The beat after that.
    pub(super) after: Option<Timestamp>,
    /// In seconds.
    pub(super) confidence: i64,
}

impl<'a> Learned<'a> {
    /// `None` when there is too little to learn from.
    pub(super) fn of(arrivals: &Arrivals, schedule: Option<&'a Schedule>) -> Option<Self> {
        let all = arrivals.all();
        let newest = all.last()?;
        if let Some(schedule) = schedule {
            return Some(Self::scheduled(schedule, all, newest.last));
        }
        if let Some((interval, spread)) = restless(all) {
            let rhythm = Rhythm::Every(interval);
            return Some(Self { frequency: Frequency::Daily, rhythm, last: newest.last, spread, samples: usize::MAX });
        }
        let starts: Vec<i64> = all.iter().map(|arrival| arrival.first).collect();
        Self::of_starts(&starts)
    }

    fn scheduled(schedule: &'a Schedule, all: &[Arrival], last: i64) -> Self {
        let from = Timestamp::from_second(last).unwrap_or(Timestamp::MIN);
        let ticks: Vec<i64> = schedule.next_ticks(from, 15).iter().map(|tick| tick.as_second()).collect();
        let frequency = median(intervals(&ticks)).map_or(Frequency::Yearly, nearest);
        let cron = schedule.interval.as_ref();
        let delay = |arrival: &Arrival| {
            let at = Timestamp::from_second(arrival.first).ok()?;
            cron?.last_until(at).map(|tick| arrival.first - tick.as_second())
        };
        let delays: Vec<i64> = all.iter().filter_map(delay).collect();
        Self { frequency, rhythm: Rhythm::Schedule(schedule), last, spread: most(delays), samples: usize::MAX }
    }

    /// From the starts of arrivals, oldest first.
    fn of_starts(starts: &[i64]) -> Option<Self> {
        let last = *starts.last()?;
        let between = intervals(starts);
        let interval = median(between.clone())?;
        let samples = between.len();
        let calendar = match interval {
            ..72_000 => None,
            72_000..1_728_000 => Weekdays::of(starts).map(|(weekdays, spread)| {
                let (last, frequency) = (weekdays.beat_of(last), weekdays.frequency());
                Self { frequency, rhythm: Rhythm::Weekdays(weekdays), last, spread, samples }
            }),
            _ => Months::of(starts, interval).map(|(months, spread)| Self {
                frequency: nearest(interval),
                last: months.last(),
                rhythm: Rhythm::Months(months),
                spread,
                samples,
            }),
        };
        if calendar.is_some() {
            return calendar;
        }
        let spread = most(between.iter().map(|one| (one - interval).abs()).collect());
        let (rhythm, frequency) = match spread > interval / 2 {
            true => (Rhythm::Irregular, Frequency::Unfollow),
            false => (Rhythm::Every(interval), nearest(interval)),
        };
        Some(Self { frequency, rhythm, last, spread, samples })
    }

    /// What is expected after the last run, and not before `since`.
    pub(super) fn next(&self, since: Option<Timestamp>) -> Option<Next> {
        let from = since.map_or(self.last, |since| self.last.max(since.as_second()));
        let expected = self.beat_after(from)?;
        let after = self.beat_after(expected);
        let interval = after.map_or(0, |after| after - expected);
        // Of few runs little is known of how far they spread.
        let least = if self.samples < 5 { interval / 8 } else { interval / 24 };
        let confidence = match self.rhythm {
            // A workflow may start it too, at any time.
            Rhythm::Schedule(_) => self.spread.min(interval / 2),
            _ => self.spread.max(least),
        };
        Some(Next {
            expected: Timestamp::from_second(expected).ok()?,
            after: after.and_then(|after| Timestamp::from_second(after).ok()),
            confidence: confidence.max(LEAST_CONFIDENCE),
        })
    }

    /// The first beat strictly after an instant that is not before the last one.
    fn beat_after(&self, at: i64) -> Option<i64> {
        match &self.rhythm {
            Rhythm::Schedule(schedule) => {
                let at = Timestamp::from_second(at).ok()?;
                schedule.ticks_after(at).next().map(Timestamp::as_second)
            }
            Rhythm::Every(interval) => {
                let interval = (*interval).max(1);
                let passed = at.checked_sub(self.last)?.div_euclid(interval);
                self.last.checked_add(interval.checked_mul(passed.checked_add(1)?)?)
            }
            Rhythm::Weekdays(weekdays) => weekdays.beat_after(at),
            Rhythm::Months(months) => months.beat_after(at),
            Rhythm::Irregular => None,
        }
    }
}

/// The mean interval of a feed that goes on day and night, and by how much a run may be later than that.
fn restless(all: &[Arrival]) -> Option<(i64, i64)> {
    // It may have been interrupted not long ago.
    let recent = all.iter().rev().take(3);
    let longest = recent.max_by_key(|arrival| arrival.last - arrival.first)?;
    let length = longest.last - longest.first;
    let interval = length.checked_div(i64::from(longest.runs) - 1).filter(|_| length >= DAY)?;
    Some((interval.max(1), longest.widest - interval))
}

/// The frequency whose interval is nearest, by proportion.
fn nearest(interval: i64) -> Frequency {
    match interval {
        // The square roots of 1 × 7, 7 × 30.4 and 30.4 × 365 days.
        ..228_600 => Frequency::Daily,
        228_600..1_261_400 => Frequency::Weekly,
        1_261_400..9_107_000 => Frequency::Monthly,
        _ => Frequency::Yearly,
    }
}

pub(super) fn intervals(starts: &[i64]) -> Vec<i64> {
    starts.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?)).collect()
}

pub(super) fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    let (below, above) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some(below + (above - below) / 2)
}

/// What four of five are at most; 0 of none.
pub(super) fn most(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    let rank = (values.len() * 4).div_ceil(5);
    rank.checked_sub(1).and_then(|rank| values.get(rank)).copied().unwrap_or(0)
}
