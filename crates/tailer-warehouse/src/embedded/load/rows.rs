//! CSV files into a batcher: fields meet columns by position.

use super::{
    batch::{Bad, Batcher, bad_value},
    builder::Builder,
    csv::{self, Dialect, FieldText, Read, Record},
    input::Lines,
    schema::CsvSchema,
};
use crate::{Load, WarehouseError};

/// What an absent value looks like.
#[derive(Debug, Clone, Copy)]
struct Nulls<'a> {
    marker: &'a str,
}

pub(crate) fn load_csv(
    batcher: &mut Batcher<'_>,
    load: &Load,
    schema: &CsvSchema,
    dialect: Dialect,
) -> Result<(), WarehouseError> {
    let nulls = Nulls { marker: load.options.null_marker.as_deref().unwrap_or("") };
    for path in &load.files {
        let mut lines = Lines::open(path)?;
        let mut record = Record::default();
        let mut to_skip = schema.skip;
        loop {
            let read = csv::next(&mut lines, dialect, &mut record)?;
            match read {
                Read::End => break,
                _ if to_skip > 0 => to_skip -= 1,
                Read::Bad(reason) => {
                    let bad = Bad { column: None, reason };
                    batcher.reject(bad, lines.file_name(), record.line, record.raw())?;
                }
                // A line without anything is a NULL in a table of one column, and no row elsewhere.
                Read::Record if record.is_blank() && schema.fields.len() != 1 => {}
                Read::Record => {
                    let result = row(batcher, load, schema.fields.len(), nulls, &record);
                    batcher.end_row(result, lines.file_name(), record.line, record.raw())?;
                }
            }
        }
    }
    Ok(())
}

/// Gives every column its value; the first thing that is wrong with the row.
fn row(batcher: &mut Batcher<'_>, load: &Load, width: usize, nulls: Nulls<'_>, record: &Record) -> Result<(), Bad> {
    let mut result = count(load, width, record);
    for (index, column) in batcher.columns.iter_mut().enumerate() {
        let added = index.checked_sub(width).and_then(|index| load.added_columns.get(index));
        let given = match added {
            Some((_, constant)) => column.builder.text(constant),
            None => match record.field(index).filter(|field| !nulls.is_null(*field, &column.builder)) {
                Some(field) => column.builder.text(field.text),
                None => {
                    column.builder.null();
                    if column.required {
                        Err("the column is REQUIRED and the value is missing".to_owned())
                    } else {
                        Ok(())
                    }
                }
            },
        };
        result = result.and_then(|()| given.map_err(|reason| bad_value(&column.name, reason)));
    }
    result
}

fn count(load: &Load, width: usize, record: &Record) -> Result<(), Bad> {
    let found = record.len();
    let bad =
        |hint: &str| Bad { column: None, reason: format!("the line has {found} values for {width} columns ({hint})") };
    if found > width && !load.options.ignore_unknown_values {
        Err(bad("is the field delimiter right? `bq_load_job_ignore_unknown_values` drops the surplus"))
    } else if found < width && !load.options.allow_jagged_rows {
        Err(bad("is the field delimiter right? `bq_load_job_allow_jagged_rows` fills up with NULL"))
    } else {
        Ok(())
    }
}

impl Nulls<'_> {
    /// The marker stands for NULL when it is not quoted. An empty text is no number or date either way: with the
    /// default marker it is NULL there even when quoted.
    fn is_null(self, field: FieldText<'_>, builder: &Builder) -> bool {
        if field.text != self.marker {
            return false;
        }
        !field.quoted || (self.marker.is_empty() && !matches!(builder, Builder::String(_) | Builder::Bytes(_)))
    }
}
