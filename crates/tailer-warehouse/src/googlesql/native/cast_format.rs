//! `CAST … FORMAT`: dates and times by elements such as `YYYY`, BYTES by the names of their encodings.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::civil;

use super::{
    Answer, Gives, Native, Value, civil as text,
    elements::{DAYS, MONTHS},
    encodings::{from_base32, from_hex, to_base32},
    values::arg,
};

const ELEMENTS: [&str; 32] = [
    "YYYY", "RRRR", "Y,YYY", "YYY", "YY", "RR", "Y", "MONTH", "MON", "MM", "DDD", "DAY", "DD", "DY", "D", "HH24",
    "HH12", "HH", "MI", "SSSSS", "SS", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "A.M.", "P.M.", "AM", "PM", "TZH",
];

/// An element as it is written, or characters as they are.
enum Piece {
    Element(&'static str, String),
    Plain(String),
}

fn pieces(format: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (plain, behind) = quoted.split_once('"').ok_or_else(|| format!("a quote in {format} is not closed"))?;
            pieces.push(Piece::Plain(plain.to_owned()));
            rest = behind;
            continue;
        }
        let starts = |e: &&&str| rest.get(..e.len()).is_some_and(|start| start.eq_ignore_ascii_case(e));
        if let Some(element) = ELEMENTS.iter().chain(&["TZM"]).find(starts) {
            let (written, behind) = rest.split_at(element.len());
            pieces.push(Piece::Element(element, written.to_owned()));
            rest = behind;
        } else if matches!(c, '-' | '.' | '/' | ',' | '\'' | ';' | ':' | ' ') {
            pieces.push(Piece::Plain(c.to_string()));
            rest = rest.get(1..).unwrap_or_default();
        } else {
            return Err(format!("the format element at {rest} is not supported by the embedded warehouse"));
        }
    }
    Ok(pieces)
}

/// Whether a type has an element.
fn has(kind: &str, element: &str) -> bool {
    let zone = matches!(element, "TZH" | "TZM");
    let time = element.starts_with("HH")
        || element.starts_with("FF")
        || matches!(element, "MI" | "SS" | "SSSSS" | "A.M." | "P.M." | "AM" | "PM");
    match kind {
        "DATE" => !zone && !time,
        "TIME" => time,
        "DATETIME" => !zone,
        _ => true,
    }
}

/// A name in the case of the element's first letters.
fn cased(name: &str, written: &str) -> String {
    let mut letters = written.chars();
    let (first, second) = (letters.next().unwrap_or('A'), letters.next().unwrap_or('A'));
    match (first.is_uppercase(), second.is_uppercase()) {
        (true, true) => name.to_uppercase(),
        (true, false) => name.to_owned(),
        _ => name.to_lowercase(),
    }
}

/// `(civil time, format, kind, minutes east of UTC)`.
fn write(args: &[Value]) -> Answer {
    let Value::Moment(micros) = arg(args, 0)? else { return Err("internal: no civil time".to_owned()) };
    let (local, kind, offset) = (text::moment(*micros)?, arg(args, 2)?.text()?, arg(args, 3)?.int()?);
    let mut out = String::new();
    for piece in pieces(arg(args, 1)?.text()?)? {
        match piece {
            Piece::Plain(plain) => out.push_str(&plain),
            Piece::Element(element, written) if has(kind, element) => {
                out.push_str(&one(&local, element, &written, offset));
            }
            Piece::Element(element, _) => return Err(format!("{kind} does not support the format element {element}")),
        }
    }
    Ok(Value::Text(out))
}

