//! How durations look in answers (`spec/api.md`, `duration`): as Python prints a timedelta.

use jiff::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// The time between two instants: `0:01:24.002519`, `1 day, 2:00:00`, `2 days, 0:00:00.000001`.
///
/// Both instants count in whole microseconds, as answers show them. Never negative: a clock that went back gives
/// `0:00:00`.
#[must_use]
pub fn format(from: Timestamp, to: Timestamp) -> String {
    let micros = to.as_microsecond().saturating_sub(from.as_microsecond()).max(0);
    let (seconds, fraction) = (micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND);
    let (days, seconds) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
    let days = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        n => format!("{n} days, "),
    };
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    format!("{days}{}:{:02}:{:02}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn after(micros: i64) -> String {
        let from: Timestamp = "2020-12-30T11:28:43.861340Z".parse().unwrap();
        format(from, from.checked_add(SignedDuration::from_micros(micros)).unwrap())
    }

    #[test]
    fn looks_like_a_python_timedelta() {
        assert_eq!(after(84_002_519), "0:01:24.002519");
        assert_eq!(after(26 * 3_600_000_000), "1 day, 2:00:00");
        assert_eq!(after(2 * 86_400_000_000 + 1), "2 days, 0:00:00.000001");
        assert_eq!(after(0), "0:00:00");
        assert_eq!(after(13 * 3_600_000_000), "13:00:00");
        assert_eq!(after(100 * 86_400_000_000 + 59_000_000), "100 days, 0:00:59");
    }

    #[test]
    fn is_never_negative_and_never_too_long() {
        assert_eq!(after(-5), "0:00:00");
        assert_eq!(format(Timestamp::MAX, Timestamp::MIN), "0:00:00");
        assert!(format(Timestamp::MIN, Timestamp::MAX).starts_with("73"));
    }

    #[test]
    fn agrees_with_the_dates_shown_beside_it() {
        // From the API's example run: start, end and duration are printed independently.
        let from = "2020-12-30T11:28:43.861340999Z".parse().unwrap();
        let to = "2020-12-30T11:30:07.960767001Z".parse().unwrap();
        assert_eq!(format(from, to), "0:01:24.099427");
    }

    proptest! {
        #[test]
        fn reads_back(micros in 0_i64..200 * 86_400_000_000) {
            let text = after(micros);
            let (days, clock) = match text.split_once(", ") {
                Some((days, clock)) => (days.split(' ').next().unwrap().parse::<i64>().unwrap(), clock),
                None => (0, text.as_str()),
            };
            let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
            let parts: Vec<i64> = clock.split(':').map(|p| p.parse().unwrap()).collect();
            let seconds = ((days * 24 + parts[0]) * 60 + parts[1]) * 60 + parts[2];
            prop_assert_eq!(seconds * 1_000_000 + fraction.parse::<i64>().unwrap(), micros);
        }
    }
}
