//! What the doctor found, printed line by line as it is found, or as one JSON document at the end.

use serde::Serialize;
use serde_json::json;

use crate::{failure::Exit, output};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    Ok,
    /// Works, or was not tried; somebody should look at it.
    Warning,
    /// Will not work.
    Error,
}

/// One line of the result.
#[derive(Debug, Serialize)]
struct Finding {
    /// What was tried, such as `storage gs://sales`.
    check: String,
    level: Level,
    message: String,
    /// What to do about it.
    hint: Option<String>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Findings {
    as_json: bool,
    all: Vec<Finding>,
}

impl Findings {
    pub(super) fn new(as_json: bool) -> Self {
        Self { as_json, all: Vec::new() }
    }

    pub(super) fn ok(&mut self, check: &str, message: impl Into<String>) {
        self.add(check, Level::Ok, message.into(), None);
    }

    pub(super) fn warning(&mut self, check: &str, message: impl Into<String>, hint: &str) {
        self.add(check, Level::Warning, message.into(), Some(hint));
    }

    pub(super) fn error(&mut self, check: &str, message: impl Into<String>, hint: &str) {
        self.add(check, Level::Error, message.into(), Some(hint));
    }

    fn add(&mut self, check: &str, level: Level, message: String, hint: Option<&str>) {
        if !self.as_json {
            let word = match level {
                Level::Ok => "ok",
                Level::Warning => "warning",
                Level::Error => "error",
            };
            output::line(format!("{word:<8} {check}: {}", message.replace('\n', "\n         ")));
            if let Some(hint) = hint {
                output::line(format!("         hint: {hint}"));
            }
        }
        self.all.push(Finding { check: check.to_owned(), level, message, hint: hint.map(str::to_owned) });
    }

    fn count(&self, level: Level) -> usize {
        self.all.iter().filter(|finding| finding.level == level).count()
    }

    /// Prints what remains to be printed.
    pub(super) fn finish(self) -> Exit {
        let (errors, warnings) = (self.count(Level::Error), self.count(Level::Warning));
        if self.as_json {
            output::json(&json!({ "errors": errors, "warnings": warnings, "findings": self.all }));
        } else {
            output::note(format!("{} checked: errors {errors}, warnings {warnings}", self.all.len()));
        }
        if errors == 0 { Exit::Done } else { Exit::Failed }
    }
}
