//! SQL as lines of HTML with its words marked: keywords, strings, comments, numbers, names in braces.
//!
//! It reads like a lexer and understands nothing: whatever it does not know stays plain, and text that ends in the middle of a
//! string or a comment is that to its end. Every character of the text comes out once, escaped, and no mark crosses a line.

/// What a stretch of SQL is, as its class in the style sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Plain,
    Keyword,
    Text,
    Comment,
    Number,
    /// `{{name}}`
    Name,
}

impl Word {
    fn class(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Keyword => Some("k"),
            Self::Text => Some("s"),
            Self::Comment => Some("c"),
            Self::Number => Some("n"),
            Self::Name => Some("p"),
        }
    }
}

/// Sorted: it is searched.
const KEYWORDS: &[&str] = &[
    "ALL",
    "ALTER",
    "AND",
    "ANY",
    "ARRAY",
    "AS",
    "ASC",
    "ASSERT",
    "BEGIN",
    "BETWEEN",
    "BIGNUMERIC",
    "BOOL",
    "BREAK",
    "BY",
    "BYTES",
    "CALL",
    "CASE",
    "CAST",
    "CLUSTER",
    "COLUMN",
    "COMMIT",
    "CREATE",
    "CROSS",
    "CURRENT",
    "DATE",
    "DATETIME",
    "DECLARE",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DISTINCT",
    "DO",
    "DROP",
    "ELSE",
    "ELSEIF",
    "END",
    "EXCEPT",
    "EXCEPTION",
    "EXECUTE",
    "EXISTS",
    "EXTRACT",
    "FALSE",
    "FLOAT64",
    "FOLLOWING",
    "FOR",
    "FROM",
    "FULL",
    "FUNCTION",
    "GROUP",
    "HAVING",
    "IF",
    "IGNORE",
    "IMMEDIATE",
    "IN",
    "INNER",
    "INSERT",
    "INT64",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "JSON",
    "LATERAL",
    "LEAVE",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOOP",
    "MATCHED",
    "MERGE",
    "NOT",
    "NULL",
    "NULLS",
    "NUMERIC",
    "OFFSET",
    "ON",
    "OPTIONS",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "PIVOT",
    "PRECEDING",
    "PROCEDURE",
    "QUALIFY",
    "RAISE",
    "RANGE",
    "RECURSIVE",
    "REPLACE",
    "RESPECT",
    "RETURN",
    "RIGHT",
    "ROLLBACK",
    "ROWS",
    "SELECT",
    "SET",
    "STRING",
    "STRUCT",
    "TABLE",
    "TABLESAMPLE",
    "TEMP",
    "TEMPORARY",
    "THEN",
    "TIME",
    "TIMESTAMP",
    "TO",
    "TRANSACTION",
    "TRUE",
    "TRUNCATE",
    "UNBOUNDED",
    "UNION",
    "UNNEST",
    "UNPIVOT",
    "UNTIL",
    "UPDATE",
    "USING",
    "VALUES",
    "VIEW",
    "WHEN",
    "WHERE",
    "WHILE",
    "WINDOW",
    "WITH",
];

/// Each line of a statement as HTML.
pub(super) fn sql(text: &str) -> Vec<String> {
    let mut lines = Lines::default();
    let mut rest = text;
    while let Some((word, length)) = next(rest) {
        // A length that would cut a character, which none does, takes the rest.
        let (taken, left) = rest.split_at_checked(length).unwrap_or((rest, ""));
        lines.push(word, taken);
        rest = left;
    }
    lines.done()
}

/// Each line of any text as HTML.
pub(super) fn plain(text: &str) -> Vec<String> {
    text.lines().map(escaped).collect()
}

#[derive(Default)]
struct Lines {
    done: Vec<String>,
    line: String,
    begun: bool,
}

impl Lines {
    fn push(&mut self, word: Word, text: &str) {
        for (i, piece) in text.split('\n').enumerate() {
            if i > 0 {
                self.done.push(std::mem::take(&mut self.line));
                self.begun = false;
            }
            let piece = piece.strip_suffix('\r').unwrap_or(piece);
            if piece.is_empty() {
                continue;
            }
            self.begun = true;
            match word.class() {
                None => self.line.push_str(&escaped(piece)),
                Some(class) => {
                    self.line.push_str("<span class=\"");
                    self.line.push_str(class);
                    self.line.push_str("\">");
                    self.line.push_str(&escaped(piece));
                    self.line.push_str("</span>");
                }
            }
        }
    }

    fn done(mut self) -> Vec<String> {
        if self.begun {
            self.done.push(self.line);
        }
        self.done
    }
}

