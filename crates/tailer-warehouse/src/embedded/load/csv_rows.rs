//! CSV records into columns: fields meet columns by position.

use tailer_model::operation::storage_to_tables::LoadOptions;

use super::{
    builder::Builder,
    csv::{self, Dialect, Ending, Field},
    reader::{Column, Format, Read},
    rejects::Bad,
};

/// How the records of a load are read.
#[derive(Debug)]
pub(crate) struct CsvRows {
    dialect: Dialect,
    /// What an absent value looks like.
    null_marker: String,
    ignore_unknown_values: bool,
    allow_jagged_rows: bool,
}

impl CsvRows {
    pub(crate) fn new(dialect: Dialect, options: &LoadOptions) -> Self {
        Self {
            dialect,
            null_marker: options.null_marker.clone().unwrap_or_default(),
            ignore_unknown_values: options.ignore_unknown_values,
            allow_jagged_rows: options.allow_jagged_rows,
        }
    }

    /// Gives every column its value; the first thing that is wrong with the row.
    fn row(&self, text: &str, fields: &[Field], columns: &mut [Column]) -> Result<(), Bad> {
        let mut result = self.count(fields.len(), columns.len());
        for (index, column) in columns.iter_mut().enumerate() {
            let given = match fields.get(index).filter(|field| !self.is_null(**field, text, &column.builder)) {
                Some(field) => {
                    let value = field.text(text, self.dialect);
                    column.builder.text(&value).map_err(|reason| Bad::value(&column.name, reason))
                }
                None => column.absent(),
            };
            if given.is_err() && result.is_ok() {
                result = given;
            }
        }
        result
    }

    fn count(&self, found: usize, width: usize) -> Result<(), Bad> {
        let bad = |hint: &str| Bad::line(format!("the line has {found} values for {width} columns ({hint})"));
        if found > width && !self.ignore_unknown_values {
            Err(bad("is the field delimiter right? `bq_load_job_ignore_unknown_values` drops the surplus"))
        } else if found < width && !self.allow_jagged_rows {
            Err(bad("is the field delimiter right? `bq_load_job_allow_jagged_rows` fills up with NULL"))
        } else {
            Ok(())
        }
    }

    /// The marker stands for NULL when it is not quoted. An empty text is no number or date either way: with the
    /// default marker it is NULL there even when quoted.
    fn is_null(&self, field: Field, text: &str, builder: &Builder) -> bool {
        let content = text.as_bytes().get(field.start..field.end).unwrap_or_default();
        if content != self.null_marker.as_bytes() {
            return false;
        }
        !field.quoted || (self.null_marker.is_empty() && !matches!(builder, Builder::String(_) | Builder::Bytes(_)))
    }
}

impl Format for CsvRows {
    type Scratch = Vec<Field>;

    fn read(&self, text: &str, at: usize, columns: &mut [Column], fields: &mut Vec<Field>) -> (usize, Read) {
        fields.clear();
        let (end, ending) = csv::read(text.as_bytes(), at, self.dialect, &mut |field| fields.push(field));
        let read = match ending {
            Ending::Malformed(reason) => Read::Malformed(Bad::line(reason)),
            Ending::Open => Read::Malformed(Bad::line(csv::NEVER_CLOSED)),
            Ending::Whole | Ending::Cut => {
                let blank = matches!(fields.as_slice(), [only] if only.start == only.end && !only.quoted);
                // A line without anything is a NULL in a table of one column, and no row elsewhere.
                if blank && columns.len() != 1 { Read::Blank } else { Read::Row(self.row(text, fields, columns)) }
            }
        };
        (end, read)
    }

    fn spans_lines(&self) -> bool {
        self.dialect.spans_lines()
    }
}
