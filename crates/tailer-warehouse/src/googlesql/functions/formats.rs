//! FORMAT_DATE, PARSE_DATE and their like, with literal formats.
//!
//! A format element is known here or refused: DuckDB's elements of the same letter do not always mean the same.

use super::{Call, Code, literal_text};
use crate::googlesql::{
    coerce,
    error::{Result, invalid, unsupported},
    scope::{Ex, text},
    types::Type,
};

pub(super) const CODE: &[(&str, Code)] = &[
    ("FORMAT_DATE", |c| format(c, "FORMAT_DATE", Type::Date)),
    ("FORMAT_DATETIME", |c| format(c, "FORMAT_DATETIME", Type::Datetime)),
    ("FORMAT_TIMESTAMP", |c| format(c, "FORMAT_TIMESTAMP", Type::Timestamp)),
    ("FORMAT_TIME", |c| format(c, "FORMAT_TIME", Type::Time)),
    ("PARSE_DATE", |c| parse(c, "PARSE_DATE", Type::Date)),
    ("PARSE_DATETIME", |c| parse(c, "PARSE_DATETIME", Type::Datetime)),
    ("PARSE_TIMESTAMP", |c| parse(c, "PARSE_TIMESTAMP", Type::Timestamp)),
    ("PARSE_TIME", |c| parse(c, "PARSE_TIME", Type::Time)),
];