fn one(at: &civil::DateTime, element: &str, written: &str, offset: i64) -> String {
    let year = i32::from(at.year());
    let twelve = (at.hour() + 11) % 12 + 1;
    let micros = format!("{:06}", at.subsec_nanosecond() / 1000);
    let name =
        |names: &[&str], i: i8| names.get(usize::try_from(i).unwrap_or(0)).copied().unwrap_or_default().to_owned();
    let month = || name(&MONTHS, at.month() - 1);
    let weekday = at.date().weekday().to_sunday_zero_offset();
    match element {
        "YYYY" | "RRRR" => format!("{year:04}"),
        "Y,YYY" => format!("{},{:03}", year / 1000, year % 1000),
        "YYY" => format!("{:03}", year % 1000),
        "YY" | "RR" => format!("{:02}", year % 100),
        "Y" => (year % 10).to_string(),
        "MONTH" => cased(&month(), written),
        "MON" => cased(&month().chars().take(3).collect::<String>(), written),
        "MM" => format!("{:02}", at.month()),
        "DDD" => format!("{:03}", at.date().day_of_year()),
        "DD" => format!("{:02}", at.day()),
        "D" => (weekday + 1).to_string(),
        "DAY" => cased(&name(&DAYS, weekday), written),
        "DY" => cased(&name(&DAYS, weekday).chars().take(3).collect::<String>(), written),
        "HH24" => format!("{:02}", at.hour()),
        "HH12" | "HH" => format!("{twelve:02}"),
        "MI" => format!("{:02}", at.minute()),
        "SSSSS" => {
            let seconds = (i32::from(at.hour()) * 60 + i32::from(at.minute())) * 60 + i32::from(at.second());
            format!("{seconds:05}")
        }
        "SS" => format!("{:02}", at.second()),
        "AM" | "PM" => cased(if at.hour() < 12 { "AM" } else { "PM" }, written),
        "A.M." | "P.M." => {
            let upper = written.starts_with(char::is_uppercase);
            let mark = if at.hour() < 12 { "A.M." } else { "P.M." };
            if upper { mark.to_owned() } else { mark.to_lowercase() }
        }
        "TZH" => format!("{}{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 60),
        "TZM" => format!("{:02}", offset.abs() % 60),
        fraction => {
            let digits: usize = fraction.trim_start_matches("FF").parse().unwrap_or(6);
            micros.chars().take(digits).collect()
        }
    }
}

/// `(text, format, kind, now)`: microseconds of the civil time, minutes east of UTC where the text says so. What the
/// format leaves out is the current year and month, the first day, midnight.
fn read(args: &[Value]) -> Answer {
    let (given, kind) = (arg(args, 0)?.text()?, arg(args, 2)?.text()?);
    let Value::Moment(now) = arg(args, 3)? else { return Err("internal: no civil time".to_owned()) };
    let now = text::moment(*now)?;
    let pieces = pieces(arg(args, 1)?.text()?)?;
    let mut found =
        Found { rest: given.trim(), year: now.year().into(), month: now.month().into(), day: 1, ..Found::default() };
    let failed = || format!("failed to parse input string: {given}");
    let mut pieces = pieces.iter().peekable();
    while let Some(piece) = pieces.next() {
        let glued = matches!(pieces.peek(), Some(Piece::Element(..)));
        match piece {
            Piece::Plain(plain) if plain.trim().is_empty() => found.rest = found.rest.trim_start(),
            Piece::Plain(plain) => found.rest = found.rest.strip_prefix(plain.as_str()).ok_or_else(failed)?,
            Piece::Element(element, _) if !has(kind, element) => {
                return Err(format!("the format element {element} is not allowed for the output type {kind}"));
            }
            Piece::Element(element, _) => found.element(element, glued, &now).ok_or_else(failed)?,
        }
    }
    if !found.rest.trim().is_empty() {
        return Err(failed());
    }
    let day = civil::Date::new(
        i16::try_from(found.year).map_err(|_| failed())?,
        i8::try_from(found.month).map_err(|_| failed())?,
        i8::try_from(found.day).map_err(|_| failed())?,
    );
    let day = if kind == "TIME" { civil::date(1970, 1, 1) } else { day.map_err(|_| failed())? };
    let hour = match (found.twelve, found.afternoon) {
        (true, true) => found.hour % 12 + 12,
        (true, false) => found.hour % 12,
        _ => found.hour,
    };
    let seconds = found.seconds.unwrap_or(hour * 3600 + found.minute * 60 + found.second);
    let micros = text::micros(day.to_datetime(civil::Time::midnight())) + seconds * 1_000_000 + found.micros;
    let mut answer = vec![Value::Int(micros)];
    if let Some(hours) = found.zone_hours {
        let minutes = hours.abs() * 60 + found.zone_minutes;
        answer.push(Value::Int(if found.zone_negative { -minutes } else { minutes }));
    }
    Ok(Value::List(answer))
}

#[derive(Debug, Default)]
struct Found<'t> {
    rest: &'t str,
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    twelve: bool,
    afternoon: bool,
    minute: i64,
    second: i64,
    seconds: Option<i64>,
    micros: i64,
    zone_hours: Option<i64>,
    zone_negative: bool,
    zone_minutes: i64,
}

