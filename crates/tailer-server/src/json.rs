//! Reads a body into the fields of one JSON object without looking into their values yet.
//!
//! Strict about what JSON is (place of the error by line and column, no field twice), forgiving about everything that older
//! clients do: unknown fields, a byte order mark. Values stay raw text, so a deployment's configuration is passed on as
//! written and a deeply nested value that nobody reads costs nothing.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::errors::ApiError;

/// The fields of a JSON object in the order written, names unique.
#[derive(Debug)]
pub(crate) struct Object<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

/// Borrows when the name has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(8);
                let mut index = HashSet::new();
                while let Some(Name(name)) = map.next_key()? {
                    if is_taken(&fields, &mut index, name.clone()) {
                        return Err(de::Error::custom(format_args!("the field `{name}` stands twice")));
                    }
                    fields.push((name, map.next_value()?));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Up to here looking at each name is faster than hashing.
const FEW: usize = 16;

/// Whether the name stands already. `index` holds all names once they are many, so that a body of very many fields does
/// not cost quadratic time.
fn is_taken<'a>(fields: &[(Cow<'a, str>, &RawValue)], index: &mut HashSet<Cow<'a, str>>, name: Cow<'a, str>) -> bool {
    if fields.len() < FEW {
        return fields.iter().any(|(taken, _)| *taken == name);
    }
    if index.is_empty() {
        index.extend(fields.iter().map(|(taken, _)| taken.clone()));
    }
    !index.insert(name)
}

/// Reads the body of a request.
///
/// # Errors
/// 400 `malformed_json` with `data.line` and `data.column`, both one-based.
pub(crate) fn read_object(body: &[u8]) -> Result<Object<'_>, ApiError> {
    let text = text_of(body)?;
    serde_json::from_str(text).map_err(|e| {
        let what = match kind_of(text) {
            _ if !e.is_data() => without_place(&e),
            "an object" => without_place(&e),
            found => format!("the body must be a JSON object, not {found}"),
        };
        malformed(&what, e.line().max(1), e.column().max(1))
    })
}

/// Reads the body of a request whose form is somebody else's.
///
/// # Errors
/// As [`read_object`].
pub(crate) fn read_value(body: &[u8]) -> Result<serde_json::Value, ApiError> {
    serde_json::from_str(text_of(body)?).map_err(|e| malformed(&without_place(&e), e.line().max(1), e.column().max(1)))
}

/// A body as text, without a byte order mark.
fn text_of(body: &[u8]) -> Result<&str, ApiError> {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(e) => return Err(not_utf8(body, e.valid_up_to())),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(malformed("the body is empty; send a JSON object", 1, 1));
    }
    Ok(text)
}

/// What kind of value a JSON text is, judged by how it starts.
pub(crate) fn kind_of(text: &str) -> &'static str {
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The parser's words without the place, which is told apart.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn not_utf8(body: &[u8], at: usize) -> ApiError {
    let before = body.get(..at).unwrap_or_default();
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    malformed("the body is not UTF-8", line, column)
}

fn malformed(what: &str, line: usize, column: usize) -> ApiError {
    ApiError::bad_request("malformed_json", format!("malformed JSON at line {line}, column {column}: {what}"))
        .with_data("line", line)
        .with_data("column", column)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use serde_json::Value;

    use super::*;

    async fn error_of(body: &[u8]) -> Value {
        let error = read_object(body).expect_err("malformed");
        let body = axum::body::to_bytes(error.into_response().into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    async fn check(body: impl AsRef<[u8]>, line: u64, column: u64, message: &str) {
        let error = error_of(body.as_ref()).await;
        assert_eq!(
            (
                error["code"].as_u64(),
                error["error"].as_str(),
                error["data"]["line"].as_u64(),
                error["data"]["column"].as_u64()
            ),
            (Some(400), Some("malformed_json"), Some(line), Some(column)),
            "{error}"
        );
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
    }

    #[tokio::test]
    async fn errors_have_a_place() {
        check("", 1, 1, "empty").await;
        check(" \n", 1, 1, "empty").await;
        check("[1]", 1, 1, "not an array").await;
        check("\"x\"", 1, 3, "not a string").await;
        check("nul", 1, 3, "EOF while parsing").await;
        check("{\"a\": nux}", 1, 9, "expected ident").await;
        check("{\"a\": 1\n  \"b\": 2}", 2, 3, "expected `,` or `}`").await;
        check("{\"a\": 1} x", 1, 10, "trailing").await;
        check("{\"a\": 1, \"a\": 2}", 1, 12, "`a` stands twice").await;
        check(b"{\"a\": \"\xff\"}", 1, 8, "UTF-8").await;
        check(b"{\n\"\xc3\"}", 2, 2, "UTF-8").await;
    }

    #[test]
    fn what_nobody_reads_costs_nothing() {
        let deep = format!("{{\"a\": {}{}, \"b\": 1e999999}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read_object(deep.as_bytes()).unwrap().0.len(), 2);
        let many: Vec<_> = (0..40).map(|n| format!("\"f{n}\": {n}")).collect();
        assert_eq!(read_object(format!("{{{}}}", many.join(",")).as_bytes()).unwrap().0.len(), 40);
        assert!(read_object(format!("{{{}, \"f7\": 1}}", many.join(",")).as_bytes()).is_err());
        assert!(read_object(format!("{{{}, \"f33\": 1}}", many.join(",")).as_bytes()).is_err());
        assert_eq!(read_object(b"\xef\xbb\xbf{}").unwrap().0.len(), 0);
    }
}
