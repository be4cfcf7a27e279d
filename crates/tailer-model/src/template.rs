//! Filename templates and the `{{FD_...}}` names rendered from dates (`spec/semantics.md`, Filename templates).

use jiff::{Timestamp, civil::Date};

/// A compiled filename template, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilenameTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    // CONTRACT: helper model decides
    Literal(String),
}

/// What a file name told: its date and table name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Captures {
    pub date: Option<Date>,
    pub time: Option<String>,
    pub table_name: Option<String>,
}

impl FilenameTemplate {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

// CONTRACT (helper model):
// impl FilenameTemplate {
//     pub fn parse(text: &str) -> Result<Self, String>
//     pub fn any() -> Self  // "*"
//     pub fn matches(&self, name: &str) -> Option<Captures>
// }
// /// Renders `{{FD_DATE}}`, `{{FD_DATE_YEAR_4}}`, ..., in table names and prefixes from a date; `{{FD_TIME}}` HHMMSS from `at`
// /// when given; `{{FD_TABLE_NAME}}` from table_name when given.
// pub fn render(text: &str, date: Date, at: Option<Timestamp>, table_name: Option<&str>) -> String
// /// Names of `{{...}}` placeholders in a text (no spaces inside the braces), in order, without repeats.
// pub fn placeholders(text: &str) -> Vec<String>
