//! CSV records by BigQuery's rules: a quoted field begins with the quote character right after the delimiter, doubled
//! quotes stand for one, and line ends inside quotes have to be allowed. Knows nothing of columns and types.

use super::input::Lines;
use crate::{WarehouseError, embedded::errors::invalid};

/// How fields are told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) delimiter: char,
    /// `None`: quotes are text like any other.
    pub(crate) quote: Option<char>,
    pub(crate) quoted_newlines: bool,
}

impl Dialect {
    pub(crate) fn new(delimiter: &str, quote: Option<&str>, quoted_newlines: bool) -> Result<Self, WarehouseError> {
        let delimiter = match delimiter {
            "\\t" | "tab" => '\t',
            other => one_character(other, "field delimiter")?,
        };
        let quote = match quote {
            None => Some('"'),
            Some("") => None,
            Some(other) => Some(one_character(other, "quote character")?),
        };
        Ok(Self { delimiter, quote, quoted_newlines })
    }
}

fn one_character(text: &str, what: &str) -> Result<char, WarehouseError> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !matches!(c, '\n' | '\r') => Ok(c),
        _ => Err(invalid(format!("`{text}` is not a {what}: it has to be one character"))),
    }
}

/// One record, reused for the next.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Line of the file where it begins, from one.
    pub(crate) line: u64,
    /// As it stands in the file, line ends included.
    raw: String,
    /// Contents of quoted fields, unescaped.
    unquoted: String,
    fields: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
    quoted: bool,
}

/// A field's text and whether it was quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldText<'a> {
    pub(crate) text: &'a str,
    pub(crate) quoted: bool,
}

impl Record {
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(crate) fn field(&self, index: usize) -> Option<FieldText<'_>> {
        let place = self.fields.get(index)?;
        let source = if place.quoted { &self.unquoted } else { &self.raw };
        Some(FieldText { text: source.get(place.start..place.end)?, quoted: place.quoted })
    }

    pub(crate) fn raw(&self) -> &str {
        self.raw.trim_end_matches(['\n', '\r'])
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.raw().is_empty()
    }
}

/// What came of reading a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Record,
    /// The record is malformed, for this reason; reading goes on behind its line.
    Bad(String),
    End,
}

/// Reads the next record.
///
/// # Errors
///
/// Only what ends the file: it cannot be read or is not UTF-8.
pub(crate) fn next(lines: &mut Lines, dialect: Dialect, record: &mut Record) -> Result<Read, WarehouseError> {
    record.raw.clear();
    record.unquoted.clear();
    record.fields.clear();
    if !lines.next(&mut record.raw)? {
        return Ok(Read::End);
    }
    record.line = lines.number;
    match dialect.quote {
        Some(quote) if record.raw.contains(quote) => quoted(lines, dialect, quote, record),
        _ => {
            plain(dialect, record);
            Ok(Read::Record)
        }
    }
}

fn plain(dialect: Dialect, record: &mut Record) {
    let end = record.raw().len();
    let text = record.raw.get(..end).unwrap_or_default();
    let mut start = 0;
    for (at, delimiter) in text.match_indices(dialect.delimiter) {
        record.fields.push(Place { start, end: at, quoted: false });
        start = at + delimiter.len();
    }
    record.fields.push(Place { start, end, quoted: false });
}

fn quoted(lines: &mut Lines, dialect: Dialect, quote: char, record: &mut Record) -> Result<Read, WarehouseError> {
    let mut at = 0;
    loop {
        let opens = record.raw.get(at..).is_some_and(|rest| rest.starts_with(quote));
        let end = if opens {
            let start = record.unquoted.len();
            match close(lines, dialect, quote, record, at + quote.len_utf8())? {
                Ok(end) => {
                    record.fields.push(Place { start, end: record.unquoted.len(), quoted: true });
                    end
                }
                Err(reason) => return Ok(Read::Bad(reason)),
            }
        } else {
            let end = end_of_line(record, at).min(find(record, at, dialect.delimiter).unwrap_or(usize::MAX));
            record.fields.push(Place { start: at, end, quoted: false });
            end
        };
        let rest = record.raw.get(end..).unwrap_or_default();
        if rest.starts_with(dialect.delimiter) {
            at = end + dialect.delimiter.len_utf8();
        } else if rest.trim_end_matches(['\n', '\r']).is_empty() {
            return Ok(Read::Record);
        } else {
            let after = rest.chars().take(20).collect::<String>();
            return Ok(Read::Bad(format!(
                "there is text between a closing quote and the delimiter: `{}`",
                after.trim_end()
            )));
        }
    }
}

