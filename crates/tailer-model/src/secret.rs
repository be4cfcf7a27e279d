//! Secrets (`spec/semantics.md`, Secrets): what one looks like in a configuration, how a view hides them, and the type that
//! holds one that was opened.
//!
//! This crate never opens a secret. A shape that cannot be opened is only a warning: where nothing is opened (local
//! stand-ins) a file with shortened secrets deploys as it is.

mod value;

use serde_json::{Map, Value};

pub use value::Secret;

use crate::reader::Fields;

/// What stands for a secret in every view.
pub const HIDDEN: &str = "***";

/// A secret as a configuration has it: closed, or a reference. Does not print, as some write theirs in clear.
#[derive(Clone, PartialEq)]
pub struct Closed(pub Value);

impl std::fmt::Debug for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HIDDEN)
    }
}

const PARTS: [&str; 4] = ["cipher_aes", "tag", "ciphertext", "enc_session_key"];

/// A copy to show: every secret, by its shape, by its parameter's name or by the resource that a constant says it is, is
/// `"***"`.
#[must_use]
pub fn redact(value: &Value) -> Value {
    match value {
        Value::Object(map) if is_encrypted(map) => Value::from(HIDDEN),
        Value::Object(map) => {
            let of_secret = map.get("resource").and_then(Value::as_str).is_some_and(is_secret_name);
            let entry = |(name, value): (&String, &Value)| {
                let named = is_secret_name(name) || (of_secret && name == "value");
                let hidden = named && !value.is_null() && !value.is_boolean();
                let address = ["webhook", "slack"].contains(&name.as_str());
                let shown = if address { without_address(redact(value)) } else { redact(value) };
                (name.clone(), if hidden { Value::from(HIDDEN) } else { shown })
            };
            Value::Object(map.iter().map(entry).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(redact).collect()),
        Value::String(text) if is_secret_text(text) => Value::from(HIDDEN),
        other => other.clone(),
    }
}

/// The same of a configuration that followed `before`: a secret that `before` does not have in any place says that it is new.
#[must_use]
pub fn redact_after(before: &Value, value: &Value) -> Value {
    let mut known = Vec::new();
    hidden(before, &mut known);
    let mut shown = redact(value);
    mark(&known, value, &mut shown);
    shown
}

/// What stands for a secret that the version before did not have.
pub const CHANGED: &str = "*** (changed)";

/// Every value that [`redact`] hides.
fn hidden<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    each_hidden(value, &redact(value), found);
}

fn each_hidden<'a>(value: &'a Value, shown: &Value, found: &mut Vec<&'a Value>) {
    match (value, shown) {
        (value, Value::String(text)) if text == HIDDEN => found.push(value),
        (Value::Object(map), Value::Object(shown)) => {
            map.iter().filter_map(|(name, value)| Some((value, shown.get(name)?))).for_each(|(value, shown)| {
                each_hidden(value, shown, found);
            });
        }
        (Value::Array(items), Value::Array(shown)) => {
            items.iter().zip(shown).for_each(|(value, shown)| each_hidden(value, shown, found));
        }
        _ => {}
    }
}

fn mark(known: &[&Value], value: &Value, shown: &mut Value) {
    match (value, shown) {
        (value, Value::String(text)) if text == HIDDEN && !known.contains(&value) => CHANGED.clone_into(text),
        (Value::Object(map), Value::Object(shown)) => {
            for (name, shown) in shown {
                if let Some(value) = map.get(name) {
                    mark(known, value, shown);
                }
            }
        }
        (Value::Array(items), Value::Array(shown)) => {
            items.iter().zip(shown).for_each(|(value, shown)| mark(known, value, shown));
        }
        _ => {}
    }
}

/// Shorter secrets are not looked for in texts: they would be found in half of all words.
const LEAST_IN_TEXT: usize = 6;

/// The secrets in clear text that a document holds, to be hidden in texts that they were filled into.
#[must_use]
pub fn clear_secrets(document: &Value) -> Vec<Secret<String>> {
    let mut found = Vec::new();
    hidden(document, &mut found);
    let texts = found.into_iter().filter_map(Value::as_str).filter(|text| text.len() >= LEAST_IN_TEXT);
    texts.map(|text| Secret::new(text.to_owned())).collect()
}

/// A text to show: `"***"` for each of the secrets, and for all of it when it holds a private key or the like.
#[must_use]
pub fn redact_text(text: &str, secrets: &[Secret<String>]) -> String {
    if is_secret_text(text) {
        return HIDDEN.to_owned();
    }
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose().as_str(), HIDDEN))
}

/// A private key, or a connection string with its key, wherever it was put.
fn is_secret_text(text: &str) -> bool {
    ["PRIVATE KEY-----", "AccountKey=", "SharedAccessSignature="].iter().any(|mark| text.contains(mark))
}

/// Whoever knows the address of a webhook can call it.
fn without_address(mut hook: Value) -> Value {
    if let Some(url) = hook.get_mut("url").filter(|url| url.is_string()) {
        *url = Value::from(HIDDEN);
    }
    hook
}

/// Two of the parts are enough to be one: an incomplete secret is still nobody's business.
fn is_encrypted(map: &Map<String, Value>) -> bool {
    PARTS.iter().filter(|part| map.contains_key(**part)).count() >= 2
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_lowercase();
    const PARTS: [&str; 9] = [
        "secret",
        "password",
        "passwd",
        "passphrase",
        "private_key",
        "connection_string",
        "credential",
        "token",
        "api_key",
    ];
    PARTS.iter().any(|part| name.contains(part))
}

/// The key of a service account that asks BigQuery and its buckets for one configuration.
pub(crate) fn google_key(fields: &Fields<'_>) -> Option<Closed> {
    read(fields, GOOGLE_KEY).map(Closed)
}

