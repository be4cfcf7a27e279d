//! Reading a JSON object field by field, gathering every problem with its path.
//!
//! A reader asks for each parameter it knows, by name; what is mistyped becomes an error and reads as absent, so that
//! reading goes on and all problems are found at once. At the end [`Fields::finish`] warns of every parameter that
//! nobody asked for, with the nearest name that was. `null` counts as absent.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde_json::{Map, Value};

use crate::{
    Problems,
    configuration::{FileKind, FileMention},
    json::{describe, member},
    suggest,
    text::Choice,
};

/// What reading one configuration gathers.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) problems: RefCell<Problems>,
    mentions: RefCell<BTreeMap<(String, FileKind), FileMention>>,
}

impl Reader {
    pub(crate) fn error(&self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.borrow_mut().error(path, message);
    }

    pub(crate) fn warn(&self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.borrow_mut().warn(path, message);
    }

    /// The top of a document; an error when it is not an object.
    pub(crate) fn document<'a>(&'a self, value: &'a Value) -> Option<Fields<'a>> {
        self.fields(value, "$".to_owned())
    }

    fn fields<'a>(&'a self, value: &'a Value, path: String) -> Option<Fields<'a>> {
        match value {
            Value::Object(map) => Some(Fields { reader: self, map, path, defaults: None, asked: RefCell::default() }),
            other => {
                self.error(path, format!("expected an object, found {}", describe(other)));
                None
            }
        }
    }

    pub(crate) fn into_parts(self) -> (Problems, Vec<FileMention>) {
        (self.problems.into_inner(), self.mentions.into_inner().into_values().collect())
    }
}

