//! Functions of STRING and BYTES. A text is a row of characters, bytes are a row of bytes: most functions are the same
//! over either, so both become rows of units first.

use super::{Answer, Gives, Native, Value, values::arg};

/// The longest result that is made, in bytes.
const LONGEST: usize = 64 << 20;

/// A value as its characters or bytes.
pub(super) fn units(value: &Value) -> Result<Vec<u32>, String> {
    Ok(match value {
        Value::Text(text) => text.chars().map(u32::from).collect(),
        other => other.bytes()?.iter().map(|b| u32::from(*b)).collect(),
    })
}

/// Units as a value of the same type as another.
fn like(pattern: &Value, units: impl IntoIterator<Item = u32>) -> Value {
    match pattern {
        Value::Text(_) => Value::Text(units.into_iter().filter_map(char::from_u32).collect()),
        _ => Value::Bytes(units.into_iter().filter_map(|u| u8::try_from(u).ok()).collect()),
    }
}

pub(super) fn size(n: i64) -> usize {
    usize::try_from(n).unwrap_or(if n < 0 { 0 } else { usize::MAX })
}

fn not_negative(n: i64, name: &str) -> Result<usize, String> {
    if n < 0 { Err(format!("{name} wants a length that is not negative")) } else { Ok(size(n)) }
}

/// `(value, position [, length])`: one-based, from the end when negative, from the start when beyond it.
fn substr(args: &[Value]) -> Answer {
    let value = arg(args, 0)?;
    let (units, position) = (units(value)?, arg(args, 1)?.int()?);
    let length = args.get(2).map_or(Ok(i64::MAX), Value::int)?;
    let length = not_negative(length, "SUBSTR")?;
    let start = match position {
        1.. => size(position - 1),
        0 => 0,
        _ => units.len().saturating_sub(size(position.saturating_neg())),
    };
    Ok(like(value, units.into_iter().skip(start).take(length)))
}

fn left(args: &[Value]) -> Answer {
    let value = arg(args, 0)?;
    let length = not_negative(arg(args, 1)?.int()?, "LEFT")?;
    Ok(like(value, units(value)?.into_iter().take(length)))
}

fn right(args: &[Value]) -> Answer {
    let value = arg(args, 0)?;
    let (units, length) = (units(value)?, not_negative(arg(args, 1)?.int()?, "RIGHT")?);
    let skipped = units.len().saturating_sub(length);
    Ok(like(value, units.into_iter().skip(skipped)))
}

/// `(value, length, pattern, name)`.
fn pad(args: &[Value]) -> Answer {
    let value = arg(args, 0)?;
    let name = arg(args, 3)?.text()?;
    let length = not_negative(arg(args, 1)?.int()?, name)?;
    let (units, pattern) = (units(value)?, units(arg(args, 2)?)?);
    if pattern.is_empty() {
        return Err(format!("{name} wants a pattern that is not empty"));
    }
    if length > LONGEST {
        return Err(format!("the result of {name} is too long"));
    }
    let missing = length.saturating_sub(units.len());
    let filler = pattern.into_iter().cycle().take(missing);
    Ok(if name == "LPAD" {
        like(value, filler.chain(units.into_iter().take(length)))
    } else {
        like(value, units.into_iter().take(length).chain(filler))
    })
}

fn repeat(args: &[Value]) -> Answer {
    let value = arg(args, 0)?;
    let count = arg(args, 1)?.int()?;
    if count < 0 {
        return Err("REPEAT wants a count that is not negative".to_owned());
    }
    let bytes = value.bytes()?;
    if size(count).checked_mul(bytes.len()).is_none_or(|n| n > LONGEST) {
        return Err("the result of REPEAT is too long".to_owned());
    }
    let repeated = bytes.repeat(if bytes.is_empty() { 0 } else { size(count) });
    Ok(match value {
        Value::Text(_) => Value::Text(String::from_utf8_lossy(&repeated).into_owned()),
        _ => Value::Bytes(repeated),
    })
}

fn reverse(args: &[Value]) -> Answer {
    let value = arg(args, 0)?;
    Ok(like(value, units(value)?.into_iter().rev()))
}

