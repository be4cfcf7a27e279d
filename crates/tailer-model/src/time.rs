//! How instants look in answers (`spec/api.md`, statuses): RFC 3339 in UTC with microseconds.

use jiff::{Timestamp, tz::TimeZone};

/// `2020-12-30T11:28:43.861340+00:00`: always six digits of fraction, always `+00:00`.
///
/// Finer digits are cut, not rounded, so that a moment never shows as later than it was.
#[must_use]
pub fn rfc3339_micros(at: Timestamp) -> String {
    let utc = at.to_zoned(TimeZone::UTC).datetime();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+00:00",
        utc.year(),
        utc.month(),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
        utc.subsec_nanosecond() / 1_000,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_six_digits_and_a_zero_offset() {
        let check = |at: &str, expected: &str| assert_eq!(rfc3339_micros(at.parse().unwrap()), expected);
        check("2020-12-30T11:28:43.86134Z", "2020-12-30T11:28:43.861340+00:00");
        check("2020-12-30T11:28:43Z", "2020-12-30T11:28:43.000000+00:00");
        check("2020-12-30T01:28:43.999999999+02:00", "2020-12-29T23:28:43.999999+00:00");
        check("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000+00:00");
    }
}
