//! How many messages a destination gets, and when one that failed is tried again. Pure functions.
//!
//! A storm must not bury people: up to so many alerts in a minute come one by one. When more wait than may still come so, all
//! of them are one message, and the next such message comes a minute later.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tailer_store::alerts::Recent;

use super::AlertSettings;

/// What a minute is here.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// However long the other side asks to be left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What to do with the alerts that wait for a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    OneByOne,
    /// All in one message.
    Together,
    Wait(Timestamp),
}

/// `recent`: what was sent within [`WINDOW`]. One that is still on its way may yet fail, and then keeps nobody waiting: so it is
/// looked at again as soon as a failed attempt would be.
pub(crate) fn pace(waiting: usize, recent: Recent, now: Timestamp, settings: &AlertSettings) -> Pace {
    let free = u64::from(settings.per_minute).saturating_sub(recent.singles);
    if u64::try_from(waiting).unwrap_or(u64::MAX) <= free {
        return Pace::OneByOne;
    }
    match recent.digest {
        None => Pace::Together,
        Some(_) if recent.in_flight => Pace::Wait(now.checked_add(settings.retry_first).unwrap_or(now)),
        Some(last) => Pace::Wait(last.checked_add(WINDOW).unwrap_or(last)),
    }
}

/// How long after the end of an attempt the next begins; `None` when it is given up. `age`: since the outcome.
pub(crate) fn backoff(
    attempts: u32,
    age: SignedDuration,
    after: Option<Duration>,
    settings: &AlertSettings,
) -> Option<Duration> {
    if Duration::try_from(age).unwrap_or_default() >= settings.give_up {
        return None;
    }
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
    let own = settings.retry_first.saturating_mul(doubled).min(settings.retry_longest);
    Some(own.max(after.unwrap_or_default().min(LONGEST_PAUSE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_one_message_a_minute() {
        let at = Timestamp::UNIX_EPOCH;
        let check = |waiting, singles, digest, expect| {
            let recent = Recent { singles, digest, in_flight: false };
            assert_eq!(pace(waiting, recent, at, &AlertSettings::default()), expect, "{waiting} {singles} {digest:?}");
        };
        check(1, 0, None, Pace::OneByOne);
        check(10, 0, None, Pace::OneByOne);
        check(11, 0, None, Pace::Together);
        check(1, 9, None, Pace::OneByOne);
        check(2, 9, None, Pace::Together);
        check(1, 10, None, Pace::Together);
        check(1, 12, Some(at), Pace::Wait(at + WINDOW));
        check(200, 0, Some(at), Pace::Wait(at + WINDOW));
        check(3, 0, Some(at), Pace::OneByOne);
        let on_its_way = Recent { singles: 0, digest: Some(at), in_flight: true };
        let soon = at + SignedDuration::from_secs(5);
        assert_eq!(pace(200, on_its_way, at, &AlertSettings::default()), Pace::Wait(soon));
    }

    #[test]
    fn attempts_come_slower_and_end() {
        let settings = AlertSettings::default();
        let check = |attempts, hours, after: Option<u64>, expect: Option<u64>| {
            let after = after.map(Duration::from_secs);
            let found = backoff(attempts, SignedDuration::from_hours(hours), after, &settings);
            assert_eq!(found, expect.map(Duration::from_secs), "{attempts}");
        };
        check(1, 0, None, Some(5));
        check(2, 0, None, Some(10));
        check(7, 0, None, Some(320));
        check(8, 0, None, Some(600));
        check(90, 23, None, Some(600));
        check(1, 24, None, None);
        check(1, 0, Some(30), Some(30));
        check(1, 0, Some(86_400), Some(3600));
        check(8, 0, Some(30), Some(600));
    }
}
