//! Newline-delimited JSON: one object a line, members meet columns by name. Numbers keep every digit: a value is read as
//! the text that it is, when its column is known.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    reader::{Column, Format, Read},
    rejects::Bad,
};

/// A value whose members are not read yet.
#[derive(Debug)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(Vec<&'a RawValue>),
    Object(Members<'a>),
}

impl<'a> Json<'a> {
    /// The text is known to be JSON.
    pub(crate) fn of(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'"') => Self::Text(serde_json::from_str::<Text<'a>>(text)?.0),
            Some(b'[') => Self::Array(serde_json::from_str(text)?),
            Some(b'{') => Self::Object(serde_json::from_str(text)?),
            _ => Self::Number(text),
        })
    }
}

/// An object's members in order. A repeated name means its last value.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// A member by its name, whose case does not count. `likely` is where it stands when members come in the order of columns.
    pub(crate) fn get(&self, name: &str, likely: usize) -> Option<&'a RawValue> {
        match self.0.get(likely) {
            // Only the last of the same name counts, and there are not many members.
            Some((key, value)) if key == name && !self.repeats(name, likely) => Some(value),
            _ => {
                let last = |same: &dyn Fn(&str) -> bool| {
                    self.0.iter().rev().find(|(key, _)| same(key)).map(|(_, value)| *value)
                };
                last(&|key| key == name).or_else(|| last(&|key| key.eq_ignore_ascii_case(name)))
            }
        }
    }

    fn repeats(&self, name: &str, at: usize) -> bool {
        self.0.iter().skip(at + 1).any(|(key, _)| key == name)
    }
}

/// A string, borrowed when it holds no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Strings;
        impl<'de> Visitor<'de> for Strings {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(text.into()))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Strings)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Objects;
        impl<'de> Visitor<'de> for Objects {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((name.0, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Objects)
    }
}

/// The object that a line is.
pub(crate) fn object(line: &str) -> Result<Members<'_>, Bad> {
    if line.trim_start().starts_with('{') {
        return serde_json::from_str(line).map_err(|error| {
            Bad::line(format!("the line is not JSON (character {}): {}", error.column(), shown(&error)))
        });
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(line) {
        Ok(_) => Err(Bad::line("the line is not a JSON object")),
        Err(error) => Err(Bad::line(format!("the line is not JSON (character {}): {}", error.column(), shown(&error)))),
    }
}

/// The message without the place, which is a line of its own here.
fn shown(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// How the lines of a load are read.
#[derive(Debug)]
pub(crate) struct JsonRows {
    pub(crate) ignore_unknown_values: bool,
}

impl JsonRows {
    fn row(&self, object: &Members<'_>, columns: &mut [Column]) -> Result<(), Bad> {
        let mut result = self.known(object, columns);
        for (index, column) in columns.iter_mut().enumerate() {
            let given = match object.get(&column.name, index).filter(|value| value.get() != "null") {
                Some(value) => column
                    .builder
                    .json(value, self.ignore_unknown_values)
                    .map_err(|reason| Bad::value(&column.name, reason)),
                None => column.absent(),
            };
            if given.is_err() && result.is_ok() {
                result = given;
            }
        }
        result
    }

    fn known(&self, object: &Members<'_>, columns: &[Column]) -> Result<(), Bad> {
        if self.ignore_unknown_values {
            return Ok(());
        }
        for (index, (key, _)) in object.0.iter().enumerate() {
            let in_order = columns.get(index).is_some_and(|column| column.name == *key);
            if !in_order && !columns.iter().any(|column| column.name.eq_ignore_ascii_case(key)) {
                let reason = "there is no such column (bq_load_job_ignore_unknown_values drops it)";
                return Err(Bad::value(key, reason.to_owned()));
            }
        }
        Ok(())
    }
}

impl Format for JsonRows {
    type Scratch = ();

    fn read(&self, text: &str, at: usize, columns: &mut [Column], (): &mut ()) -> (usize, Read) {
        let rest = text.get(at..).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |at| at + 1);
        let line = rest.get(..length).unwrap_or_default();
        let read = if line.trim_ascii().is_empty() {
            Read::Blank
        } else {
            match object(line) {
                Ok(object) => Read::Row(self.row(&object, columns)),
                Err(bad) => Read::Malformed(bad),
            }
        };
        (at + length, read)
    }
}
