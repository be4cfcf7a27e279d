//! When a scheduled operation runs (`spec/semantics.md`, Schedule). Everything is UTC: there is no daylight saving here.

use std::iter;

use croner::parser::{CronParser, Seconds, Year};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::execution_date::real_date;

/// Longest cron expression: every minute of every hour listed by itself is shorter.
const MAX_LENGTH: usize = 300;

/// A cron expression with five fields, in UTC, checked at parse.
#[derive(Debug, Clone, PartialEq)]
pub struct Cron {
    text: String,
    parsed: croner::Cron,
}

/// `start_date`, `schedule_interval`, `catchup`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schedule {
    pub start_date: Option<Date>,
    /// `None` when started otherwise.
    pub interval: Option<Cron>,
    pub catchup: bool,
}

impl Cron {
    /// Reads `schedule_interval`: `"None"` is `Ok(None)`, everything else has exactly five fields.
    ///
    /// # Errors
    /// In words: wrong number of fields, a bad field, or an expression that never comes true (`0 0 31 2 *`).
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("none") {
            return Ok(None);
        }
        if text.len() > MAX_LENGTH {
            return Err(format!("a cron expression has at most {MAX_LENGTH} characters"));
        }
        let fields = text.split_whitespace().count();
        if fields != 5 {
            return Err(format!(
                "expected \"None\" or a cron expression with five fields (minute, hour, day of month, month, day of \
                 week) such as \"0 7 * * *\", found {fields} field{}",
                if fields == 1 { "" } else { "s" }
            ));
        }
        if !text.is_ascii() {
            return Err("a cron expression has ASCII characters only".to_owned());
        }
        let parsed = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(text)
            .map_err(|e| format!("\"{text}\" is not a cron expression: {e}"))?;
        let cron = Self { text: text.to_owned(), parsed };
        // A leap year follows within four years of 2000, so whatever comes true at all does so soon after.
        let millennium = Timestamp::from_second(946_684_799).map_err(|e| e.to_string())?;
        match cron.next_after(millennium) {
            Some(_) => Ok(Some(cron)),
            None => Err(format!("\"{text}\" never comes true")),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As people say it: `every day at 07:00`, `at 07:00, on Monday`. UTC.
    #[must_use]
    pub fn in_words(&self) -> String {
        let said = self.parsed.describe();
        let said = said.trim_end_matches('.');
        let mut letters = said.chars();
        let said: String = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
        // The words of some expressions begin twice.
        let said = said.strip_prefix("at ").filter(|rest| rest.starts_with("every")).unwrap_or(&said).to_owned();
        let any_day = self.text.split_whitespace().skip(2).all(|field| field == "*");
        let at_a_time = said.strip_prefix("at ").is_some_and(|time| time.starts_with(|c: char| c.is_ascii_digit()));
        if any_day && at_a_time { format!("every day {said}") } else { said }
    }

    /// In words and as written: `every day at 07:00 (0 7 * * *)`.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{} ({})", self.in_words(), self.text)
    }

    /// The first tick strictly after an instant; `None` past the end of the calendar.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        // In UTC civil time is absolute time; whole seconds suffice because ticks are whole minutes.
        let from = after.to_zoned(TimeZone::UTC).datetime().with().subsec_nanosecond(0).build().ok()?;
        let next = self.parsed.find_next_occurrence(&from, false).ok()?;
        next.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp()).filter(|next| *next > after)
    }

    /// The last tick at or before an instant; `None` before the beginning of the calendar.
    #[must_use]
    pub fn last_until(&self, until: Timestamp) -> Option<Timestamp> {
        let from = until.to_zoned(TimeZone::UTC).datetime().with().subsec_nanosecond(0).build().ok()?;
        let last = self.parsed.find_previous_occurrence(&from, true).ok()?;
        last.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp()).filter(|last| *last <= until)
    }
}

impl Schedule {
    /// The ticks strictly after an instant and not before the start date, oldest first, without end. None at all
    /// without a start date or an interval.
    pub fn ticks_after(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let start = self.start_date.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|z| z.timestamp());
        let from = start.map(|start| {
            let just_before = start.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(start);
            after.max(just_before)
        });
        let next = move |at: Timestamp| self.interval.as_ref().and_then(|cron| cron.next_after(at));
        iter::successors(from.and_then(next), move |at| next(*at))
    }

    /// Next `count` ticks strictly after `after` and not before the start date.
    #[must_use]
    pub fn next_ticks(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        self.ticks_after(after).take(count).collect()
    }

    /// Ticks `t` with `after < t <= until`, not before the start date, oldest first, at most `limit`.
    #[must_use]
    pub fn ticks_between(&self, after: Timestamp, until: Timestamp, limit: usize) -> Vec<Timestamp> {
        self.ticks_after(after).take_while(|tick| *tick <= until).take(limit).collect()
    }
}

