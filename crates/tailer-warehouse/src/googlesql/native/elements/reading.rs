//! PARSE_DATE and its like: a text read along a format. What the format does not give is 1970-01-01 00:00:00; of elements
//! that say the same, the last counts.

use jiff::{ToSpan, civil};

use super::{
    super::{Answer, Value, civil as text, values::arg},
    DAYS, MONTHS, elements, has,
};

/// `(format, text, kind)`: microseconds of the civil time, and minutes east of UTC where the text says so.
pub(super) fn parse(args: &[Value]) -> Answer {
    let (format, given, kind) = (arg(args, 0)?.text()?, arg(args, 1)?.text()?, arg(args, 2)?.text()?);
    let mut reader = Reader { rest: given.trim_start(), ..Reader::default() };
    let failed = || format!("failed to parse input string: {given}");
    let all = elements(format)?;
    let mut at = all.iter().peekable();
    while let Some(element) = at.next() {
        let glued = at.peek().is_some_and(|next| next.is_err());
        match element {
            Ok(c) if c.is_whitespace() => reader.rest = reader.rest.trim_start(),
            Ok(c) => reader.rest = reader.rest.strip_prefix(*c).ok_or_else(failed)?,
            Err(element) if !has(kind, element) => {
                return Err(format!("%{element} in PARSE_{kind} is not supported by the embedded warehouse"));
            }
            Err(element) if matches!(element.as_str(), "G" | "g" | "J" | "V" | "Z") => {
                return Err(format!("%{element} in PARSE_{kind} is not supported by the embedded warehouse"));
            }
            Err(element) => reader.element(element, glued).ok_or_else(failed)?,
        }
    }
    if !reader.rest.trim_start().is_empty() {
        return Err(failed());
    }
    let micros = reader.civil().ok_or_else(failed)?;
    let mut answer = vec![Value::Int(micros)];
    // Seconds since 1970 are in UTC.
    let offset = if reader.epoch.is_some() { Some(0) } else { reader.offset };
    answer.extend(offset.map(Value::Int));
    Ok(Value::List(answer))
}

#[derive(Debug)]
struct Reader<'t> {
    rest: &'t str,
    year: i64,
    century: Option<i64>,
    short_year: Option<i64>,
    month: i64,
    day: i64,
    hour: i64,
    twelve: bool,
    afternoon: bool,
    minute: i64,
    second: i64,
    micros: i64,
    offset: Option<i64>,
    epoch: Option<i64>,
    /// `%j`, or `%U` and `%W` with the weekday on which weeks start: instead of month and day.
    place: Option<Place>,
    day_of_week: Option<i64>,
    has_month_or_day: bool,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    DayOfYear(i64),
    Week(i64, civil::Weekday),
}

impl Default for Reader<'_> {
    fn default() -> Self {
        Self {
            rest: "",
            year: 1970,
            century: None,
            short_year: None,
            month: 1,
            day: 1,
            hour: 0,
            twelve: false,
            afternoon: false,
            minute: 0,
            second: 0,
            micros: 0,
            offset: None,
            epoch: None,
            place: None,
            day_of_week: None,
            has_month_or_day: false,
        }
    }
}

