//! Takes typed fields out of a request, gathering every missing or mistyped one before complaining (`spec/api.md`, Errors).
//!
//! A request is declared once with [`request!`]: the declaration is the parser and, through [`Slot::describe`], the OpenAPI
//! schema. What a value looks like is said by its type's [`Field`] (`values`).

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{json, value::RawValue};
use utoipa::openapi::schema::Schema;

use crate::{
    errors::ApiError,
    json::{Object, kind_of},
};

/// A type that a field of a request can have.
pub(crate) trait Field: Sized {
    /// What the field takes, in words that continue "expects".
    const EXPECTED: &'static str;
    /// Reads the raw JSON value, which is never `null`.
    fn read(raw: &RawValue) -> Result<Self, Mistake>;
    /// The same for the OpenAPI document.
    fn schema() -> Schema;
}

/// What is wrong with a field's value.
#[derive(Debug)]
pub(crate) enum Mistake {
    /// The value is not what [`Field::EXPECTED`] says.
    Value,
    /// Some places below it are not: their path below the field (`[2]`, `.name`) and what each expects.
    Below(Vec<(String, String)>),
}

/// One thing that a request lacks or gets wrong.
#[derive(Debug, Serialize)]
struct FieldProblem {
    field: String,
    expected: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    #[serde(skip)]
    hint: Option<String>,
}

/// The fields of a request while they are being read.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    entries: Vec<Entry<'a>>,
    problems: Vec<FieldProblem>,
    /// All fields that the action knows have been asked for.
    complete: bool,
}

#[derive(Debug)]
struct Entry<'a> {
    name: Cow<'a, str>,
    raw: &'a RawValue,
    known: bool,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(object: Object<'a>) -> Self {
        let entries = object.0.into_iter().map(|(name, raw)| Entry { name, raw, known: false }).collect();
        Self { entries, problems: Vec::new(), complete: false }
    }

    /// The raw value of a field that is there and not `null`.
    pub(crate) fn raw(&mut self, name: &str) -> Option<&'a RawValue> {
        let entry = self.entries.iter_mut().find(|entry| entry.name == name)?;
        entry.known = true;
        (entry.raw.get() != "null").then_some(entry.raw)
    }

    /// `None` when it is missing or mistyped, which is remembered.
    pub(crate) fn required<T: Field>(&mut self, name: &'static str) -> Option<T> {
        match self.raw(name) {
            Some(raw) => self.read(name, raw),
            None => {
                self.missing(name, T::EXPECTED);
                None
            }
        }
    }

    /// `Some(None)` when it is absent, `None` when it is mistyped, which is remembered.
    #[expect(clippy::option_option, reason = "the outer one is whether the request can go on")]
    pub(crate) fn optional<T: Field>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.raw(name) {
            Some(raw) => self.read(name, raw).map(Some),
            None => Some(None),
        }
    }

    /// Remembers that a field should have been there.
    pub(crate) fn missing(&mut self, name: &str, expected: &'static str) {
        self.problems.push(FieldProblem { field: name.to_owned(), expected: expected.into(), found: None, hint: None });
    }

    /// The 400 for a field whose value does not fit the action.
    pub(crate) fn unfit(&mut self, name: &str, expected: &'static str, found: &str) -> ApiError {
        let found = Some(found.to_owned());
        self.problems.push(FieldProblem { field: name.to_owned(), expected: expected.into(), found, hint: None });
        self.error()
    }

    fn read<T: Field>(&mut self, name: &str, raw: &RawValue) -> Option<T> {
        match T::read(raw) {
            Ok(value) => return Some(value),
            Err(Mistake::Value) => self.problems.push(FieldProblem {
                field: name.to_owned(),
                expected: T::EXPECTED.into(),
                found: Some(shown(raw)),
                hint: None,
            }),
            Err(Mistake::Below(places)) => self.problems.extend(places.into_iter().map(|(below, expected)| {
                FieldProblem { field: format!("{name}{below}"), expected: expected.into(), found: None, hint: None }
            })),
        }
        None
    }

    /// Says that every field the action knows has been asked for.
    ///
    /// # Errors
    /// 400 `invalid_fields` naming every field that is missing or mistyped.
    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        self.complete = true;
        if self.problems.is_empty() { Ok(()) } else { Err(self.error()) }
    }

    /// Names of fields that nothing asked for; empty until the action has asked for all it knows.
    pub(crate) fn ignored(&self) -> Vec<String> {
        if !self.complete {
            return Vec::new();
        }
        self.entries.iter().filter(|e| !e.known).take(50).map(|e| e.name.clone().into_owned()).collect()
    }

    /// The 400 that names all problems.
    pub(crate) fn error(&mut self) -> ApiError {
        self.complete = true;
        let ignored = self.ignored();
        for problem in &mut self.problems {
            if problem.found.is_none() {
                problem.hint = ignored.iter().find(|name| looks_like(name, &problem.field)).cloned();
            }
        }
        let words: Vec<_> = self.problems.iter().map(FieldProblem::in_words).collect();
        ApiError::bad_request("invalid_fields", words.join("; "))
            .with_data("fields", json!(self.problems))
            .with_ignored(ignored)
    }
}

