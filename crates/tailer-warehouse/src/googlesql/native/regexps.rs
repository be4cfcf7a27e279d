//! Regular expressions where RE2, which DuckDB has, is out of reach: BYTES, positions, occurrences, groups that took no part.
//!
//! The patterns are RE2's; [`pattern`] says them to the `regex` crate, which searches the same way (leftmost, then
//! first). Matches are walked as BigQuery does: an empty one moves on by a character, none follows the end of the text.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use regex::bytes::{Captures, Regex, RegexBuilder};

use super::{Answer, Gives, Native, Value, values::arg};

mod pattern;

/// Compiled patterns kept by each thread.
const KEPT: usize = 64;

/// By pattern, and whether it is for bytes.
type Compiled = HashMap<(bool, Vec<u8>), Rc<Regex>>;

thread_local! {
    static COMPILED: RefCell<Compiled> = RefCell::default();
}

fn compiled(expression: &[u8], on_bytes: bool) -> Result<Rc<Regex>, String> {
    let key = (on_bytes, expression.to_vec());
    if let Some(found) = COMPILED.with_borrow(|all| all.get(&key).cloned()) {
        return Ok(found);
    }
    let said = pattern::translate(expression, on_bytes)?;
    // Bytes are Latin-1, each a character; in texts the only classes are those that match whole characters.
    let built = RegexBuilder::new(&said).unicode(!on_bytes).build();
    let regex = Rc::new(built.map_err(|e| format!("cannot parse regular expression: {e}"))?);
    COMPILED.with_borrow_mut(|all| {
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(key, Rc::clone(&regex));
    });
    Ok(regex)
}

/// A search: value, expression, and where it starts.
struct Search {
    regex: Rc<Regex>,
    value: Vec<u8>,
    is_text: bool,
    /// Bytes of the value before the position.
    skipped: usize,
}

impl Search {
    /// Of `(value, expression [, position])`; `None` when the position lies behind the value.
    fn new(args: &[Value]) -> Result<Option<Search>, String> {
        let value = arg(args, 0)?;
        let is_text = matches!(value, Value::Text(_));
        let regex = compiled(arg(args, 1)?.bytes()?, !is_text)?;
        let position = args.get(2).map_or(Ok(1), Value::int)?;
        if position < 1 {
            return Err("position must be positive".to_owned());
        }
        let value = value.bytes()?.to_vec();
        let ahead = usize::try_from(position - 1).unwrap_or(usize::MAX);
        let skipped = if is_text { character(&value, ahead) } else { Some(ahead).filter(|n| *n <= value.len()) };
        let Some(skipped) = skipped else { return Ok(None) };
        // Right behind the last character there is nothing to find, except in nothing.
        if skipped == value.len() && position > 1 {
            return Ok(None);
        }
        Ok(Some(Search { regex, value: value.split_at(skipped).1.to_vec(), is_text, skipped }))
    }

    fn has_group(&self) -> Result<bool, String> {
        match self.regex.captures_len() {
            1 => Ok(false),
            2 => Ok(true),
            count => {
                Err(format!("a regular expression to extract by has at most one group, this one has {}", count - 1))
            }
        }
    }

    /// Start and end of every match, or of its group; `None` for a group that took no part.
    fn matches(&self) -> Result<Vec<Option<(usize, usize)>>, String> {
        let group = usize::from(self.has_group()?);
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(captures) = self.regex.captures_at(&self.value, at) {
            let whole = span(&captures, 0).unwrap_or((at, at));
            found.push(span(&captures, group));
            at = whole.1;
            if whole.0 == whole.1 {
                at += self.step(at);
            }
            if at >= self.value.len() {
                break;
            }
        }
        Ok(found)
    }

    fn step(&self, at: usize) -> usize {
        match self.value.get(at) {
            Some(first) if self.is_text => width(*first),
            _ => 1,
        }
    }

    fn slice(&self, (start, end): (usize, usize)) -> Value {
        let bytes = self.value.get(start..end).unwrap_or_default().to_vec();
        if self.is_text { Value::Text(String::from_utf8_lossy(&bytes).into_owned()) } else { Value::Bytes(bytes) }
    }
}

fn span(captures: &Captures<'_>, group: usize) -> Option<(usize, usize)> {
    captures.get(group).map(|m| (m.start(), m.end()))
}