/// `(bytes, set of bytes, which ends)`.
fn trim(args: &[Value]) -> Answer {
    let (bytes, set) = (arg(args, 0)?.bytes()?, arg(args, 1)?.bytes()?);
    let ends = arg(args, 2)?.text()?;
    let keep = |b: &u8| !set.contains(b);
    let start = if ends == "RTRIM" { 0 } else { bytes.iter().position(keep).unwrap_or(bytes.len()) };
    let end = if ends == "LTRIM" { bytes.len() } else { bytes.iter().rposition(keep).map_or(start, |i| i + 1) };
    Ok(Value::Bytes(bytes.get(start..end).unwrap_or_default().to_vec()))
}

/// Where a part begins, at or behind a place.
fn find(units: &[u32], part: &[u32], from: usize) -> Option<usize> {
    let rest = units.get(from..)?;
    if part.is_empty() {
        return Some(from);
    }
    rest.windows(part.len()).position(|w| w == part).map(|i| i + from)
}

fn strpos(args: &[Value]) -> Answer {
    let found = find(&units(arg(args, 0)?)?, &units(arg(args, 1)?)?, 0);
    Ok(Value::Int(found.map_or(0, |i| i64::try_from(i).unwrap_or(0) + 1)))
}

/// `(value, part, position, occurrence)`: backwards from the end when the position is negative; matches may overlap.
fn instr(args: &[Value]) -> Answer {
    let (units, part) = (units(arg(args, 0)?)?, units(arg(args, 1)?)?);
    let (position, occurrence) = (arg(args, 2)?.int()?, arg(args, 3)?.int()?);
    if position == 0 || occurrence < 1 {
        return Err("INSTR wants a position that is not 0 and an occurrence that is positive".to_owned());
    }
    if part.is_empty() {
        return Err("INSTR with an empty part is not supported by the embedded warehouse".to_owned());
    }
    let starts = |i: &usize| units.get(*i..).is_some_and(|rest| rest.starts_with(&part));
    let nth = size(occurrence - 1);
    let found = if position > 0 {
        (size(position - 1)..units.len()).filter(starts).nth(nth)
    } else {
        let back = size(position.saturating_neg());
        if back > units.len() { None } else { (0..=units.len() - back).rev().filter(starts).nth(nth) }
    };
    Ok(Value::Int(found.map_or(0, |i| i64::try_from(i).unwrap_or(0) + 1)))
}

fn starts_with(args: &[Value]) -> Answer {
    Ok(Value::Bool(arg(args, 0)?.bytes()?.starts_with(arg(args, 1)?.bytes()?)))
}

fn ends_with(args: &[Value]) -> Answer {
    Ok(Value::Bool(arg(args, 0)?.bytes()?.ends_with(arg(args, 1)?.bytes()?)))
}

/// Of bytes; texts are DuckDB's.
fn replace(args: &[Value]) -> Answer {
    let (bytes, from, to) = (arg(args, 0)?.bytes()?, arg(args, 1)?.bytes()?, arg(args, 2)?.bytes()?);
    if from.is_empty() {
        return Ok(Value::Bytes(bytes.to_vec()));
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, more)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(from) {
            out.extend_from_slice(to);
            rest = behind;
        } else {
            out.push(*first);
            rest = more;
        }
    }
    Ok(Value::Bytes(out))
}

fn split(args: &[Value]) -> Answer {
    let (bytes, delimiter) = (arg(args, 0)?.bytes()?, arg(args, 1)?.bytes()?);
    if bytes.is_empty() {
        return Ok(Value::List(vec![Value::Bytes(Vec::new())]));
    }
    if delimiter.is_empty() {
        return Ok(Value::List(bytes.iter().map(|b| Value::Bytes(vec![*b])).collect()));
    }
    let mut parts = vec![Vec::new()];
    let mut rest = bytes;
    while let Some((first, more)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(delimiter) {
            parts.push(Vec::new());
            rest = behind;
        } else {
            if let Some(last) = parts.last_mut() {
                last.push(*first);
            }
            rest = more;
        }
    }
    Ok(Value::List(parts.into_iter().map(Value::Bytes).collect()))
}

fn translate(args: &[Value]) -> Answer {
    let value = arg(args, 0)?;
    let (from, to) = (units(arg(args, 1)?)?, units(arg(args, 2)?)?);
    if from.iter().enumerate().any(|(i, u)| from.iter().take(i).any(|other| other == u)) {
        return Err("TRANSLATE: a character stands twice among the source characters".to_owned());
    }
    let replaced = units(value)?.into_iter().filter_map(|unit| match from.iter().position(|f| *f == unit) {
        Some(i) => to.get(i).copied(),
        None => Some(unit),
    });
    Ok(like(value, replaced))
}