/// One object being read.
pub(crate) struct Fields<'a> {
    pub(crate) reader: &'a Reader,
    map: &'a Map<String, Value>,
    path: String,
    /// Where parameters are looked for that are not given here, and which.
    defaults: Option<(&'a Fields<'a>, &'static [&'static str])>,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<'a> Fields<'a> {
    /// Looks for these parameters in `defaults` when they are not here.
    pub(crate) fn with_defaults(mut self, defaults: &'a Fields<'a>, names: &'static [&'static str]) -> Self {
        defaults.ignore(names);
        self.defaults = Some((defaults, names));
        self
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The path of a parameter of this object.
    pub(crate) fn path_of(&self, name: &str) -> String {
        member(&self.path, name)
    }

    /// Whether a parameter is given here itself.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// An error at a parameter of this object.
    pub(crate) fn error(&self, name: &str, message: impl Into<String>) {
        self.reader.error(self.path_of(name), message);
    }

    pub(crate) fn warn(&self, name: &str, message: impl Into<String>) {
        self.reader.warn(self.path_of(name), message);
    }

    /// A parameter's value with its path, from here or from the defaults.
    pub(crate) fn value(&self, name: &'static str) -> Option<(String, &'a Value)> {
        self.asked.borrow_mut().insert(name);
        if let Some(value) = self.map.get(name).filter(|value| !value.is_null()) {
            return Some((self.path_of(name), value));
        }
        let (defaults, _) = self.defaults.filter(|(_, names)| names.contains(&name))?;
        defaults.value(name)
    }

    /// The path where a parameter is given, or where it would be.
    pub(crate) fn place(&self, name: &'static str) -> String {
        self.value(name).map_or_else(|| self.path_of(name), |(path, _)| path)
    }

    /// Reads a parameter that must be there.
    pub(crate) fn required<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Self, &'static str) -> Option<T>,
    ) -> Option<T> {
        if self.value(name).is_none() {
            let elsewhere = match self.defaults {
                Some((defaults, names)) if names.contains(&name) => {
                    format!(" here, and there is no default at {}", defaults.path_of(name))
                }
                _ => String::new(),
            };
            self.error(name, format!("\"{name}\" is missing{elsewhere}"));
            return None;
        }
        read(self, name)
    }

    fn mistyped<T>(&self, path: String, expected: &str, found: &Value) -> Option<T> {
        let constant = match found {
            Value::String(s) if s.starts_with("{{") && s.ends_with("}}") && !s.starts_with("{{FD_") => {
                "; a constant gets its value from the context given when deploying"
            }
            _ => "",
        };
        self.reader.error(path, format!("expected {expected}, found {}{constant}", describe(found)));
        None
    }

    /// A string, maybe empty.
    pub(crate) fn string(&self, name: &'static str) -> Option<String> {
        match self.value(name)? {
            (_, Value::String(s)) => Some(s.clone()),
            (path, other) => self.mistyped(path, "a string", other),
        }
    }

    /// A string; blank counts as absent.
    pub(crate) fn optional_text(&self, name: &'static str) -> Option<String> {
        self.string(name).filter(|s| !s.trim().is_empty())
    }

    /// A string that is not blank.
    pub(crate) fn text(&self, name: &'static str) -> Option<String> {
        let text = self.string(name)?;
        if text.trim().is_empty() {
            self.reader.error(self.place(name), "must not be empty");
            return None;
        }
        Some(text)
    }

    /// A string that `check` turns into something, or says what is wrong with it.
    pub(crate) fn checked<T>(&self, name: &'static str, check: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        match check(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.reader.error(self.place(name), message);
                None
            }
        }
    }

    /// The same where blanks mean something.
    pub(crate) fn checked_even_blank<T>(
        &self,
        name: &'static str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.string(name)?;
        check(&text).map_err(|message| self.reader.error(self.place(name), message)).ok()
    }

    /// A string with a type of its own.
    pub(crate) fn parsed<T: FromStr<Err: fmt::Display>>(&self, name: &'static str) -> Option<T> {
        let text = self.text(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.mistyped_text(name, &error.to_string(), &text),
        }
    }

    fn mistyped_text<T>(&self, name: &'static str, expected: &str, found: &str) -> Option<T> {
        self.reader.error(self.place(name), format!("{expected}; found {}", describe(&Value::from(found))));
        None
    }

    pub(crate) fn boolean(&self, name: &'static str) -> Option<bool> {
        match self.value(name)? {
            (_, Value::Bool(b)) => Some(*b),
            (path, other) => self.mistyped(path, "true or false (without quotes)", other),
        }
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn integer(&self, name: &'static str, least: i64, most: i64) -> Option<i64> {
        let (path, value) = self.value(name)?;
        let expected = if most == i64::MAX {
            format!("a whole number from {least} on")
        } else {
            format!("a whole number from {least} to {most}")
        };
        match value.as_i64().filter(|n| (least..=most).contains(n)) {
            Some(n) => Some(n),
            None => self.mistyped(path, &expected, value),
        }
    }

    /// A whole number from `least` on that fits.
    pub(crate) fn count(&self, name: &'static str, least: u32) -> Option<u32> {
        self.integer(name, i64::from(least), i64::from(u32::MAX)).and_then(|n| u32::try_from(n).ok())
    }

    /// One of a few words; case does not count.
    pub(crate) fn choice<T: Choice>(&self, name: &'static str) -> Option<T> {
        let (path, value) = self.value(name)?;
        let words = || T::CHOICES.iter().map(|(word, _)| *word);
        let Value::String(text) = value else {
            return self.mistyped(path, &one_of(words()), value);
        };
        let found = T::CHOICES.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
        if found.is_none() {
            let hint = suggest::hint(text, words());
            self.reader.error(path, format!("expected {}, found {}{hint}", one_of(words()), describe(value)));
        }
        found.map(|(_, choice)| *choice)
    }

    /// An object to read.
    pub(crate) fn object(&self, name: &'static str) -> Option<Fields<'a>> {
        let (path, value) = self.value(name)?;
        self.reader.fields(value, path)
    }

    /// A list of whatever.
    pub(crate) fn list(&self, name: &'static str) -> Option<&'a [Value]> {
        match self.value(name)? {
            (_, Value::Array(items)) => Some(items),
            (path, other) => self.mistyped(path, "an array", other),
        }
    }

    /// A list of objects with at least one entry; entries that are no objects are errors and left out.
    pub(crate) fn objects(&self, name: &'static str) -> Option<Vec<Fields<'a>>> {
        let items = self.list(name)?;
        let path = self.place(name);
        if items.is_empty() {
            self.reader.error(path, "must have at least one entry");
            return None;
        }
        let entries = items.iter().enumerate().map(|(i, item)| self.reader.fields(item, format!("{path}[{i}]")));
        Some(entries.flatten().collect())
    }

    /// Whether every entry of a list is an object: otherwise what [`Self::objects`] gives is not all there is.
    pub(crate) fn holds_only_objects(&self, name: &'static str) -> bool {
        matches!(self.value(name), Some((_, Value::Array(items))) if items.iter().all(Value::is_object))
    }

    /// A list of strings; other entries are errors and left out.
    pub(crate) fn strings(&self, name: &'static str) -> Option<Vec<String>> {
        let items = self.list(name)?;
        let path = self.place(name);
        let entry = |(i, item): (usize, &Value)| match item {
            Value::String(s) => Some(s.clone()),
            other => self.mistyped(format!("{path}[{i}]"), "a string", other),
        };
        Some(items.iter().enumerate().filter_map(entry).collect())
    }

    /// A file that comes with the configuration: a relative path that stays below the configuration's folder.
    pub(crate) fn file(&self, name: &'static str, kind: FileKind) -> Option<String> {
        let file = self.checked(name, |text| file_name(text).map(|()| text.to_owned()))?;
        let mention = FileMention { name: file.clone(), path: self.place(name), kind };
        self.reader.mentions.borrow_mut().entry((file.clone(), kind)).or_insert(mention);
        Some(file)
    }

    /// A Markdown file; blank counts as absent.
    pub(crate) fn markdown(&self, name: &'static str) -> Option<String> {
        self.optional_text(name)?;
        self.file(name, FileKind::Markdown)
    }

    /// Parameters that are known and mean nothing here, silently.
    pub(crate) fn ignore(&self, names: &[&'static str]) {
        self.asked.borrow_mut().extend(names.iter().copied());
    }

    /// Parameters that are known but mean nothing here, with a warning that says where.
    pub(crate) fn meaningless(&self, names: &[&'static str], here: &str) {
        for name in names.iter().copied() {
            if self.asked.borrow_mut().insert(name) && self.has(name) {
                self.warn(name, format!("\"{name}\" means nothing {here}: ignored"));
            }
        }
    }

    /// Warns of every parameter nobody asked for.
    pub(crate) fn finish(&self) {
        let asked = self.asked.borrow();
        for name in self.map.keys().filter(|name| !asked.contains(name.as_str())) {
            let hint = suggest::hint(name, asked.iter().copied().filter(|known| !self.map.contains_key(*known)));
            self.warn(name, format!("unknown parameter \"{name}\", ignored{hint}"));
        }
    }

    /// The names of the members, for objects whose names are free.
    pub(crate) fn entries(&self) -> Vec<(&'a str, String, &'a Value)> {
        self.map.iter().map(|(name, value)| (name.as_str(), self.path_of(name), value)).collect()
    }

    /// The member of an object with free names, as an object to read.
    pub(crate) fn entry(&self, path: String, value: &'a Value) -> Option<Fields<'a>> {
        self.reader.fields(value, path)
    }
}

fn one_of<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let quoted: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    if quoted.len() == 1 { quoted.concat() } else { format!("one of {}", quoted.join(", ")) }
}

/// Whether a name can be that of a file beside the configuration.
fn file_name(name: &str) -> Result<(), String> {
    let drive = name.as_bytes().get(1) == Some(&b':');
    if name.starts_with(['/', '~']) || drive {
        return Err("expected a path relative to the configuration's folder".to_owned());
    }
    if name.contains('\\') || name.contains(char::is_control) {
        return Err("expected a path with \"/\" between folders and no control characters".to_owned());
    }
    if name.split('/').any(|part| part == "..") {
        return Err("the path must stay inside the configuration's folder: \"..\" is not allowed".to_owned());
    }
    if name.ends_with('/') {
        return Err("expected a file, found a folder".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What `read` says of an object, as `path: message` lines, warnings in front marked `?`.
    fn problems(value: Value, read: impl FnOnce(&Fields<'_>)) -> Vec<String> {
        let reader = Reader::default();
        if let Some(fields) = reader.document(&value) {
            read(&fields);
            fields.finish();
        }
        let (problems, _) = reader.into_parts();
        let line = |mark: &str, p: &crate::Problem| format!("{mark}{}: {}", p.path, p.message);
        let warnings = problems.warnings.iter().map(|p| line("? ", p));
        warnings.chain(problems.errors.iter().map(|p| line("", p))).collect()
    }

    #[test]
    fn mistyped_says_expected_and_found() {
        let found = problems(json!({"a": 3, "b": "true", "c": "5", "d": -1, "e": {}, "f": " "}), |fields| {
            assert_eq!(fields.string("a"), None);
            assert_eq!(fields.boolean("b"), None);
            assert_eq!(fields.count("c", 1), None);
            assert_eq!(fields.count("d", 0), None);
            assert!(fields.list("e").is_none());
            assert_eq!(fields.text("f"), None);
            assert_eq!(fields.required("g", Fields::text), None);
        });
        assert_eq!(
            found,
            [
                "$.a: expected a string, found the number 3",
                "$.b: expected true or false (without quotes), found the string \"true\"",
                "$.c: expected a whole number from 1 to 4294967295, found the string \"5\"",
                "$.d: expected a whole number from 0 to 4294967295, found the number -1",
                "$.e: expected an array, found an object",
                "$.f: must not be empty",
                "$.g: \"g\" is missing",
            ]
        );
    }

    #[test]
    fn unknown_parameters_are_warned_of() {
        let found = problems(json!({"sqlfile": "a", "other": 1, "$schema": "x"}), |fields| {
            fields.ignore(&["$schema"]);
            fields.optional_text("sql_file");
        });
        assert_eq!(
            found,
            [
                "? $.sqlfile: unknown parameter \"sqlfile\", ignored; did you mean \"sql_file\"?",
                "? $.other: unknown parameter \"other\", ignored",
            ]
        );
    }

    #[test]
    fn the_top_must_be_an_object() {
        assert_eq!(problems(json!([1]), |_| ()), ["$: expected an object, found an array"]);
    }

    #[test]
    fn files_stay_below_the_configuration() {
        for good in ["a.sql", "sql/a.sql", "./a.sql", "a..b.sql", "été.sql"] {
            assert_eq!(file_name(good), Ok(()), "{good}");
        }
        for bad in ["/a.sql", "../a.sql", "a/../../b", "a\\b.sql", "C:a.sql", "~/a.sql", "a/", "a\n.sql"] {
            assert!(file_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn defaults_are_looked_up_by_name() {
        let value = json!({"bucket": "b", "x": 1, "tasks": [{"y": 2}]});
        let reader = Reader::default();
        let top = reader.document(&value).unwrap();
        let tasks = top.objects("tasks").unwrap();
        let task = tasks.into_iter().next().unwrap().with_defaults(&top, &["bucket", "z"]);
        assert_eq!(task.text("bucket").as_deref(), Some("b"));
        assert_eq!(task.value("x"), None);
        assert_eq!(task.required("z", Fields::text), None);
        let problems = reader.problems.borrow();
        assert_eq!(problems.errors[0].message, "\"z\" is missing here, and there is no default at $.z");
    }
}