impl Found<'_> {
    fn number(&mut self, longest: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let length = self.rest.bytes().take(longest).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits.parse().ok().filter(|n| range.contains(n))
    }

    fn element(&mut self, element: &str, glued: bool, now: &civil::DateTime) -> Option<()> {
        let this_year = i64::from(now.year());
        match element {
            "YYYY" | "RRRR" => self.year = self.number(if glued { 4 } else { 5 }, 1..=9999)?,
            "YY" => self.year = this_year / 100 * 100 + self.number(2, 0..=99)?,
            "MM" => self.month = self.number(2, 1..=12)?,
            "MON" | "MONTH" => {
                let found = MONTHS.iter().position(|name| {
                    let name = if element == "MON" { name.get(..3).unwrap_or(name) } else { name };
                    self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
                })?;
                let length = if element == "MON" { 3 } else { MONTHS.get(found)?.len() };
                self.rest = self.rest.get(length..)?;
                self.month = i64::try_from(found).ok()? + 1;
            }
            "DD" => self.day = self.number(2, 1..=31)?,
            "HH24" => self.hour = self.number(2, 0..=23)?,
            "HH12" | "HH" => {
                self.hour = self.number(2, 1..=12)?;
                self.twelve = true;
            }
            "MI" => self.minute = self.number(2, 0..=59)?,
            "SS" => self.second = self.number(2, 0..=59)?,
            "SSSSS" => self.seconds = Some(self.number(5, 0..=86_399)?),
            "AM" | "PM" | "A.M." | "P.M." => {
                let word = self.rest.get(..element.len())?.to_ascii_uppercase();
                self.afternoon = word.starts_with('P');
                if !matches!(word.replace('.', "").as_str(), "AM" | "PM") {
                    return None;
                }
                self.rest = self.rest.get(element.len()..)?;
            }
            "TZH" => {
                let sign = self.rest.chars().next().filter(|c| matches!(c, '+' | '-' | ' '))?;
                self.rest = self.rest.get(1..)?;
                self.zone_negative = sign == '-';
                self.zone_hours = Some(self.number(2, 0..=14)?);
            }
            "TZM" => self.zone_minutes = self.number(2, 0..=59)?,
            fraction => {
                let most = fraction.strip_prefix("FF")?.parse().ok()?;
                let length = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
                let (digits, rest) = self.rest.split_at(length);
                self.rest = rest;
                self.micros = format!("{digits:0<6}").parse().ok().filter(|_| length > 0)?;
            }
        }
        Some(())
    }
}

/// `(bytes, encoding)`.
fn encode(args: &[Value]) -> Answer {
    let (bytes, name) = (arg(args, 0)?.bytes()?, arg(args, 1)?.text()?);
    let bits = |size: usize| {
        let all: Vec<u8> = bytes.iter().flat_map(|b| (0..8).map(move |i| b >> (7 - i) & 1)).collect();
        all.chunks(size).map(|c| char::from(b'0' + c.iter().fold(0, |n, bit| n << 1 | bit))).collect::<String>()
    };
    Ok(Value::Text(match name.to_ascii_lowercase().as_str() {
        "base2" => bits(1),
        "base8" if bytes.len().is_multiple_of(3) => bits(3),
        "base16" | "hex" => bytes.iter().map(|b| format!("{b:02x}")).collect(),
        "base32" => return to_base32(args),
        "base64" => STANDARD.encode(bytes),
        // With line breaks, as in mails.
        "base64m" => {
            let lines = STANDARD.encode(bytes).into_bytes();
            let lines = lines.chunks(76).map(|l| String::from_utf8_lossy(l).into_owned());
            lines.collect::<Vec<_>>().join("\n")
        }
        "ascii" if bytes.is_ascii() => String::from_utf8_lossy(bytes).into_owned(),
        "ascii" => return Err("CAST: not ASCII".to_owned()),
        "utf8" | "utf-8" => String::from_utf8(bytes.to_vec()).map_err(|_| "a string is not valid UTF-8".to_owned())?,
        _ => return Err(format!("the format {name} of BYTES is not supported by the embedded warehouse")),
    }))
}

/// `(text, encoding)`.
fn decode(args: &[Value]) -> Answer {
    let (given, name) = (arg(args, 0)?.text()?, arg(args, 1)?.text()?);
    let bits = |size: u32| -> Result<Vec<u8>, String> {
        let wrong = || format!("CAST: not {name}: {given}");
        let all = given.chars().map(|c| c.to_digit(1 << size).ok_or_else(wrong));
        let all: Vec<u32> = all.collect::<Result<_, _>>()?;
        let all: Vec<u8> =
            all.iter().flat_map(|d| (0..size).map(move |i| u8::from(d >> (size - 1 - i) & 1 == 1))).collect();
        if !all.len().is_multiple_of(8) {
            return Err(wrong());
        }
        Ok(all.chunks(8).map(|c| c.iter().fold(0, |n, bit| n << 1 | bit)).collect())
    };
    Ok(Value::Bytes(match name.to_ascii_lowercase().as_str() {
        "base2" => bits(1)?,
        "base8" => bits(3)?,
        "base16" | "hex" => return from_hex(args),
        "base32" => return from_base32(args),
        "base64" | "base64m" => {
            let packed: String = given.chars().filter(|c| !c.is_whitespace()).collect();
            STANDARD.decode(packed).map_err(|_| format!("CAST: not base64: {given}"))?
        }
        "ascii" if !given.is_ascii() => return Err(format!("CAST: not ASCII: {given}")),
        "ascii" | "utf8" | "utf-8" => given.as_bytes().to_vec(),
        _ => return Err(format!("the format {name} of BYTES is not supported by the embedded warehouse")),
    }))
}

pub(super) const FUNCTIONS: &[Native] = &[
    ("gsn_cast_time_text", Gives::Text, write),
    ("gsn_cast_text_time", Gives::Integers, read),
    ("gsn_cast_bytes_text", Gives::Text, encode),
    ("gsn_cast_text_bytes", Gives::Bytes, decode),
];
