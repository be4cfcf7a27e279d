//! DuckDB's sentences about statements and data, said again in GoogleSQL's words.
//!
//! Every pattern that users can meet has a sentence of its own here. What has none keeps its own words, with types in BigQuery's
//! names and without our aliases; errors that only a wrong translation can cause are told as such, and logged.

use std::sync::LazyLock;

use regex::Regex;

use super::errors::{invalid, unsupported};
use crate::WarehouseError;

/// A pattern of DuckDB's and the sentence for it, with the pattern's groups.
struct Sentence {
    pattern: Regex,
    text: &'static str,
}

const SENTENCES: &[(&str, &str)] = &[
    (
        r#"column "([^"]+)" must appear in the GROUP BY clause"#,
        "column $1 is neither grouped nor aggregated: add it to GROUP BY or put it into an aggregate function",
    ),
    (r"More than one row returned by a subquery", "a subquery that stands for a value gave more than one row"),
    (
        r"Overflow in (?:addition|subtract|subtraction|multiplication|negation|division|left shift) of INT\d+ \((.+)\)",
        "int64 overflow: $1",
    ),
    (r"Overflow in HUGEINT (\w+): (.+)", "numeric overflow: $2"),
    (r"Overflow in (\w+) of DECIMAL\(\d+\) \((.+)\)", "numeric overflow"),
    (r"Overflow in negation of integer", "int64 overflow: the negative of the least INT64"),
    (r"Cannot take absolute value of (.+?)!?$", "int64 overflow: ABS($1)"),
    (r#"Could not convert string ["'](.*)["'] to (.+)$"#, "bad $2 value: $1"),
    (r"Could not cast value (.+) to (.+)$", "$1 is out of the range of $2"),
    (
        r"Type (.+) with value (.+) can't be cast .*destination type (INT\d+|DOUBLE|DECIMAL\(\d+,\d+\))",
        "$2 is out of the range of $3",
    ),
    (r"(?:Date|Time|Timestamp) out of range: (.+)$", "out of range: $1"),
    (r#"invalid (date|timestamp) field format: "([^"]*)""#, "bad $1: $2"),
    (r#"(?:date|timestamp) field value out of range: "([^"]*)""#, "out of range: $1"),
    (r#"(Table|View|Schema) with name "?([^"!]+?)"? does not exist"#, "not found: $1 $2"),
    (
        r#"(Table|View|Schema) with name "?([^"!]+?)"? already exists"#,
        "$1 $2 already exists: write OR REPLACE or IF NOT EXISTS",
    ),
    (r#"Table "([^"]+)" does not have a column with name "([^"]+)""#, "table $1 has no column $2"),
    (r"Column with name (\w+) already exists", "column $1 exists already"),
    (r"Existing object (\S+) is of type (\w+), trying to (?:replace|drop) with type (\w+)", "$1 is a $2, not a $3"),
    (r"Unknown TimeZone '([^']*)'", "there is no time zone '$1'"),
    (r"Malformed JSON at byte \d+ of input: (.+?)\.?(?:  Input.*)?$", "malformed JSON: $1"),
    (
        r#"Invalid Input Error: (invalid escape sequence|no argument for repetition operator|missing closing|missing \]|bad repetition).*"#,
        "bad regular expression: $1",
    ),
];

static PATTERNS: LazyLock<Vec<Sentence>> = LazyLock::new(|| {
    let sentence =
        |(pattern, text): &(&str, &'static str)| Regex::new(pattern).ok().map(|pattern| Sentence { pattern, text });
    SENTENCES.iter().filter_map(sentence).collect()
});

/// Stands for BigQuery's TIMESTAMP until DuckDB's, which is another type, is replaced.
const ZONED: &str = "\u{1}";

/// DuckDB's names of types, the longer ones first.
const TYPES: &[(&str, &str)] = &[
    ("TIMESTAMP WITH TIME ZONE", ZONED),
    ("TIMESTAMP", "DATETIME"),
    (ZONED, "TIMESTAMP"),
    ("DECIMAL(38,9)", "NUMERIC"),
    ("VARCHAR", "STRING"),
    ("DOUBLE", "FLOAT64"),
    ("BIGINT", "INT64"),
    ("HUGEINT", "INT64"),
    ("INT128", "INT64"),
    ("INT32", "INT64"),
    ("BOOLEAN", "BOOL"),
    ("BLOB", "BYTES"),
    ("BIGNUM", "BIGNUMERIC"),
];

/// The error behind a message of a kind, such as `Binder Error`.
pub(crate) fn explained(kind: &str, message: &str) -> WarehouseError {
    for Sentence { pattern, text } in PATTERNS.iter() {
        if let Some(found) = pattern.captures(message) {
            let mut sentence = String::new();
            found.expand(text, &mut sentence);
            return invalid(in_our_words(&sentence));
        }
    }
    match kind {
        "Binder Error" | "Parser Error" | "Catalog Error" => {
            tracing::error!(kind, message, "a translated statement does not bind");
            unsupported(format!("this statement ({})", in_our_words(message).trim_end_matches(['!', '.'])))
        }
        _ => invalid(in_our_words(message)),
    }
}

/// Types in BigQuery's words, names without the aliases of the translation.
fn in_our_words(message: &str) -> String {
    static ALIAS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#""?\bt\d+"?\."#).ok());
    let mut text = message.to_owned();
    for (theirs, ours) in TYPES {
        text = replace_words(&text, theirs, ours);
    }
    match ALIAS.as_ref() {
        Some(alias) => alias.replace_all(&text, "").into_owned(),
        None => text,
    }
}

/// Replaces whole words: `DOUBLE` in `a DOUBLE`, not in `DOUBLED`.
fn replace_words(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(from) {
        let end = start + from.len();
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let whole = !part(rest[..start].chars().next_back()) && !part(rest[end..].chars().next());
        out.push_str(&rest[..start]);
        out.push_str(if whole { to } else { from });
        rest = &rest[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, message: &str, expect: &str) {
        assert_eq!(explained(kind, message).to_string(), expect);
    }

    #[test]
    fn known_sentences_are_said_again() {
        check(
            "Binder Error",
            "column \"city\" must appear in the GROUP BY clause or must be part of an aggregate function. Either add it",
            "column city is neither grouped nor aggregated: add it to GROUP BY or put it into an aggregate function",
        );
        check(
            "Out of Range Error",
            "Overflow in addition of INT64 (9223372036854775807 + 1)!",
            "int64 overflow: 9223372036854775807 + 1",
        );
        check("Conversion Error", "Could not convert string 'abc' to INT64", "bad INT64 value: abc");
        check("Conversion Error", "Could not convert string \"x y\" to DECIMAL(38,9)", "bad NUMERIC value: x y");
        check("Catalog Error", "Table with name zz does not exist!", "not found: Table zz");
        check(
            "Catalog Error",
            "Table with name \"s\" already exists!",
            "Table s already exists: write OR REPLACE or IF NOT EXISTS",
        );
        check("Binder Error", "Table \"s\" does not have a column with name \"zz\" ", "table s has no column zz");
        check(
            "Conversion Error",
            "Type INT128 with value 27670116110564327421 can't be cast because the value is out of range for the destination type INT64 when casting",
            "27670116110564327421 is out of the range of INT64",
        );
        check("Conversion Error", "Date out of range: 2024-13-1", "out of range: 2024-13-1");
        check("Not implemented Error", "Unknown TimeZone 'Mars/Base'!", "there is no time zone 'Mars/Base'");
    }

    #[test]
    fn other_sentences_lose_what_is_not_the_users() {
        check(
            "Invalid Input Error",
            "\"t12\".\"a\" is no BIGINT but a TIMESTAMP WITH TIME ZONE",
            "\"a\" is no INT64 but a TIMESTAMP",
        );
        check(
            "Binder Error",
            "No function matches t1.x!",
            "not supported by the embedded warehouse: this statement (No function matches x)",
        );
    }
}