/// What the text begins with, and how many bytes of it; none at its end.
fn next(text: &str) -> Option<(Word, usize)> {
    let first = text.chars().next()?;
    let length = |found: Option<usize>| found.unwrap_or(text.len());
    if text.starts_with("--") || first == '#' {
        return Some((Word::Comment, length(text.find('\n'))));
    }
    if text.starts_with("/*") {
        return Some((Word::Comment, length(text.get(2..).and_then(|rest| rest.find("*/")).map(|end| end + 4))));
    }
    if text.starts_with("{{")
        && let Some(end) = text.find("}}").filter(|end| *end < 120)
    {
        return Some((Word::Name, end + 2));
    }
    if let Some(quoted) = quoted(text) {
        return Some((Word::Text, quoted));
    }
    if first == '`' {
        // A quoted name: plain, and no place for keywords.
        return Some((Word::Plain, length(text.get(1..).and_then(|rest| rest.find('`')).map(|end| end + 2))));
    }
    if first.is_ascii_digit() {
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
        return Some((Word::Number, length(end)));
    }
    if first.is_alphabetic() || matches!(first, '_' | '@') {
        let end = length(text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '@'))));
        let word = text.get(..end).unwrap_or_default().to_ascii_uppercase();
        let known = KEYWORDS.binary_search(&word.as_str()).is_ok();
        return Some((if known { Word::Keyword } else { Word::Plain }, end));
    }
    if first == '.' {
        // A field after its dot is no keyword, whatever its name.
        let end = text.get(1..)?.find(|c: char| !(c.is_alphanumeric() || c == '_')).map(|end| end + 1);
        return Some((Word::Plain, length(end).max(1)));
    }
    Some((Word::Plain, first.len_utf8()))
}

/// The length of the string that the text begins with: quoted once or thrice, maybe with a prefix.
fn quoted(text: &str) -> Option<usize> {
    let prefix = text.find(|c: char| !matches!(c, 'r' | 'R' | 'b' | 'B')).filter(|end| *end <= 2)?;
    let body = text.get(prefix..)?;
    let quote = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| body.starts_with(quote))?;
    let mut at = quote.len();
    loop {
        let rest = body.get(at..).unwrap_or_default();
        if rest.starts_with(quote) {
            return Some(prefix + at + quote.len());
        }
        let Some(c) = rest.chars().next() else { return Some(text.len()) };
        // One of a single line ends with it: a quote that was forgotten does not swallow the rest.
        if c == '\n' && quote.len() == 1 {
            return Some(prefix + at);
        }
        at += c.len_utf8();
        if c == '\\' {
            at += body.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        }
    }
}

pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(sql(text), expected, "{text:?}");
    }

    #[test]
    fn keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn words_are_marked() {
        check("select 1", &["<span class=\"k\">select</span> <span class=\"n\">1</span>"]);
        check("a.order", &["a.order"]);
        check("`select` -- x", &["`select` <span class=\"c\">-- x</span>"]);
        check("# it's\nFROM", &["<span class=\"c\"># it&#39;s</span>", "<span class=\"k\">FROM</span>"]);
        check("x = {{n}}", &["x = <span class=\"p\">{{n}}</span>"]);
        check("rank() <b>", &["rank() &lt;b&gt;"]);
    }

    #[test]
    fn strings_end_where_they_end() {
        check("'a\\'b' x", &["<span class=\"s\">&#39;a\\&#39;b&#39;</span> x"]);
        check("r\"a\" b", &["<span class=\"s\">r&quot;a&quot;</span> b"]);
        check(
            "'''a\n'b''' c",
            &["<span class=\"s\">&#39;&#39;&#39;a</span>", "<span class=\"s\">&#39;b&#39;&#39;&#39;</span> c"],
        );
        check("'open\nFROM", &["<span class=\"s\">&#39;open</span>", "<span class=\"k\">FROM</span>"]);
        check("'end\\", &["<span class=\"s\">&#39;end\\</span>"]);
    }

    #[test]
    fn marks_do_not_cross_lines() {
        check("/* a\n\nb */ c", &["<span class=\"c\">/* a</span>", "", "<span class=\"c\">b */</span> c"]);
        check("/* open\r\n", &["<span class=\"c\">/* open</span>"]);
    }

    proptest! {
        /// All of it, once, escaped, and each line with its marks closed.
        #[test]
        fn nothing_is_lost_or_left_open(text in "[ -~\n\u{e9}\u{4e2d}'\"`\\\\{}/*#-]{0,80}") {
            let lines = sql(&text);
            for line in &lines {
                prop_assert_eq!(line.matches("<span").count(), line.matches("</span>").count());
            }
            let mut bare = lines.join("\n");
            for class in ["k", "s", "c", "n", "p"] {
                bare = bare.replace(&format!("<span class=\"{class}\">"), "");
            }
            let expected: Vec<String> = text.lines().map(escaped).collect();
            prop_assert_eq!(bare.replace("</span>", ""), expected.join("\n"));
        }
    }
}