/// The elements of a format, in order: literal text or an element such as `Y` or `E*S`.
fn elements(format: &str) -> Option<Vec<Element>> {
    let mut all = Vec::new();
    let mut plain = String::new();
    let mut rest = format;
    while let Some(percent) = rest.find('%') {
        plain.push_str(&rest[..percent]);
        rest = &rest[percent + 1..];
        let length = if rest.starts_with('E') {
            rest.char_indices().skip(1).find(|(_, c)| c.is_ascii_alphabetic()).map(|(i, _)| i + 1)?
        } else {
            rest.chars().next()?.len_utf8()
        };
        let (element, after) = rest.split_at(length);
        rest = after;
        match element {
            "%" => plain.push('%'),
            "n" => plain.push('\n'),
            "t" => plain.push('\t'),
            "F" => all.extend(compound(&mut plain, &["Y", "-", "m", "-", "d"])),
            "T" | "X" => all.extend(compound(&mut plain, &["H", ":", "M", ":", "S"])),
            "R" => all.extend(compound(&mut plain, &["H", ":", "M"])),
            "D" | "x" => all.extend(compound(&mut plain, &["m", "/", "d", "/", "y"])),
            "h" => all.extend(compound(&mut plain, &["b"])),
            other => all.extend(compound(&mut plain, &[other])),
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        all.push(Element::Plain(plain));
    }
    Some(all)
}

#[derive(Debug, Clone, PartialEq)]
enum Element {
    Plain(String),
    Code(String),
}

fn compound(plain: &mut String, parts: &[&str]) -> Vec<Element> {
    let mut all = Vec::new();
    if !plain.is_empty() {
        all.push(Element::Plain(std::mem::take(plain)));
    }
    for part in parts {
        let punctuation = part.chars().all(|c| c.is_ascii_punctuation());
        all.push(if punctuation { Element::Plain((*part).into()) } else { Element::Code((*part).into()) });
    }
    all
}

const DATE_ELEMENTS: &[&str] =
    &["Y", "y", "m", "d", "e", "j", "b", "B", "a", "A", "u", "w", "U", "W", "V", "G", "Q", "C"];
const TIME_ELEMENTS: &[&str] =
    &["H", "I", "M", "S", "p", "k", "l", "s", "E*S", "E1S", "E2S", "E3S", "E4S", "E5S", "E6S"];
const ZONE_ELEMENTS: &[&str] = &["Z", "z", "Ez"];

fn format(call: &Call, name: &str, ty: Type) -> Result<Ex> {
    let most = if ty == Type::Timestamp { 3 } else { 2 };
    call.expect(name, 2..=most)?;
    let pattern = literal_text(call, 0, "a format")?;
    let elements = elements(pattern).ok_or_else(|| invalid(format!("incomplete element in {pattern:?}"), call.at))?;
    let value = coerce::to(call.arg(1)?.clone(), &ty, call.at)?;
    let in_zone = call.args.len() == 3;
    let local = match ty {
        Type::Timestamp => {
            let zone = if in_zone { call.typed(2, &Type::String)? } else { "gs_zone()".into() };
            format!("({value} AT TIME ZONE {zone})")
        }
        Type::Time => format!("(DATE '1970-01-01' + {value})"),
        _ => value.clone(),
    };
    let mut parts = Vec::new();
    for element in &elements {
        let code = match element {
            Element::Plain(plain) => {
                parts.push(text(plain));
                continue;
            }
            Element::Code(code) => code.as_str(),
        };
        let is_date = DATE_ELEMENTS.contains(&code);
        let known = match ty {
            Type::Date => is_date,
            Type::Time => TIME_ELEMENTS.contains(&code) && code != "s",
            Type::Datetime => is_date || (TIME_ELEMENTS.contains(&code) && code != "s"),
            _ => is_date || TIME_ELEMENTS.contains(&code) || (!in_zone && ZONE_ELEMENTS.contains(&code)),
        };
        if !known {
            return Err(unsupported(format!("%{code} in {name}"), call.at));
        }
        parts.push(match code {
            "s" => format!("CAST(gs_floor_div(epoch_us({value}), 1000000) AS VARCHAR)"),
            "z" | "Ez" => zone_offset(&value, code),
            code => formatted(code, &local),
        });
    }
    if parts.is_empty() {
        parts.push(text(""));
    }
    // A format without elements is still NULL for NULL.
    let sql = parts.join(" || ");
    Ok(Ex::new(format!("(CASE WHEN {local} IS NULL THEN NULL ELSE {sql} END)"), Type::String))
}

/// `+hhmm` or `+hh:mm` of the session's zone.
fn zone_offset(value: &str, code: &str) -> String {
    let minutes = format!("gs_zone_minutes({value})");
    let colon = if code == "Ez" { ":" } else { "" };
    format!(
        "((CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END) || lpad(CAST(abs({minutes}) // 60 AS VARCHAR), 2, '0') || '{colon}' || \
         lpad(CAST(abs({minutes}) % 60 AS VARCHAR), 2, '0'))"
    )
}

fn formatted(code: &str, local: &str) -> String {
    let number = |part: &str| format!("CAST(date_part('{part}', {local}) AS VARCHAR)");
    match code {
        "Y" => number("year"),
        "G" => number("isoyear"),
        "e" => format!("lpad({}, 2, ' ')", number("day")),
        "k" => format!("lpad({}, 2, ' ')", number("hour")),
        "l" => format!("lpad(CAST((date_part('hour', {local}) + 11) % 12 + 1 AS VARCHAR), 2, ' ')"),
        "Q" => number("quarter"),
        "C" => format!("lpad(CAST(date_part('year', {local}) // 100 AS VARCHAR), 2, '0')"),
        "V" => format!("lpad({}, 2, '0')", number("week")),
        "U" => format!("lpad(CAST(gs_week({local}, 0) AS VARCHAR), 2, '0')"),
        "W" => format!("lpad(CAST(gs_week({local}, 1) AS VARCHAR), 2, '0')"),
        "u" => number("isodow"),
        "w" => number("dow"),
        "Z" => "(CASE WHEN gs_zone() = 'UTC' THEN 'UTC' ELSE CAST(CAST('googlesql: %Z of a zone' AS BIGINT) AS VARCHAR) END)".into(),
        "E*S" => format!("gs_seconds({local})"),
        code if code.starts_with('E') => {
            let digits = code[1..].trim_end_matches('S').parse::<usize>().unwrap_or(6);
            format!("left(strftime({local}, '%S.%f'), {})", digits + 3)
        }
        code => format!("strftime({local}, '%{code}')"),
    }
}

fn parse(call: &Call, name: &str, ty: Type) -> Result<Ex> {
    call.expect(name, 2..=2).map_err(|e| match (call.args.len(), &ty) {
        (3, Type::Timestamp) => unsupported("PARSE_TIMESTAMP with a time zone", call.at),
        _ => e,
    })?;
    let pattern = literal_text(call, 0, "a format")?;
    let elements = elements(pattern).ok_or_else(|| invalid(format!("incomplete element in {pattern:?}"), call.at))?;
    let value = call.typed(1, &Type::String)?;
    let (format, shape) =
        parse_format(&elements, &ty).map_err(|code| unsupported(format!("%{code} in {name}"), call.at))?;
    let parsed = format!("gs_strptime({value}, {}, {})", text(&shape), text(&format));
    let sql = match ty {
        Type::Date => format!("CAST({parsed} AS DATE)"),
        Type::Time => format!("CAST({parsed} AS TIME)"),
        Type::Timestamp => format!("({parsed} AT TIME ZONE gs_zone())"),
        _ => parsed,
    };
    Ok(Ex::new(sql, ty))
}

/// DuckDB's format and a regular expression for the texts that both sides read alike.
fn parse_format(elements: &[Element], ty: &Type) -> std::result::Result<(String, String), String> {
    let (mut format, mut shape) = (String::new(), String::new());
    let has_date = *ty != Type::Time;
    let has_time = *ty != Type::Date;
    let mut seen: Vec<&str> = Vec::new();
    for element in elements {
        let code = match element {
            Element::Plain(plain) => {
                for c in plain.chars() {
                    if c.is_whitespace() || c == '%' {
                        // White space stands for any amount of it: only single spaces are the same in DuckDB.
                        if c != ' ' {
                            return Err(c.to_string());
                        }
                        format.push(' ');
                        shape.push(' ');
                    } else {
                        format.push(c);
                        if c.is_ascii_punctuation() {
                            shape.push('\\');
                        }
                        shape.push(c);
                    }
                }
                continue;
            }
            Element::Code(code) => code.as_str(),
        };
        let (own, digits) = match code {
            "Y" if has_date => ("%Y", r"\d{4}"),
            "m" if has_date => ("%m", r"\d{1,2}"),
            "d" | "e" if has_date => ("%d", r"\d{1,2}"),
            "y" if has_date => ("%y", r"\d{2}"),
            "j" if has_date => ("%j", r"\d{3}"),
            "b" if has_date => ("%b", "[A-Za-z]{3}"),
            "B" if has_date => ("%B", "[A-Za-z]{3,9}"),
            "a" if has_date => ("%a", "[A-Za-z]{3}"),
            "A" if has_date => ("%A", "[A-Za-z]{6,9}"),
            "H" | "k" if has_time => ("%H", r"\d{1,2}"),
            "I" | "l" if has_time => ("%I", r"\d{1,2}"),
            "M" if has_time => ("%M", r"\d{1,2}"),
            "S" if has_time => ("%S", r"\d{1,2}"),
            "p" if has_time => ("%p", "[AaPp][Mm]"),
            "E*S" if has_time => ("%S.%f", r"\d{1,2}\.\d{1,6}"),
            other => return Err(other.to_string()),
        };
        if seen.contains(&own) {
            return Err(code.to_string());
        }
        // Digits that follow each other directly are cut differently when they are fewer.
        seen.push(own);
        format.push_str(own);
        shape.push_str(digits);
    }
    let year = seen.contains(&"%Y") || seen.contains(&"%y");
    // The default for what is not given is 1970-01-01 here and 1900-01-01 there.
    if has_date && !year {
        return Err("… without a year".into());
    }
    let glued = shape.replace(r"\d{1,2}\d{1,2}", r"\d{2}\d{2}");
    let shape = glued.replace(r"\d{4}\d{1,2}", r"\d{4}\d{2}").replace(r"\d{2}\d{1,2}", r"\d{2}\d{2}");
    Ok((format, shape))
}