fn lower(args: &[Value]) -> Answer {
    Ok(match arg(args, 0)? {
        Value::Text(text) => Value::Text(text.to_lowercase()),
        other => Value::Bytes(other.bytes()?.to_ascii_lowercase()),
    })
}

fn upper(args: &[Value]) -> Answer {
    Ok(match arg(args, 0)? {
        Value::Text(text) => Value::Text(text.to_uppercase()),
        other => Value::Bytes(other.bytes()?.to_ascii_uppercase()),
    })
}

/// A word begins at the text's start and behind each delimiter.
fn initcap(args: &[Value]) -> Answer {
    const DELIMITERS: &str = "[](){}/|\\<>!?@\"^#$&~_,.:;*%+-";
    let text = arg(args, 0)?.text()?;
    let given = args.get(1).map(Value::text).transpose()?;
    let ends = |c: char| match given {
        Some(given) => given.contains(c),
        None => c.is_whitespace() || DELIMITERS.contains(c),
    };
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if ends(c) {
            out.push(c);
            start = true;
        } else {
            if start {
                out.extend(c.to_uppercase())
            } else {
                out.extend(c.to_lowercase())
            }
            start = false;
        }
    }
    Ok(Value::Text(out))
}

/// A letter and three digits; letters with equal digits in a row count once, also around H and W.
fn soundex(args: &[Value]) -> Answer {
    let digit = |c: char| match c {
        'B' | 'F' | 'P' | 'V' => '1',
        'C' | 'G' | 'J' | 'K' | 'Q' | 'S' | 'X' | 'Z' => '2',
        'D' | 'T' => '3',
        'L' => '4',
        'M' | 'N' => '5',
        'R' => '6',
        'H' | 'W' => '-',
        _ => '0',
    };
    let letters = arg(args, 0)?.text()?.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase());
    let mut code = String::new();
    let mut last = '0';
    for letter in letters {
        let this = digit(letter);
        if code.is_empty() {
            code.push(letter);
        } else if this != '-' && this != '0' && this != last {
            code.push(this);
        }
        if this != '-' {
            last = this;
        }
        if code.len() == 4 {
            break;
        }
    }
    Ok(Value::Text(if code.is_empty() { code } else { format!("{code:0<4}") }))
}

/// Levenshtein's; not more than the limit, when there is one.
fn edit_distance(args: &[Value]) -> Answer {
    let (a, b) = (units(arg(args, 0)?)?, units(arg(args, 1)?)?);
    let limit = args.get(2).map_or(Ok(i64::MAX), Value::int)?;
    if limit < 0 {
        return Err("max_distance must not be negative".to_owned());
    }
    let distance = strsim::generic_levenshtein(&a, &b);
    Ok(Value::Int(i64::try_from(distance).unwrap_or(i64::MAX).min(limit)))
}

pub(super) const FUNCTIONS: &[Native] = &[
    ("gsn_substr_bytes", Gives::Bytes, substr),
    ("gsn_left_bytes", Gives::Bytes, left),
    ("gsn_right_bytes", Gives::Bytes, right),
    ("gsn_pad", Gives::Text, pad),
    ("gsn_pad_bytes", Gives::Bytes, pad),
    ("gsn_repeat", Gives::Text, repeat),
    ("gsn_repeat_bytes", Gives::Bytes, repeat),
    ("gsn_reverse", Gives::Text, reverse),
    ("gsn_reverse_bytes", Gives::Bytes, reverse),
    ("gsn_trim_bytes", Gives::Bytes, trim),
    ("gsn_strpos", Gives::Int64, strpos),
    ("gsn_instr", Gives::Int64, instr),
    ("gsn_starts_with", Gives::Bool, starts_with),
    ("gsn_ends_with", Gives::Bool, ends_with),
    ("gsn_replace_bytes", Gives::Bytes, replace),
    ("gsn_split_bytes", Gives::AllBytes, split),
    ("gsn_translate", Gives::Text, translate),
    ("gsn_translate_bytes", Gives::Bytes, translate),
    ("gsn_lower", Gives::Text, lower),
    ("gsn_lower_bytes", Gives::Bytes, lower),
    ("gsn_upper", Gives::Text, upper),
    ("gsn_upper_bytes", Gives::Bytes, upper),
    ("gsn_initcap", Gives::Text, initcap),
    ("gsn_soundex", Gives::Text, soundex),
    ("gsn_edit_distance", Gives::Int64, edit_distance),
];
