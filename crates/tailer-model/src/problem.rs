//! What is wrong with an input: every problem at once, each with its place.

use serde::Serialize;

/// In characters.
const MAX_PATH: usize = 300;
const MAX_MESSAGE: usize = 700;
/// Errors, and as many warnings, that are kept of one input: a person reads them.
const MAX_PROBLEMS: usize = 500;

/// One thing wrong with one place of a configuration or of a file that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// File the problem is in, as its author named it; `None` for a body without a file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// JSON path such as `$.workflow[2].sql_file`.
    pub path: String,
    /// One-based, for JSON syntax errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// One-based, for JSON syntax errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// Texts that were quoted from the input are cut and lose their control characters: problems go to terminals, logs
    /// and strangers.
    #[must_use]
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        let (path, message) = (shown(path.into(), MAX_PATH), shown(message.into(), MAX_MESSAGE));
        Self { file: None, path, line: None, column: None, message }
    }
}

/// Errors and warnings gathered while reading one configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    pub errors: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

impl Problems {
    pub fn error(&mut self, path: impl Into<String>, message: impl Into<String>) {
        keep(&mut self.errors, Problem::at(path, message));
    }

    /// The same for problems that have more of a place than a path.
    pub(crate) fn add(&mut self, harmless: bool, problem: Problem) {
        keep(if harmless { &mut self.warnings } else { &mut self.errors }, problem);
    }

    pub fn warn(&mut self, path: impl Into<String>, message: impl Into<String>) {
        keep(&mut self.warnings, Problem::at(path, message));
    }
}

/// Keeps a problem once, and says when there are too many.
fn keep(problems: &mut Vec<Problem>, problem: Problem) {
    if problems.len() > MAX_PROBLEMS || problems.contains(&problem) {
        return;
    }
    if problems.len() == MAX_PROBLEMS {
        problems.push(Problem::at("$", format!("more than {MAX_PROBLEMS} problems: the rest is not shown")));
    } else {
        problems.push(problem);
    }
}

fn shown(text: String, longest: usize) -> String {
    let text = if text.contains(char::is_control) { text.replace(char::is_control, "\u{fffd}") } else { text };
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_input_is_harmless() {
        let problem = Problem::at("$.a", format!("found {}\u{1b}[31m", "x".repeat(5_000)));
        assert_eq!(problem.message.chars().count(), MAX_MESSAGE + 3);
        assert_eq!(Problem::at("$", "a\u{1b}[31mb\n").message, "a\u{fffd}[31mb\u{fffd}");
    }

    #[test]
    fn the_same_is_said_once_and_no_more_than_a_person_reads() {
        let mut problems = Problems::default();
        for i in 0..2_000 {
            problems.error(format!("$[{i}]"), "bad");
            problems.error(format!("$[{i}]"), "bad");
        }
        assert_eq!(problems.errors.len(), MAX_PROBLEMS + 1);
        assert!(problems.errors[MAX_PROBLEMS].message.contains("not shown"));
    }
}
