//! CSV records by BigQuery's rules: a quoted field begins with the quote character right after the delimiter, doubled
//! quotes stand for one, and line ends inside quotes have to be allowed. Knows nothing of columns and types.

use std::borrow::Cow;

use crate::{WarehouseError, embedded::errors::invalid};

/// How fields are told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    delimiter: Character,
    /// `None`: quotes are text like any other.
    quote: Option<Character>,
    pub(crate) quoted_newlines: bool,
}

/// One character of UTF-8, for searching bytes.
#[derive(Debug, Clone, Copy)]
struct Character {
    bytes: [u8; 4],
    length: usize,
}

impl Character {
    fn new(c: char) -> Self {
        let mut bytes = [0; 4];
        let length = c.encode_utf8(&mut bytes).len();
        Self { bytes, length }
    }

    fn begins(self, bytes: &[u8], at: usize) -> bool {
        let [first, ..] = self.bytes;
        bytes.get(at) == Some(&first)
            && (self.length == 1 || bytes.get(at..at + self.length) == self.bytes.get(..self.length))
    }

    fn find(self, bytes: &[u8], from: usize) -> Option<usize> {
        let [first, ..] = self.bytes;
        let mut at = from;
        loop {
            at += memchr::memchr(first, bytes.get(at..)?)?;
            if self.begins(bytes, at) {
                return Some(at);
            }
            at += 1;
        }
    }

    /// This character or a line end, whichever comes first.
    fn find_in_line(self, bytes: &[u8], from: usize) -> Option<usize> {
        let [first, ..] = self.bytes;
        let mut at = from;
        loop {
            at += memchr::memchr2(first, b'\n', bytes.get(at..)?)?;
            if bytes.get(at) == Some(&b'\n') || self.begins(bytes, at) {
                return Some(at);
            }
            at += 1;
        }
    }
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
        if quote == Some(delimiter) {
            return Err(invalid(format!("`{delimiter}` cannot be both field delimiter and quote character")));
        }
        Ok(Self { delimiter: Character::new(delimiter), quote: quote.map(Character::new), quoted_newlines })
    }

    pub(crate) fn has_quote(&self, bytes: &[u8]) -> bool {
        self.quote.is_some_and(|quote| quote.find(bytes, 0).is_some())
    }

    /// Whether a record may be longer than its line.
    pub(crate) fn spans_lines(&self) -> bool {
        self.quoted_newlines && self.quote.is_some()
    }
}

fn one_character(text: &str, what: &str) -> Result<char, WarehouseError> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !matches!(c, '\n' | '\r') => Ok(c),
        _ => Err(invalid(format!("`{text}` is not a {what}: it has to be one character"))),
    }
}

/// Where a field's content is, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) quoted: bool,
    /// Has doubled quotes in it.
    doubled: bool,
}

impl Field {
    pub(crate) fn text<'a>(self, text: &'a str, dialect: Dialect) -> Cow<'a, str> {
        let content = text.get(self.start..self.end).unwrap_or_default();
        match dialect.quote {
            Some(quote) if self.doubled => {
                let one = quote.bytes.get(..quote.length).and_then(|bytes| str::from_utf8(bytes).ok());
                one.map_or(content.into(), |one| content.replace(&one.repeat(2), one).into())
            }
            _ => content.into(),
        }
    }
}

/// How a record ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Whole,
    /// The bytes end without a line end behind the last field.
    Cut,
    /// The bytes end inside quotes.
    Open,
    /// Ends with its line, and cannot be understood.
    Malformed(&'static str),
}

pub(crate) const NOT_CLOSED: &str =
    "a quote is not closed before the line's end (allow quoted newlines if that is meant)";
pub(crate) const NEVER_CLOSED: &str = "a quote is never closed";
pub(crate) const TEXT_BEHIND_QUOTE: &str = "there is text between a closing quote and the delimiter";

/// Reads the record that begins at `at`: each field, and where the next record begins.
pub(crate) fn read(bytes: &[u8], at: usize, dialect: Dialect, each: &mut impl FnMut(Field)) -> (usize, Ending) {
    let mut start = at;
    loop {
        let Some(quote) = dialect.quote.filter(|quote| quote.begins(bytes, start)) else {
            let end = dialect.delimiter.find_in_line(bytes, start);
            if let Some(end) = end.filter(|end| bytes.get(*end) != Some(&b'\n')) {
                each(Field { start, end, quoted: false, doubled: false });
                start = end + dialect.delimiter.length;
                continue;
            }
            let (behind, ending) = line_end(bytes, end);
            each(Field { start, end: trimmed(bytes, start, end), quoted: false, doubled: false });
            return (behind, ending);
        };
        let (field, close) = match quoted(bytes, start + quote.length, dialect, quote) {
            Ok(read) => read,
            Err(reason) => return reason,
        };
        each(field);
        if dialect.delimiter.begins(bytes, close) {
            start = close + dialect.delimiter.length;
            continue;
        }
        let end = memchr::memchr(b'\n', bytes.get(close..).unwrap_or_default()).map(|at| close + at);
        let (behind, ending) = line_end(bytes, end);
        let nothing_behind = trimmed(bytes, close, end) == close;
        return (behind, if nothing_behind { ending } else { Ending::Malformed(TEXT_BEHIND_QUOTE) });
    }
}

