//! Filename templates and the `{{FD_...}}` names rendered from dates (`spec/semantics.md`, Filename templates).
//!
//! Every name but `{{FD_TABLE_NAME}}` stands for a fixed number of characters and that one may stand once only, so a
//! name matches in at most one way and matching takes one pass, however hostile the name.

mod placeholder;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

pub(crate) use placeholder::{Piece, pieces};
pub use placeholder::{placeholders, replace};

use crate::{execution_date::real_date, suggest};

/// Longest `{{FD_BLOB_n}}`: no storage has longer names.
const MAX_BLOB: u32 = 1_024;

/// A compiled filename template, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilenameTemplate {
    text: String,
    /// `None` is `*`.
    parts: Option<Vec<Part>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Date,
    Time,
    Year4,
    Year2,
    Month,
    Day,
    Blob(usize),
    TableName,
}

/// What a file name told: its date and table name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Captures {
    /// From `{{FD_DATE}}`, else from the year, month and day parts.
    pub date: Option<Date>,
    /// The six digits of `{{FD_TIME}}`.
    pub time: Option<String>,
    pub table_name: Option<String>,
}

impl FilenameTemplate {
    /// Compiles a template; `*` matches every name.
    ///
    /// # Errors
    /// In words: empty, an unknown or malformed name in braces, `{{FD_TABLE_NAME}}` twice, or a `|` (it separates the
    /// parts of job ids).
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::any());
        }
        if text.is_empty() {
            return Err("a filename template must not be empty".to_owned());
        }
        if text.contains('|') || text.contains(char::is_control) {
            return Err("a filename template must not contain \"|\" or control characters".to_owned());
        }
        let mut parts = Vec::new();
        for piece in pieces(text) {
            parts.push(match piece {
                Piece::Text(literal) if literal.contains("{{") || literal.contains("}}") => {
                    return Err(format!(
                        "\"{literal}\" holds braces around no name: write names as in \"{{{{FD_DATE}}}}\", without spaces"
                    ));
                }
                Piece::Text(literal) => Part::Literal(literal.to_owned()),
                Piece::Name(name) => Part::named(name)?,
            });
        }
        if parts.iter().filter(|part| **part == Part::TableName).count() > 1 {
            return Err("{{FD_TABLE_NAME}} can stand only once in a filename template".to_owned());
        }
        Ok(Self { text: text.to_owned(), parts: Some(parts) })
    }

    /// `*`: every name, with no captures.
    #[must_use]
    pub fn any() -> Self {
        Self { text: "*".to_owned(), parts: None }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `{{FD_TABLE_NAME}}` is in it.
    #[must_use]
    pub fn captures_table_name(&self) -> bool {
        self.parts.iter().flatten().any(|part| *part == Part::TableName)
    }

    /// What the whole of `name` tells, or `None` when it does not match.
    #[must_use]
    pub fn matches(&self, name: &str) -> Option<Captures> {
        let Some(parts) = &self.parts else { return Some(Captures::default()) };
        let fixed: usize = parts.iter().map(Part::length).sum();
        let spare = name.chars().count().checked_sub(fixed)?;
        if self.captures_table_name() != (spare > 0) {
            return None;
        }
        let mut found = Found::default();
        let mut rest = name;
        for part in parts {
            let length = if *part == Part::TableName { spare } else { part.length() };
            let end = rest.char_indices().nth(length).map_or(rest.len(), |(i, _)| i);
            let (taken, after) = rest.split_at_checked(end)?;
            found.take(part, taken)?;
            rest = after;
        }
        found.captures()
    }
}