impl FieldProblem {
    fn in_words(&self) -> String {
        let Self { field, expected, found, hint } = self;
        match (found, hint) {
            (Some(found), _) => format!("`{field}` expects {expected}, found {found}"),
            (None, Some(hint)) => format!("`{field}` is missing (is `{hint}` meant?): it expects {expected}"),
            (None, None) if field.contains(['.', '[']) => format!("`{field}` expects {expected}"),
            (None, None) => format!("`{field}` is missing: it expects {expected}"),
        }
    }
}

fn looks_like(name: &str, field: &str) -> bool {
    name.len() <= 64 && strsim::damerau_levenshtein(name, field) <= 2
}

/// A value as an error shows it: short scalars as written, the rest by kind.
fn shown(raw: &RawValue) -> String {
    let text = raw.get();
    let kind = kind_of(text);
    if matches!(kind, "an object" | "an array") {
        return kind.to_owned();
    }
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}… ({kind} of {} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// A place in a request declaration: a required field, an optional one, or several fields read together.
pub(crate) trait Slot: Sized {
    /// `None` when a problem was remembered.
    fn take(fields: &mut Fields<'_>, name: &'static str) -> Option<Self>;
    /// What the OpenAPI document says of it.
    fn describe(name: &'static str, doc: &'static str, into: &mut Vec<FieldDoc>);
}

/// One property of a request's schema.
pub(crate) struct FieldDoc {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) required: bool,
    pub(crate) schema: Schema,
}

impl<T: Field> Slot for T {
    fn take(fields: &mut Fields<'_>, name: &'static str) -> Option<Self> {
        fields.required(name)
    }
    fn describe(name: &'static str, doc: &'static str, into: &mut Vec<FieldDoc>) {
        into.push(FieldDoc { name, doc, required: true, schema: T::schema() });
    }
}

impl<T: Field> Slot for Option<T> {
    fn take(fields: &mut Fields<'_>, name: &'static str) -> Option<Self> {
        fields.optional(name)
    }
    fn describe(name: &'static str, doc: &'static str, into: &mut Vec<FieldDoc>) {
        into.push(FieldDoc { name, doc, required: false, schema: T::schema() });
    }
}

/// A request that was declared with [`request!`].
pub(crate) trait Request: Sized {
    /// Reads all its fields.
    ///
    /// # Errors
    /// 400 `invalid_fields` naming every field that is missing or mistyped.
    fn read(fields: &mut Fields<'_>) -> Result<Self, ApiError>;
    fn describe() -> Vec<FieldDoc>;
}

/// Declares the fields of an action beside `action` itself. `Option` makes a field optional; `null` is the same as absent.
macro_rules! request {
    ($(#[doc = $about:literal])* $name:ident { $($(#[doc = $doc:literal])* $field:ident: $slot:ty),+ $(,)? }) => {
        $(#[doc = $about])*
        #[derive(Debug)]
        pub(crate) struct $name { $($(#[doc = $doc])* pub(crate) $field: $slot),+ }

        impl $crate::fields::Request for $name {
            fn read(fields: &mut $crate::fields::Fields<'_>) -> Result<Self, $crate::errors::ApiError> {
                $(let $field = <$slot as $crate::fields::Slot>::take(fields, stringify!($field));)+
                fields.check()?;
                match ($($field,)+) {
                    ($(Some($field),)+) => Ok(Self { $($field),+ }),
                    _ => Err(fields.error()),
                }
            }
            fn describe() -> Vec<$crate::fields::FieldDoc> {
                let mut docs = Vec::new();
                $(<$slot as $crate::fields::Slot>::describe(
                    stringify!($field),
                    concat!($($doc),*).trim_ascii_start(),
                    &mut docs,
                );)+
                docs
            }
        }
    };
}
pub(crate) use request;