/// A quoted field's content from behind its opening quote, and the place behind its closing one.
fn quoted(bytes: &[u8], start: usize, dialect: Dialect, quote: Character) -> Result<(Field, usize), (usize, Ending)> {
    let line = if dialect.quoted_newlines {
        None
    } else {
        memchr::memchr(b'\n', bytes.get(start..).unwrap_or_default()).map(|at| start + at)
    };
    let within = bytes.get(..line.unwrap_or(bytes.len())).unwrap_or_default();
    let (mut from, mut doubled) = (start, false);
    loop {
        let Some(end) = quote.find(within, from) else {
            return Err(match dialect.quoted_newlines {
                true => (bytes.len(), Ending::Open),
                false => (line.map_or(bytes.len(), |line| line + 1), Ending::Malformed(NOT_CLOSED)),
            });
        };
        let behind = end + quote.length;
        if !quote.begins(within, behind) {
            return Ok((Field { start, end, quoted: true, doubled }, behind));
        }
        doubled = true;
        from = behind + quote.length;
    }
}

/// What follows the line that ends at `end`, and whether it really ends.
fn line_end(bytes: &[u8], end: Option<usize>) -> (usize, Ending) {
    end.map_or((bytes.len(), Ending::Cut), |end| (end + 1, Ending::Whole))
}

/// The line's end without its carriage returns.
fn trimmed(bytes: &[u8], start: usize, end: Option<usize>) -> usize {
    let mut end = end.unwrap_or(bytes.len());
    while end > start && bytes.get(end - 1) == Some(&b'\r') {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str, dialect: Dialect) -> Vec<Result<Vec<String>, &'static str>> {
        let mut all = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let mut fields = Vec::new();
            let (end, ending) = read(text.as_bytes(), at, dialect, &mut |field| {
                let content = field.text(text, dialect);
                fields.push(if field.quoted { format!("<{content}>") } else { content.into_owned() });
            });
            assert!(end > at);
            at = end;
            all.push(match ending {
                Ending::Malformed(reason) => Err(reason),
                Ending::Open => Err(NEVER_CLOSED),
                Ending::Whole | Ending::Cut => Ok(fields),
            });
        }
        all
    }

    fn check(text: &str, newlines: bool, expect: &[Result<&[&str], &str>]) {
        let got = records(text, Dialect::new(",", None, newlines).unwrap());
        let expect: Vec<_> =
            expect.iter().map(|e| e.map(|fields| fields.iter().map(|&f| f.to_owned()).collect())).collect();
        assert_eq!(got, expect, "{text:?}");
    }

    #[test]
    fn records_follow_the_rules() {
        check("a,b\n1,2\n", false, &[Ok(&["a", "b"]), Ok(&["1", "2"])]);
        check("a,b\r\n1,\r\n", false, &[Ok(&["a", "b"]), Ok(&["1", ""])]);
        check("\"a,b\",\"\",\"c\"\"d\"", false, &[Ok(&["<a,b>", "<>", "<c\"d>"])]);
        check("a\"b,c\n", false, &[Ok(&["a\"b", "c"])]);
        check("\"a\nb\",c\nd,e\n", true, &[Ok(&["<a\nb>", "c"]), Ok(&["d", "e"])]);
        check("\"a\nb\",c\n", false, &[Err(NOT_CLOSED), Ok(&["b\"", "c"])]);
        check("\"a\"b,c\nd,e", false, &[Err(TEXT_BEHIND_QUOTE), Ok(&["d", "e"])]);
        check("\"a\"\r,c\n", false, &[Err(TEXT_BEHIND_QUOTE)]);
        check("\"a", true, &[Err(NEVER_CLOSED)]);
        check("\"a\"\"", true, &[Err(NEVER_CLOSED)]);
        check("a,\"b\"\r\n", false, &[Ok(&["a", "<b>"])]);
        check("\n\r\n", false, &[Ok(&[""]), Ok(&[""])]);
    }

    #[test]
    fn dialects_are_one_character_each() {
        let tab = Dialect::new("\\t", Some(""), false).unwrap();
        assert_eq!(records("a\t\"b\n", tab), [Ok(vec!["a".to_owned(), "\"b".to_owned()])]);
        for bad in ["||", "", "\n", "\""] {
            Dialect::new(bad, None, false).unwrap_err();
        }
        let wide = Dialect::new("§", Some("'"), false).unwrap();
        assert_eq!(records("a§'b§''c'§ä\n", wide), [Ok(vec!["a".to_owned(), "<b§'c>".to_owned(), "ä".to_owned()])]);
    }
}