/// Reads `start_date`: `"YYYY, MM, DD"`, month and day with one or two digits, or `YYYY-MM-DD`.
///
/// # Errors
/// Says what is expected.
pub fn parse_start_date(text: &str) -> Result<Date, String> {
    let separator = if text.contains(',') { ',' } else { '-' };
    let parts: Vec<&str> = text.split(separator).map(str::trim).collect();
    let number = |part: &str, most: usize| {
        (!part.is_empty() && part.len() <= most && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse().ok())?
    };
    let date = match parts.as_slice() {
        [year, month, day] if year.len() == 4 => match (number(year, 4), number(month, 2), number(day, 2)) {
            (Some(year), Some(month), Some(day)) => {
                i8::try_from(month).ok().zip(i8::try_from(day).ok()).and_then(|(m, d)| real_date(year, m, d))
            }
            _ => None,
        },
        _ => None,
    };
    date.filter(|d| d.year() >= 1970)
        .ok_or_else(|| "expected a real date from 1970 on, written \"YYYY, MM, DD\" such as \"2023, 1, 23\"".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cron(text: &str) -> Cron {
        Cron::parse(text).unwrap().unwrap()
    }

    #[test]
    fn reads_five_fields_only() {
        assert_eq!(Cron::parse("None"), Ok(None));
        assert_eq!(Cron::parse(" none "), Ok(None));
        assert_eq!(cron(" 0 7 * * * ").as_str(), "0 7 * * *");
        for bad in [
            "",
            "* * * *",
            "0 0 7 * * *",
            "@daily",
            "61 * * * *",
            "a b c d e",
            "0 0 31 2 *",
            "0 0 * * é",
            "* * * * * 2024",
        ] {
            assert!(Cron::parse(bad).is_err(), "{bad}");
        }
        assert!(Cron::parse("0 0 7 * * *").unwrap_err().contains("found 6 fields"));
    }

    #[test]
    fn a_schedule_in_words() {
        for (text, words) in [
            ("0 7 * * *", "every day at 07:00"),
            ("*/5 * * * *", "every 5 minutes"),
            ("30 6 * * 1", "at 06:30, on Monday"),
            ("0 0 1 * *", "at 00:00, on day 1"),
        ] {
            assert_eq!(cron(text).in_words(), words, "{text}");
        }
    }

    #[test]
    fn ticks_are_strictly_after() {
        let check = |text: &str, after: &str, expected: &str| {
            assert_eq!(cron(text).next_after(at(after)), Some(at(expected)), "{text} after {after}");
        };
        check("0 7 * * *", "2024-03-31T07:00:00Z", "2024-04-01T07:00:00Z");
        check("0 7 * * *", "2024-03-31T06:59:59.999999999Z", "2024-03-31T07:00:00Z");
        check("0 7 * * *", "2024-03-31T07:00:00.000000001Z", "2024-04-01T07:00:00Z");
        check("*/5 * * * *", "2024-12-31T23:57:03Z", "2025-01-01T00:00:00Z");
        check("0 0 29 2 *", "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z");
        check("30 2 * * MON", "2024-03-31T00:00:00Z", "2024-04-01T02:30:00Z");
        // Days of month and of week are alternatives, as everywhere in cron.
        check("0 0 13 * 5", "2024-09-01T00:00:00Z", "2024-09-06T00:00:00Z");
        // No daylight saving in UTC.
        check("30 2 * * *", "2024-03-30T02:30:00Z", "2024-03-31T02:30:00Z");
    }

    #[test]
    fn the_last_tick_may_be_now() {
        let check = |text: &str, until: &str, expected: &str| {
            assert_eq!(cron(text).last_until(at(until)), Some(at(expected)), "{text} until {until}");
        };
        check("0 7 * * *", "2024-03-31T07:00:00Z", "2024-03-31T07:00:00Z");
        check("0 7 * * *", "2024-03-31T06:59:59.9Z", "2024-03-30T07:00:00Z");
        check("0 0 29 2 *", "2027-06-01T00:00:00Z", "2024-02-29T00:00:00Z");
    }

    #[test]
    fn nothing_before_the_start_date() {
        let schedule = Schedule {
            start_date: Some(parse_start_date("2023, 1, 23").unwrap()),
            interval: Cron::parse("0 0 * * *").unwrap(),
            catchup: true,
        };
        let days = |ticks: Vec<Timestamp>| ticks.iter().map(|t| t.to_string()[..10].to_owned()).collect::<Vec<_>>();
        assert_eq!(days(schedule.next_ticks(at("2020-01-01T00:00:00Z"), 2)), ["2023-01-23", "2023-01-24"]);
        assert_eq!(
            days(schedule.ticks_between(at("2023-01-23T00:00:00Z"), at("2023-01-25T00:00:00Z"), 10)),
            ["2023-01-24", "2023-01-25"]
        );
        assert_eq!(
            days(schedule.ticks_between(at("2023-01-23T00:00:00Z"), at("2024-01-25T00:00:00Z"), 1)),
            ["2023-01-24"]
        );
        assert_eq!(schedule.ticks_between(at("2023-01-26T00:00:00Z"), at("2023-01-25T00:00:00Z"), 1), []);
        let unstarted = Schedule { start_date: None, ..schedule.clone() };
        assert_eq!(unstarted.next_ticks(at("2023-01-01T00:00:00Z"), 5), []);
        let otherwise = Schedule { interval: None, ..schedule };
        assert_eq!(otherwise.next_ticks(at("2023-01-01T00:00:00Z"), 5), []);
    }

    #[test]
    fn start_dates() {
        for good in ["2023, 1, 23", "2023, 01, 23", "2023,1,23", "2023-01-23", " 2023 , 1 , 23 "] {
            assert_eq!(parse_start_date(good).map(|d| d.to_string()), Ok("2023-01-23".to_owned()), "{good}");
        }
        for bad in ["", "2023", "2023, 2, 30", "1969, 1, 1", "23, 1, 2023", "2023, 1, 23, 4", "2023, x, 1", "20230123"]
        {
            assert!(parse_start_date(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "[0-9*/,\\-LW#?+A-Z@ é]{0,24}", after in 0_i64..4_000_000_000) {
            let after = Timestamp::from_second(after).unwrap();
            if let Ok(Some(cron)) = Cron::parse(&text)
                && let Some(next) = cron.next_after(after)
            {
                prop_assert!(next > after);
                prop_assert_eq!(next.as_second() % 60, 0);
            }
        }
    }
}
