//! JSON text to value, with problems that have a line and a column, and a warning for every repeated key.
//!
//! Repeated keys are legal JSON and the last one counts; in a configuration they are nearly always a mistake.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize as _,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, error::Category};

use crate::{Problem, Problems};

/// Reads JSON text. A byte order mark in front is skipped. Repeated keys are warnings, a syntax error is one error.
pub fn parse(text: &str, problems: &mut Problems) -> Option<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_json::from_str(text) {
        Ok(value) => {
            warn_of_repeated_keys(text, problems);
            Some(value)
        }
        Err(error) => {
            problems.errors.push(syntax_problem(&error));
            None
        }
    }
}

/// A syntax error in words, with its one-based line and column.
#[must_use]
pub fn syntax_problem(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line().max(1), error.column().max(1));
    let text = error.to_string();
    let what = text.rfind(" at line ").and_then(|end| text.get(..end)).unwrap_or(&text);
    let advice = match error.classify() {
        Category::Eof => "the text ends too early: a bracket, a brace or a quote is not closed",
        Category::Syntax if what.contains("expected `,`") => "a comma is missing before this place",
        Category::Syntax if what.starts_with("trailing comma") => "remove the last comma of the list",
        Category::Syntax if what.starts_with("key must be a string") => "names are written in double quotes",
        Category::Syntax if what.starts_with("control character") => "a line break inside a string is written \\n",
        _ => "correct the text at this place",
    };
    Problem {
        file: None,
        path: "$".to_owned(),
        line: Some(line),
        column: Some(column),
        message: format!("not JSON, line {line} column {column}: {what}; {advice}"),
    }
}

/// The path of a member: `$.a.b`, or `$["odd name"]` where the name is not a plain word.
pub(crate) fn member(path: &str, name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    if plain { format!("{path}.{name}") } else { format!("{path}[{}]", Value::from(name)) }
}

/// What a value is, for messages: `the number 3`. Long values are cut.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => format!("the boolean {b}"),
        Value::Number(n) => format!("the number {n}"),
        Value::String(s) => format!("the string {}", quote(s)),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A text in double quotes for messages, escaped as in JSON; long texts are cut, for they are answered to strangers.
pub(crate) fn quote(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Value::from(format!("{}...", text.get(..end).unwrap_or_default())).to_string(),
        None => Value::from(text).to_string(),
    }
}

fn warn_of_repeated_keys(text: &str, problems: &mut Problems) {
    let keys = Keys { path: "$".to_owned(), problems };
    // The text was read once already; numbers out of range and the like were seen then.
    let _ = keys.deserialize(&mut serde_json::Deserializer::from_str(text));
}

/// Walks a value for its keys only.
struct Keys<'p> {
    path: String,
    problems: &'p mut Problems,
}

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = member(&self.path, &key);
            if seen.contains(&key) {
                self.problems.warn(&path, "given more than once: only the last one counts");
            }
            map.next_value_seed(Keys { path, problems: &mut *self.problems })?;
            seen.insert(key);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut i = 0;
        while seq
            .next_element_seed(Keys { path: format!("{}[{i}]", self.path), problems: &mut *self.problems })?
            .is_some()
        {
            i += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Value>, Problems) {
        let mut problems = Problems::default();
        (parse(text, &mut problems), problems)
    }

    #[test]
    fn syntax_errors_have_a_place() {
        let check = |text: &str, line, column, part: &str| {
            let (value, problems) = read(text);
            assert_eq!(value, None);
            let [problem] = problems.errors.as_slice() else { panic!("{problems:?}") };
            assert_eq!((problem.line, problem.column), (Some(line), Some(column)), "{}", problem.message);
            assert!(problem.message.contains(part), "{}", problem.message);
            assert!(!problem.message.contains(" at line "), "{}", problem.message);
        };
        check("{\n  \"a\": \"x\"\n  \"b\": 1\n}", 3, 3, "a comma is missing before this place");
        check("{\"a\": 1,}", 1, 9, "last comma");
        check("{", 1, 1, "ends too early");
        check("", 1, 1, "ends too early");
        check("{a: 1}", 1, 2, "double quotes");
        check("{} x", 1, 4, "trailing characters");
        check(&"[".repeat(1000), 1, 128, "recursion");
    }

    #[test]
    fn repeated_keys_are_warned_of() {
        let (value, problems) = read(r#"{"a": {"x y": 1, "b": [{"c": 1.5, "c": null}], "x y": true}}"#);
        assert!(value.is_some());
        let places: Vec<&str> = problems.warnings.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(places, ["$.a.b[0].c", "$.a[\"x y\"]"]);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert!(read("\u{feff}{}").0.is_some());
    }
}