impl Reader<'_> {
    /// Up to so many digits.
    fn number(&mut self, longest: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let length = self.rest.bytes().take(longest).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits.parse().ok().filter(|n| range.contains(n))
    }

    fn sign(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }

    /// A name or its first three letters, in any case; its number from 0.
    fn name(&mut self, names: &[&str]) -> Option<i64> {
        for short in [false, true] {
            for (i, name) in names.iter().enumerate() {
                let name = if short { name.get(..3)? } else { name };
                if self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                    self.rest = self.rest.get(name.len()..)?;
                    return i64::try_from(i).ok();
                }
            }
        }
        None
    }

    fn element(&mut self, element: &str, glued: bool) -> Option<()> {
        match element {
            "Y" => {
                self.year = if glued { self.number(4, 0..=9999)? } else { self.number(5, 0..=10_000)? };
                (self.century, self.short_year) = (None, None);
            }
            "E4Y" => {
                let before = self.rest.len();
                self.year = self.number(4, 0..=9999)?;
                (self.century, self.short_year) = (None, None);
                if before - self.rest.len() != 4 {
                    return None;
                }
            }
            "C" => self.century = Some(if glued { self.number(2, 0..=99)? } else { self.number(3, 0..=100)? }),
            "y" => self.short_year = Some(self.number(2, 0..=99)?),
            "m" => self.set_month(|r| r.number(2, 1..=12))?,
            "B" | "b" | "h" => self.set_month(|r| Some(r.name(&MONTHS)? + 1))?,
            "d" => self.set_day()?,
            "e" => {
                self.rest = self.rest.trim_start();
                self.set_day()?;
            }
            "Q" => {
                self.month = (self.number(1, 1..=4)? - 1) * 3 + 1;
                self.day = 1;
            }
            "j" => self.place = Some(Place::DayOfYear(self.number(3, 1..=366)?)),
            "U" => self.place = Some(Place::Week(self.number(2, 0..=53)?, civil::Weekday::Sunday)),
            "W" => self.place = Some(Place::Week(self.number(2, 0..=53)?, civil::Weekday::Monday)),
            "A" | "a" => self.day_of_week = Some(self.name(&DAYS)?),
            "u" => self.day_of_week = Some(self.number(1, 1..=7)? % 7),
            "w" => self.day_of_week = Some(self.number(1, 0..=6)?),
            "H" | "k" => {
                if element == "k" {
                    self.rest = self.rest.trim_start();
                }
                self.hour = self.number(2, 0..=23)?;
                self.twelve = false;
            }
            "I" | "l" => {
                self.rest = self.rest.trim_start();
                self.hour = self.number(2, 1..=12)? % 12;
                self.twelve = true;
            }
            "M" => self.minute = self.number(2, 0..=59)?,
            "S" => self.second = self.number(2, 0..=60)?,
            "p" | "P" => {
                let word = self.rest.get(..2)?.to_ascii_lowercase();
                self.afternoon = word == "pm";
                if !matches!(word.as_str(), "am" | "pm") {
                    return None;
                }
                self.rest = self.rest.get(2..)?;
            }
            "s" => {
                let negative = self.rest.starts_with('-');
                if negative {
                    self.sign('-')?;
                }
                let n = self.number(12, 0..=i64::MAX)?;
                self.epoch = Some(if negative { -n } else { n });
            }
            "z" | "Ez" => self.zone()?,
            "F" => self.several(&["Y", "-", "m", "-", "d"])?,
            "D" | "x" => self.several(&["m", "/", "d", "/", "y"])?,
            "R" => self.several(&["H", ":", "M"])?,
            "T" | "X" => self.several(&["H", ":", "M", ":", "S"])?,
            "c" => self.several(&["a", " ", "b", " ", "e", " ", "T", " ", "Y"])?,
            seconds => self.seconds(seconds)?,
        }
        Some(())
    }

    fn set_month(&mut self, read: impl FnOnce(&mut Self) -> Option<i64>) -> Option<()> {
        self.month = read(self)?;
        self.has_month_or_day = true;
        Some(())
    }

    fn set_day(&mut self) -> Option<()> {
        self.day = self.number(2, 1..=31)?;
        self.has_month_or_day = true;
        Some(())
    }

    fn several(&mut self, parts: &[&str]) -> Option<()> {
        for part in parts {
            match part.chars().next()? {
                ' ' => self.rest = self.rest.trim_start(),
                c if c.is_alphabetic() => self.element(part, false)?,
                c => self.sign(c)?,
            }
        }
        Some(())
    }

    /// `E*S`, `E3S`: seconds, and a fraction where a point follows.
    fn seconds(&mut self, element: &str) -> Option<()> {
        let count = element.strip_prefix('E')?.strip_suffix('S')?;
        let longest = if count == "*" { usize::MAX } else { count.parse().ok()? };
        self.second = self.number(2, 0..=60)?;
        if longest == 0 || !self.rest.starts_with('.') {
            return Some(());
        }
        self.sign('.')?;
        let length = self.rest.bytes().take(longest).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        if length == 0 {
            return None;
        }
        self.rest = rest;
        self.micros = format!("{digits:0<6}").get(..6)?.parse().ok()?;
        Some(())
    }

    /// `+hhmm`, `+hh:mm`, `+hh`, `Z`.
    fn zone(&mut self) -> Option<()> {
        if self.rest.starts_with('Z') {
            self.sign('Z')?;
            self.offset = Some(0);
            return Some(());
        }
        let sign = self.rest.chars().next().filter(|c| matches!(c, '+' | '-'))?;
        self.sign(sign)?;
        let before = self.rest.len();
        let hours = self.number(2, 0..=14)?;
        if before - self.rest.len() != 2 {
            return None;
        }
        let colon = self.rest.starts_with(':');
        let after = if colon { self.rest.get(1..)? } else { self.rest };
        let mut minutes = 0;
        if after.len() >= 2 && after.bytes().take(2).all(|b| b.is_ascii_digit()) {
            self.rest = after;
            minutes = self.number(2, 0..=59)?;
        }
        let offset = hours * 60 + minutes;
        self.offset = Some(if sign == '-' { -offset } else { offset }).filter(|o| o.abs() <= 14 * 60);
        self.offset.map(|_| ())
    }

    fn date(&self) -> Option<civil::Date> {
        let year = match (self.century, self.short_year) {
            (None, None) => self.year,
            (Some(century), short) => century * 100 + short.unwrap_or(0),
            (None, Some(short)) => short + if short < 69 { 2000 } else { 1900 },
        };
        let year = i16::try_from(year).ok()?;
        let first = civil::Date::new(year, 1, 1).ok()?;
        match self.place {
            None => civil::Date::new(year, i8::try_from(self.month).ok()?, i8::try_from(self.day).ok()?).ok(),
            // Two ways to say the day, or a day of the week beside a week: not read here.
            Some(_) if self.has_month_or_day => None,
            Some(Place::Week(..)) if self.day_of_week.is_some() => None,
            Some(Place::DayOfYear(day)) => {
                let date = first.checked_add((day - 1).days()).ok()?;
                (date.year() == year).then_some(date)
            }
            Some(Place::Week(week, start)) => {
                let ahead = first.weekday().until(start);
                let date = first.checked_add((i64::from(ahead) + 7 * (week - 1)).days()).ok()?;
                Some(date)
            }
        }
    }

    fn civil(&self) -> Option<i64> {
        if let Some(epoch) = self.epoch {
            return epoch.checked_mul(1_000_000);
        }
        let date = self.date()?;
        let hour = if self.twelve && self.afternoon { self.hour + 12 } else { self.hour };
        let seconds = hour * 3600 + self.minute * 60 + self.second;
        // A leap second is the next one, without fraction.
        let micros = if self.second == 60 { 0 } else { self.micros };
        Some(text::micros(date.to_datetime(civil::Time::midnight())) + seconds * 1_000_000 + micros)
    }
}