/// Bytes of the character that begins so.
fn width(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// Where the n-th character of a text begins; its end for the one behind the last.
fn character(text: &[u8], n: usize) -> Option<usize> {
    let mut at = 0;
    for _ in 0..n {
        at += width(*text.get(at)?);
    }
    Some(at)
}

fn occurrence(args: &[Value], index: usize) -> Result<usize, String> {
    match args.get(index).map_or(Ok(1), Value::int)? {
        n if n < 1 => Err("occurrence must be positive".to_owned()),
        n => Ok(usize::try_from(n).unwrap_or(usize::MAX)),
    }
}

/// `(value, expression, position, occurrence)`.
fn extract(args: &[Value]) -> Answer {
    let wanted = occurrence(args, 3)?;
    let Some(search) = Search::new(args)? else { return Ok(Value::Null) };
    let found = search.matches()?.get(wanted - 1).copied().flatten();
    Ok(found.map_or(Value::Null, |span| search.slice(span)))
}

fn extract_all(args: &[Value]) -> Answer {
    let Some(search) = Search::new(args)? else { return Ok(Value::List(Vec::new())) };
    let found = search.matches()?.into_iter().map(|m| search.slice(m.unwrap_or((0, 0))));
    Ok(Value::List(found.collect()))
}

/// `(value, expression, position, occurrence, 0 for the start or 1 for what is behind the end)`.
fn instr(args: &[Value]) -> Answer {
    let wanted = occurrence(args, 3)?;
    let behind = match args.get(4).map_or(Ok(0), Value::int)? {
        0 => false,
        1 => true,
        _ => return Err("occurrence_position must be 0 or 1".to_owned()),
    };
    let empty = arg(args, 1)?.bytes()?.is_empty() || arg(args, 0)?.bytes()?.is_empty();
    let Some(search) = Search::new(args)?.filter(|_| !empty) else { return Ok(Value::Int(0)) };
    let Some((start, end)) = search.matches()?.get(wanted - 1).copied().flatten() else { return Ok(Value::Int(0)) };
    let before = search.value.get(..if behind { end } else { start }).unwrap_or_default();
    let passed = if search.is_text { String::from_utf8_lossy(before).chars().count() } else { before.len() };
    let position = args.get(2).map_or(Ok(1), Value::int)?;
    Ok(Value::Int(position + i64::try_from(passed).unwrap_or(i64::MAX)))
}

fn contains(args: &[Value]) -> Answer {
    let value = arg(args, 0)?;
    let regex = compiled(arg(args, 1)?.bytes()?, !matches!(value, Value::Text(_)))?;
    Ok(Value::Bool(regex.is_match(value.bytes()?)))
}

/// A replacement: text and numbers of groups.
enum Piece {
    Plain(Vec<u8>),
    Group(usize),
}

fn pieces(replacement: &[u8], groups: usize) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = Vec::new();
    let mut rest = replacement.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'\\' => match rest.next() {
                Some(b'\\') => plain.push(b'\\'),
                Some(digit @ b'0'..=b'9') => {
                    let group = usize::from(digit - b'0');
                    if group >= groups {
                        return Err(format!("invalid REGEXP_REPLACE pattern: there is no group {group}"));
                    }
                    pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                    pieces.push(Piece::Group(group));
                }
                _ => return Err("invalid REGEXP_REPLACE pattern: a backslash wants a digit or a backslash".to_owned()),
            },
            other => plain.push(*other),
        }
    }
    pieces.push(Piece::Plain(plain));
    Ok(pieces)
}

fn replace(args: &[Value]) -> Answer {
    let pair = [arg(args, 0)?.clone(), arg(args, 1)?.clone()];
    let Some(search) = Search::new(&pair)? else { return Ok(Value::Null) };
    let pieces = pieces(arg(args, 2)?.bytes()?, search.regex.captures_len())?;
    let (value, mut out) = (search.value.as_slice(), Vec::new());
    let (mut at, mut last_end) = (0, None);
    while at <= value.len() {
        let Some(captures) = search.regex.captures_at(value, at) else { break };
        let (start, end) = span(&captures, 0).unwrap_or((at, at));
        out.extend_from_slice(value.get(at..start).unwrap_or_default());
        // An empty match right behind a match is none.
        if start < end || last_end != Some(start) {
            for piece in &pieces {
                match piece {
                    Piece::Plain(plain) => out.extend_from_slice(plain),
                    Piece::Group(group) => {
                        let (from, to) = span(&captures, *group).unwrap_or((0, 0));
                        out.extend_from_slice(value.get(from..to).unwrap_or_default());
                    }
                }
            }
        }
        last_end = Some(end);
        at = end;
        if start == end {
            let next = (end + search.step(end)).min(value.len());
            out.extend_from_slice(value.get(end..next).unwrap_or_default());
            if end >= value.len() {
                at = value.len() + 1;
            } else {
                at = next;
            }
        }
    }
    out.extend_from_slice(value.get(at..).unwrap_or_default());
    debug_assert_eq!(search.skipped, 0);
    Ok(if search.is_text { Value::Text(String::from_utf8_lossy(&out).into_owned()) } else { Value::Bytes(out) })
}

pub(super) const FUNCTIONS: &[Native] = &[
    ("gsn_regexp_contains", Gives::Bool, contains),
    ("gsn_regexp_extract", Gives::Text, extract),
    ("gsn_regexp_extract_bytes", Gives::Bytes, extract),
    ("gsn_regexp_extract_all", Gives::Texts, extract_all),
    ("gsn_regexp_extract_all_bytes", Gives::AllBytes, extract_all),
    ("gsn_regexp_instr", Gives::Int64, instr),
    ("gsn_regexp_replace", Gives::Text, replace),
    ("gsn_regexp_replace_bytes", Gives::Bytes, replace),
];