/// The parameter of [`google_key`].
pub const GOOGLE_KEY: &str = "gcp_credentials_secret";

/// Reads a secret parameter: encrypted, `{"env": name}` or `{"file": path}`. Never quotes it in a message.
pub(crate) fn read(fields: &Fields<'_>, name: &'static str) -> Option<Value> {
    let (path, value) = fields.value(name)?;
    let warn = |message: String| fields.reader.warn(&path, message);
    match value {
        Value::Object(map) if map.contains_key("env") || map.contains_key("file") => {
            let one = map.len() == 1 && map.values().all(|v| v.as_str().is_some_and(|s| !s.is_empty()));
            if !one {
                warn("expected {\"env\": \"NAME\"} or {\"file\": \"path\"} and nothing else".to_owned());
            }
        }
        Value::Object(map) => {
            for part in PARTS {
                match map.get(part) {
                    None => warn(format!("\"{part}\" is missing: this secret cannot be decrypted")),
                    Some(Value::String(hex)) if is_hex(hex) => {}
                    Some(_) => warn(format!("\"{part}\" is not hexadecimal: this secret cannot be decrypted")),
                }
            }
        }
        Value::String(_) => warn(
            "a secret in clear text: encrypt it with \"tailerd encrypt\", or use {\"env\": \"NAME\"} or {\"file\": \"path\"}"
                .to_owned(),
        ),
        _ => {
            fields.reader.error(path, "expected an encrypted secret, {\"env\": \"NAME\"} or {\"file\": \"path\"}");
            return None;
        }
    }
    Some(value.clone())
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reader::Reader;

    #[test]
    fn views_hide_secrets_by_shape_and_by_name() {
        let encrypted = json!({"cipher_aes": "aa", "tag": "bb", "ciphertext": "cc", "enc_session_key": "dd"});
        let view = redact(&json!({
            "source": {"gcp_credentials_secret": encrypted, "gcs_source_bucket": "b"},
            "destinations": [{"sftp_password_secret": "clear", "aws_access_key": "AKIA", "aws_access_key_secret": {"env": "X"}}],
            "parameters": {"anything": {"value": encrypted, "type": "object"}},
            "azure_connection_string_secret": null,
            "sftp_authentication_method": "USERNAME_PASSWORD",
            "constants": {"a": {"value": "clear", "resource": "sftp_password"}, "b": {"value": 1, "resource": "value"}},
            "somewhere": ["-----BEGIN PRIVATE KEY-----\nclear", "a=b;AccountKey=clear", "plain"],
            "alert": {"webhook": {"url": "https://clear", "secret": {"env": "X"}}, "slack": {"url": {"env": "Y"}}},
        }));
        assert_eq!(
            view,
            json!({
                "source": {"gcp_credentials_secret": "***", "gcs_source_bucket": "b"},
                "destinations": [{"sftp_password_secret": "***", "aws_access_key": "AKIA", "aws_access_key_secret": "***"}],
                "parameters": {"anything": {"value": "***", "type": "object"}},
                "azure_connection_string_secret": null,
                "sftp_authentication_method": "USERNAME_PASSWORD",
                "constants": {"a": {"value": "***", "resource": "sftp_password"}, "b": {"value": 1, "resource": "value"}},
                "somewhere": ["***", "***", "plain"],
                "alert": {"webhook": {"url": "***", "secret": "***"}, "slack": {"url": {"env": "Y"}}},
            })
        );
    }

    #[test]
    fn a_changed_secret_says_so_and_one_that_moved_does_not() {
        let before = json!({"all": [{"password": "one"}, {"password": "two"}], "n": 1});
        let after = json!({"all": [{"password": "three"}, {"password": "one"}], "token": "two", "n": 2});
        assert_eq!(
            redact_after(&before, &after),
            json!({"all": [{"password": CHANGED}, {"password": "***"}], "token": "***", "n": 2})
        );
        assert_eq!(redact_after(&json!(null), &json!({"password": "x"})), json!({"password": CHANGED}));
    }

    #[test]
    fn secrets_are_hidden_in_texts_too() {
        let document = json!({"parameters": {"key": {"value": "hunter22", "resource": "secret"}, "s": {"value": "x", "resource": "secret"}}});
        let secrets = clear_secrets(&document);
        assert_eq!(redact_text("CALL f('hunter22', 'x')", &secrets), "CALL f('***', 'x')");
        assert_eq!(redact_text("-----BEGIN PRIVATE KEY-----", &[]), "***");
    }

    #[test]
    fn shapes_are_checked_without_quoting() {
        let check = |secret: Value, errors: usize, warnings: usize| {
            let reader = Reader::default();
            let document = json!({ "s": secret });
            let fields = reader.document(&document).unwrap();
            assert_eq!(read(&fields, "s").is_some(), errors == 0, "{document}");
            let (problems, _) = reader.into_parts();
            assert_eq!((problems.errors.len(), problems.warnings.len()), (errors, warnings), "{document}");
            assert!(!format!("{problems:?}").contains("hunter2"));
        };
        check(json!({"cipher_aes": "aa", "tag": "bb", "ciphertext": "cc", "enc_session_key": "0dDd"}), 0, 0);
        check(json!({"cipher_aes": "223xxx", "tag": "8dd", "ciphertext": "4c7xxx", "enc_session_key": "dd"}), 0, 3);
        check(json!({"cipher_aes": "aa"}), 0, 3);
        check(json!({"env": "NAME"}), 0, 0);
        check(json!({"file": "path", "x": "hunter2"}), 0, 1);
        check(json!("hunter2"), 0, 1);
        check(json!(5), 1, 0);
    }
}