impl Part {
    fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "FD_DATE" => Self::Date,
            "FD_TIME" => Self::Time,
            "FD_DATE_YEAR_4" => Self::Year4,
            "FD_DATE_YEAR_2" => Self::Year2,
            "FD_DATE_MONTH" => Self::Month,
            "FD_DATE_DAY" => Self::Day,
            "FD_TABLE_NAME" => Self::TableName,
            _ => return Self::blob(name),
        })
    }

    fn blob(name: &str) -> Result<Self, String> {
        const NAMES: [&str; 8] = [
            "FD_DATE",
            "FD_TIME",
            "FD_DATE_YEAR_4",
            "FD_DATE_YEAR_2",
            "FD_DATE_MONTH",
            "FD_DATE_DAY",
            "FD_BLOB_n",
            "FD_TABLE_NAME",
        ];
        let Some(count) = name.strip_prefix("FD_BLOB_") else {
            let hint = suggest::hint(name, NAMES);
            return Err(format!("{{{{{name}}}}} is not a name of filename templates ({}){hint}", NAMES.join(", ")));
        };
        let all_digits = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
        match count.parse::<u32>() {
            Ok(n) if all_digits && (1..=MAX_BLOB).contains(&n) => Ok(Self::Blob(n as usize)),
            _ => Err(format!("{{{{{name}}}}}: the number of characters must be 1 to {MAX_BLOB}")),
        }
    }

    /// In characters; the least for a table name counts as spare.
    fn length(&self) -> usize {
        match self {
            Self::Literal(text) => text.chars().count(),
            Self::Date => 8,
            Self::Time => 6,
            Self::Year4 => 4,
            Self::Year2 | Self::Month | Self::Day => 2,
            Self::Blob(n) => *n,
            Self::TableName => 0,
        }
    }
}

/// What the parts of a name told so far.
#[derive(Default)]
struct Found {
    date: Option<Date>,
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    time: Option<String>,
    table_name: Option<String>,
}

impl Found {
    /// Keeps what a part captured; the first of two equal parts counts. `None` when the text does not fit.
    fn take(&mut self, part: &Part, text: &str) -> Option<()> {
        match part {
            Part::Literal(literal) => (literal == text).then_some(()),
            Part::Date => {
                let date = real_date(digits(text.get(..4)?)?, digits(text.get(4..6)?)?, digits(text.get(6..)?)?)?;
                self.date.get_or_insert(date);
                Some(())
            }
            Part::Time => {
                digits::<u32>(text)?;
                self.time.get_or_insert_with(|| text.to_owned());
                Some(())
            }
            Part::Year4 => {
                self.year.get_or_insert(digits(text)?);
                Some(())
            }
            Part::Year2 => {
                self.year.get_or_insert(2000 + digits::<i16>(text)?);
                Some(())
            }
            Part::Month => {
                self.month.get_or_insert(digits(text).filter(|month| (1..=12).contains(month))?);
                Some(())
            }
            Part::Day => {
                self.day.get_or_insert(digits(text).filter(|day| (1..=31).contains(day))?);
                Some(())
            }
            Part::Blob(_) => Some(()),
            Part::TableName => {
                let word = text.chars().all(|c| c.is_alphanumeric() || c == '_');
                (!text.is_empty() && word).then(|| self.table_name = Some(text.to_owned()))
            }
        }
    }

    /// `FD_DATE` wins; a year without month or day gives 01 for them; a date that does not exist is no match.
    fn captures(self) -> Option<Captures> {
        let from_parts = match self.year {
            Some(year) => Some(real_date(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?),
            None => None,
        };
        Some(Captures { date: self.date.or(from_parts), time: self.time, table_name: self.table_name })
    }
}

/// A number made of ASCII digits only.
fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Names that [`render`] fills in from a date.
pub(crate) const DATE_NAMES: [&str; 5] =
    ["FD_DATE", "FD_DATE_YEAR_4", "FD_DATE_YEAR_2", "FD_DATE_MONTH", "FD_DATE_DAY"];

/// Renders `{{FD_DATE}}` and its parts from `date`, `{{FD_TIME}}` (HHMMSS, UTC) from `at` when given and
/// `{{FD_TABLE_NAME}}` from `table_name` when given. Everything else stays as it is.
#[must_use]
pub fn render(text: &str, date: Date, at: Option<Timestamp>, table_name: Option<&str>) -> String {
    replace(text, |name| {
        let (year, month, day) = (date.year(), date.month(), date.day());
        Some(match name {
            "FD_DATE" => format!("{year:04}{month:02}{day:02}"),
            "FD_DATE_YEAR_4" => format!("{year:04}"),
            "FD_DATE_YEAR_2" => format!("{:02}", year.rem_euclid(100)),
            "FD_DATE_MONTH" => format!("{month:02}"),
            "FD_DATE_DAY" => format!("{day:02}"),
            "FD_TIME" => {
                let utc = at?.to_zoned(TimeZone::UTC).time();
                format!("{:02}{:02}{:02}", utc.hour(), utc.minute(), utc.second())
            }
            "FD_TABLE_NAME" => table_name?.to_owned(),
            _ => return None,
        })
    })
}

#[cfg(test)]
mod tests;