fn find(record: &Record, from: usize, what: char) -> Option<usize> {
    record.raw.get(from..)?.find(what).map(|at| from + at)
}

fn end_of_line(record: &Record, from: usize) -> usize {
    record.raw.get(from..).map_or(from, |rest| from + rest.trim_end_matches(['\n', '\r']).len())
}

/// Copies a quoted field's content; the place behind its closing quote.
fn close(
    lines: &mut Lines,
    dialect: Dialect,
    quote: char,
    record: &mut Record,
    mut at: usize,
) -> Result<Result<usize, String>, WarehouseError> {
    loop {
        let Some(found) = find(record, at, quote) else {
            if !dialect.quoted_newlines {
                return Ok(Err(
                    "a quote is not closed before the line's end (allow quoted newlines if that is meant)".to_owned()
                ));
            }
            if !lines.next(&mut record.raw)? {
                return Ok(Err("a quote is never closed".to_owned()));
            }
            continue;
        };
        record.unquoted.push_str(record.raw.get(at..found).unwrap_or_default());
        at = found + quote.len_utf8();
        if !record.raw.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
            return Ok(Ok(at));
        }
        record.unquoted.push(quote);
        at += quote.len_utf8();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(text: &str, dialect: Dialect) -> Vec<Result<Vec<String>, String>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut lines = Lines::open(file.path()).unwrap();
        let mut record = Record::default();
        let mut all = Vec::new();
        loop {
            all.push(match next(&mut lines, dialect, &mut record).unwrap() {
                Read::End => return all,
                Read::Bad(reason) => Err(reason),
                Read::Record => Ok((0..record.len())
                    .map(|i| record.field(i).unwrap())
                    .map(|f| if f.quoted { format!("<{}>", f.text) } else { f.text.to_owned() })
                    .collect()),
            });
        }
    }

    fn check(text: &str, newlines: bool, expect: &[Result<&[&str], &str>]) {
        let dialect = Dialect::new(",", None, newlines).unwrap();
        let got = read(text, dialect);
        assert_eq!(got.len(), expect.len(), "{got:?}");
        for (got, expect) in got.iter().zip(expect) {
            match (got, expect) {
                (Ok(got), Ok(expect)) => assert_eq!(got, expect),
                (Err(got), Err(part)) => assert!(got.contains(part), "{got}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn records_follow_the_rules() {
        check("a,b\n1,2\n", false, &[Ok(&["a", "b"]), Ok(&["1", "2"])]);
        check("a,b\r\n1,\r\n", false, &[Ok(&["a", "b"]), Ok(&["1", ""])]);
        check("\"a,b\",\"\",\"c\"\"d\"", false, &[Ok(&["<a,b>", "<>", "<c\"d>"])]);
        check("a\"b,c\n", false, &[Ok(&["a\"b", "c"])]);
        check("\"a\nb\",c\nd,e\n", true, &[Ok(&["<a\nb>", "c"]), Ok(&["d", "e"])]);
        check("\"a\nb\",c\n", false, &[Err("not closed"), Ok(&["b\"", "c"])]);
        check("\"a\"b,c\nd,e", false, &[Err("between a closing quote"), Ok(&["d", "e"])]);
        check("\"a", true, &[Err("never closed")]);
        check("\u{feff}a,b\n", false, &[Ok(&["a", "b"])]);
        check("a,\"b\"\r\n", false, &[Ok(&["a", "<b>"])]);
    }

    #[test]
    fn dialects_are_one_character_each() {
        let tab = Dialect::new("\\t", Some(""), false).unwrap();
        assert_eq!(read("a\t\"b\n", tab), [Ok(vec!["a".to_owned(), "\"b".to_owned()])]);
        assert!(Dialect::new("||", None, false).is_err());
        assert!(Dialect::new("", None, false).is_err());
        let wide = Dialect::new("§", None, false).unwrap();
        assert_eq!(read("a§b\n", wide), [Ok(vec!["a".to_owned(), "b".to_owned()])]);
    }
}
