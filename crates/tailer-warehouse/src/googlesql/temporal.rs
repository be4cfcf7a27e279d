//! Literals of DATE, TIME, DATETIME, TIMESTAMP and INTERVAL, checked here so that errors have a place.

use jiff::civil;

use super::{
    error::{At, Result, invalid},
    scope::text,
    types::Type,
};

/// A string literal as a value of a date or time type.
pub(super) fn literal(value: &str, ty: &Type, at: At) -> Result<String> {
    let wrong = || invalid(format!("{value:?} is no {ty}"), at);
    let mut parsed = Parts::read(value.trim()).ok_or_else(wrong)?;
    if parsed.leap && *ty != Type::Timestamp {
        // Civil times do not keep a leap second's fraction.
        parsed.time = parsed.time.and_then(|t| t.with().subsec_nanosecond(0).build().ok());
    }
    let zoned = parsed.zone.is_some();
    match ty {
        Type::Date if parsed.time.is_none() && !zoned => {
            let date = parsed.date.ok_or_else(wrong)?;
            Ok(format!("DATE '{}'", write_date(date)))
        }
        Type::Time if parsed.date.is_none() && !zoned => {
            let time = parsed.time.ok_or_else(wrong)?;
            Ok(format!("TIME '{}'", write_time(time)))
        }
        Type::Datetime if !zoned => {
            let date = parsed.date.ok_or_else(wrong)?;
            let time = parsed.time.unwrap_or(civil::Time::midnight());
            Ok(format!("TIMESTAMP '{} {}'", write_date(date), write_time(time)))
        }
        Type::Timestamp => {
            let date = parsed.date.ok_or_else(wrong)?;
            let time = parsed.time.unwrap_or(civil::Time::midnight());
            let zone = parsed.zone.unwrap_or(Zone::Default);
            timestamp(date, time, zone).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn timestamp(date: civil::Date, time: civil::Time, zone: Zone<'_>) -> Option<String> {
    match zone {
        Zone::Offset(seconds) => {
            let local = date.to_datetime(time);
            let utc = local.checked_sub(jiff::SignedDuration::from_secs(seconds.into())).ok()?;
            if !(1..=9999).contains(&utc.year()) {
                return None;
            }
            Some(format!("TIMESTAMPTZ '{} {}+00'", write_date(utc.date()), write_time(utc.time())))
        }
        Zone::Default => {
            Some(format!("(TIMESTAMP '{} {}' AT TIME ZONE gs_zone())", write_date(date), write_time(time)))
        }
        Zone::Name(name) => {
            Some(format!("(TIMESTAMP '{} {}' AT TIME ZONE {})", write_date(date), write_time(time), text(name)))
        }
    }
}

fn write_date(date: civil::Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

fn write_time(time: civil::Time) -> String {
    let micros = time.subsec_nanosecond() / 1000;
    let whole = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    if micros == 0 { whole } else { format!("{whole}.{micros:06}") }
}

#[derive(Debug, Clone, Copy)]
enum Zone<'a> {
    /// Seconds east of UTC.
    Offset(i32),
    Name(&'a str),
    /// The session's.
    Default,
}

struct Parts<'a> {
    date: Option<civil::Date>,
    time: Option<civil::Time>,
    zone: Option<Zone<'a>>,
    leap: bool,
}

impl<'a> Parts<'a> {
    /// `YYYY-[M]M-[D]D`, then maybe ` ` or `T` and `[H]H:[M]M:[S]S[.F]`, then maybe a zone; or a time alone.
    fn read(value: &'a str) -> Option<Parts<'a>> {
        let mut reader = Reader { rest: value, leap: false };
        let alone = value.find(':').is_some_and(|colon| colon <= 2);
        let date = if alone { None } else { Some(reader.date()?) };
        let mut time = None;
        if alone {
            time = Some(reader.time()?);
        } else if reader.rest.len() > 1
            && reader.rest.starts_with([' ', 'T', 't'])
            && reader.rest[1..].starts_with(|c: char| c.is_ascii_digit())
        {
            reader.rest = &reader.rest[1..];
            time = Some(reader.time()?);
        }
        let zone = reader.zone()?;
        let mut parts = Parts { date, time, zone, leap: reader.leap };
        if reader.leap {
            parts.leap_second()?;
        }
        Some(parts)
    }
}

impl Parts<'_> {
    /// A leap second is the next minute's first.
    fn leap_second(&mut self) -> Option<()> {
        let at = self.date.unwrap_or(civil::date(1970, 1, 1)).to_datetime(self.time?);
        let next = at.checked_add(jiff::SignedDuration::from_secs(1)).ok()?;
        self.time = Some(next.time());
        if self.date.is_some() {
            self.date = Some(next.date()).filter(|d| d.year() <= 9999);
            self.date?;
        }
        Some(())
    }
}

struct Reader<'a> {
    rest: &'a str,
    /// The second was the sixtieth.
    leap: bool,
}

impl<'a> Reader<'a> {
    fn number(&mut self, shortest: usize, longest: usize) -> Option<i16> {
        let length = self.rest.bytes().take(longest).take_while(u8::is_ascii_digit).count();
        if length < shortest {
            return None;
        }
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits.parse().ok()
    }

    fn eat(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }

    fn date(&mut self) -> Option<civil::Date> {
        let year = self.number(4, 4)?;
        self.eat('-')?;
        let month = i8::try_from(self.number(1, 2)?).ok()?;
        self.eat('-')?;
        let day = i8::try_from(self.number(1, 2)?).ok()?;
        if year < 1 {
            return None;
        }
        civil::Date::new(year, month, day).ok()
    }

    fn time(&mut self) -> Option<civil::Time> {
        let hour = i8::try_from(self.number(1, 2)?).ok()?;
        self.eat(':')?;
        let minute = i8::try_from(self.number(1, 2)?).ok()?;
        self.eat(':')?;
        let mut second = i8::try_from(self.number(1, 2)?).ok()?;
        if second == 60 {
            self.leap = true;
            second = 59;
        }
        let mut nanos = 0;
        if self.eat('.').is_some() {
            let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
            if length > 6 {
                return None;
            }
            let (digits, rest) = self.rest.split_at(length);
            self.rest = rest;
            nanos = format!("{digits:0<9}").parse().ok()?;
        }
        civil::Time::new(hour, minute, second, nanos).ok()
    }

    /// `Z`, `+H`, `+HH`, `+HH:MM`, or a name after a space; `Some(None)` when nothing is left.
    fn zone(&mut self) -> Option<Option<Zone<'a>>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        let rest = self.rest.trim_start();
        if matches!(rest, "Z" | "z") {
            return Some(Some(Zone::Offset(0)));
        }
        if let Some(sign) = rest.chars().next().filter(|c| matches!(c, '+' | '-')) {
            let mut reader = Reader { rest: &rest[1..], leap: false };
            let hours = reader.number(1, 2)?;
            let minutes = match reader.eat(':') {
                Some(()) => reader.number(2, 2)?,
                None => 0,
            };
            if !reader.rest.is_empty() || hours > 14 || minutes > 59 {
                return None;
            }
            let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
            return Some(Some(Zone::Offset(if sign == '-' { -seconds } else { seconds })));
        }
        let spaced = self.rest.starts_with(' ');
        let name = spaced && rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'));
        if !name {
            return None;
        }
        Some(Some(if matches!(rest, "UTC" | "utc" | "GMT") { Zone::Offset(0) } else { Zone::Name(rest) }))
    }
}
