//! Rows on their way into a table: built column by column, handed to DuckDB's appender in batches, bad ones counted
//! and left out within the limit.

use duckdb::{
    Appender,
    arrow::{
        array::{BooleanArray, RecordBatch},
        compute::filter_record_batch,
        datatypes::{Field as ArrowField, Schema},
    },
};
use std::sync::Arc;

use super::builder::{Builder, Reason, shortened};
use crate::{
    RejectedLine, WarehouseError,
    embedded::{
        errors::{from_duckdb, invalid},
        session::Session,
        types::Type,
    },
};

/// Rows in a batch: several of DuckDB's vectors.
const BATCH_ROWS: usize = 16_384;

/// The text of a rejected line that is kept.
const KEPT_TEXT: usize = 1000;

/// Rejected lines that are kept in full; all are counted.
const KEPT_LINES: usize = 100;

/// A column of the rows.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) builder: Builder,
}

impl Column {
    pub(crate) fn new(name: &str, column_type: &Type, required: bool) -> Result<Self, WarehouseError> {
        Ok(Self { name: name.to_owned(), required, builder: Builder::new(column_type)? })
    }
}

/// Why a row is bad, and in which column.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) column: Option<String>,
    pub(crate) reason: Reason,
}

/// Collects rows and appends them.
pub(crate) struct Batcher<'a> {
    session: &'a Session<'a>,
    appender: Appender<'a>,
    pub(crate) columns: Vec<Column>,
    /// Of the current batch: which rows are kept.
    kept: Vec<bool>,
    max_bad: u64,
    pub(crate) rows: u64,
    pub(crate) bad: u64,
    pub(crate) rejected: Vec<RejectedLine>,
}

impl<'a> Batcher<'a> {
    /// Appends to a table in this order of columns.
    pub(crate) fn new(
        session: &'a Session<'a>,
        place: &super::Place,
        columns: Vec<Column>,
        max_bad: u64,
    ) -> Result<Self, WarehouseError> {
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        let appender = session
            .connection()
            .appender_with_columns_to_catalog_and_db(&place.table, &place.project, &place.schema, &names)
            .map_err(|error| from_duckdb(&error))?;
        let (kept, rejected) = (Vec::with_capacity(BATCH_ROWS), Vec::new());
        Ok(Self { session, appender, columns, kept, max_bad, rows: 0, bad: 0, rejected })
    }

    /// Ends a row: every column has got its value, whether the row is good or not.
    pub(crate) fn end_row(
        &mut self,
        result: Result<(), Bad>,
        file: &str,
        line: u64,
        text: &str,
    ) -> Result<(), WarehouseError> {
        self.kept.push(result.is_ok());
        match result {
            Ok(()) => self.rows += 1,
            Err(bad) => self.reject(bad, file, line, text)?,
        }
        if self.kept.len() == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    /// Counts a line from which no row could be made at all.
    pub(crate) fn reject(&mut self, bad: Bad, file: &str, line: u64, text: &str) -> Result<(), WarehouseError> {
        self.bad += 1;
        if self.bad > self.max_bad {
            let column = bad.column.as_ref().map(|name| format!(", column `{name}`")).unwrap_or_default();
            let more = match self.max_bad {
                0 => String::new(),
                allowed => format!(" (more than the {allowed} bad lines allowed)"),
            };
            return Err(invalid(format!("{file} line {line}{column}: {}{more}", bad.reason)));
        }
        if self.rejected.len() < KEPT_LINES {
            let text = text.chars().take(KEPT_TEXT).collect();
            self.rejected.push(RejectedLine { line, column: bad.column, text, reason: bad.reason });
        }
        Ok(())
    }

    pub(crate) fn finish(&mut self) -> Result<(), WarehouseError> {
        self.flush()?;
        self.appender.flush().map_err(|error| from_duckdb(&error))
    }

    fn flush(&mut self) -> Result<(), WarehouseError> {
        self.session.check()?;
        if self.kept.is_empty() {
            return Ok(());
        }
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut arrays = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            let array = column.builder.finish()?;
            fields.push(ArrowField::new(&column.name, array.data_type().clone(), true));
            arrays.push(array);
        }
        let broken = |error| WarehouseError::Internal(format!("the loaded rows cannot be put together: {error}"));
        let mut batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(broken)?;
        if self.kept.contains(&false) {
            batch = filter_record_batch(&batch, &BooleanArray::from(std::mem::take(&mut self.kept))).map_err(broken)?;
        }
        self.kept.clear();
        self.appender.append_record_batch(batch).map_err(|error| from_duckdb(&error))
    }
}

/// A value that does not fit a column, in the words of an error.
pub(crate) fn bad_value(column: &str, reason: Reason) -> Bad {
    Bad { column: Some(column.to_owned()), reason: shortened_reason(reason) }
}

fn shortened_reason(reason: Reason) -> Reason {
    if reason.len() > 400 { shortened(&reason) } else { reason }
}
