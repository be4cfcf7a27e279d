//! Text files into rows: blocks are read by as many threads as ask, each with columns of its own under construction; bad
//! lines are counted and left out within the limit.

use std::sync::Arc;

use duckdb::arrow::{
    array::{BooleanArray, RecordBatch},
    compute::filter_record_batch,
    datatypes::{Field as ArrowField, Schema, SchemaRef},
};
use parking_lot::Mutex;
use tailer_model::operation::ddl::{Field, Mode};

use super::{
    blocks::{Block, Blocks, Place},
    builder::Builder,
    feed::{Rows, VECTOR},
    rejects::{Bad, Rejects},
};
use crate::{RejectedLine, WarehouseError, embedded::errors::invalid};

/// A column of the rows.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) builder: Builder,
}

impl Column {
    fn new(field: &Field) -> Result<Self, WarehouseError> {
        let required = field.mode == Mode::Required;
        Ok(Self { name: field.name.clone(), required, builder: Builder::of_field(field)? })
    }

    /// The value is absent.
    pub(crate) fn absent(&mut self) -> Result<(), Bad> {
        self.builder.null();
        if !self.required {
            return Ok(());
        }
        Err(Bad::value(&self.name, "the column is REQUIRED and the value is missing".to_owned()))
    }
}

/// What was read at a place of a block's text.
#[derive(Debug)]
pub(crate) enum Read {
    /// Every column has got a value, whether the row is good or not.
    Row(Result<(), Bad>),
    /// No row could be made of it.
    Malformed(Bad),
    /// Nothing that means a row.
    Blank,
}

/// How a text is read.
pub(crate) trait Format: Send + Sync {
    /// What a thread uses again for every record.
    type Scratch: Default + Send;

    /// Reads the record that begins at `at`; with the place where the next begins.
    fn read(&self, text: &str, at: usize, columns: &mut [Column], scratch: &mut Self::Scratch) -> (usize, Read);

    /// Whether a record may be longer than its line.
    fn spans_lines(&self) -> bool {
        false
    }
}

/// Files being read.
pub(crate) struct Reader<F: Format> {
    format: F,
    blocks: Mutex<Blocks>,
    columns: Vec<Field>,
    schema: SchemaRef,
    idle: Mutex<Vec<Worker<F>>>,
    rejects: Rejects,
}

/// What one thread reads.
struct Worker<F: Format> {
    columns: Vec<Column>,
    scratch: F::Scratch,
    text: String,
    at: usize,
    place: Place,
}

impl<F: Format> Reader<F> {
    pub(crate) fn new(format: F, blocks: Blocks, columns: Vec<Field>, max_bad: u64) -> Result<Self, WarehouseError> {
        let mut fields = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let array = Builder::of_field(column)?.finish()?;
            fields.push(ArrowField::new(format!("c{index}"), array.data_type().clone(), true));
        }
        Ok(Self {
            format,
            blocks: Mutex::new(blocks),
            columns,
            schema: Arc::new(Schema::new(fields)),
            idle: Mutex::default(),
            rejects: Rejects::new(max_bad),
        })
    }

    /// After the last row: how many lines were left out, and the first of them; or that they are too many.
    pub(crate) fn settle(&self) -> Result<(u64, Vec<RejectedLine>), WarehouseError> {
        self.rejects.settle()
    }

    /// A worker with something to read; `None` when everything is handed out.
    fn busy_worker(&self) -> Result<Option<Worker<F>>, WarehouseError> {
        let idle = self.idle.lock().pop();
        if idle.as_ref().is_some_and(|worker| worker.at < worker.text.len()) {
            return Ok(idle);
        }
        let next = if self.rejects.stopped() { None } else { self.next_block() };
        let Some(block) = next else { return Ok(None) };
        let place = block.at.clone();
        let text = String::from_utf8(block.bytes).unwrap_or_else(|error| {
            let good = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let before = bytes.get(..good).unwrap_or_default();
            let line = place.line + memchr::memchr_iter(b'\n', before).count() as u64;
            let offset = place.offset + good as u64;
            let error = invalid(format!(
                "{} line {line}: the text is not UTF-8 (byte {offset} of the file): convert the file to UTF-8",
                place.name
            ));
            self.rejects.fatal(&Place { line, ..place.clone() }, error);
            // The lines before it may be bad, too, and are then to blame.
            let whole = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
            String::from_utf8(before.get(..whole).unwrap_or_default().to_vec()).unwrap_or_default()
        });
        match idle {
            Some(worker) => Ok(Some(Worker { text, at: 0, place, ..worker })),
            None => {
                let columns = self.columns.iter().map(Column::new).collect::<Result<_, _>>()?;
                Ok(Some(Worker { columns, scratch: F::Scratch::default(), text, at: 0, place }))
            }
        }
    }

    fn next_block(&self) -> Option<Block> {
        self.blocks.lock().next().unwrap_or_else(|(place, error)| {
            self.rejects.fatal(&place, error);
            None
        })
    }
}

impl<F: Format> Rows for Reader<F> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn next(&self) -> Result<Option<RecordBatch>, WarehouseError> {
        while let Some(mut worker) = self.busy_worker()? {
            let batch = worker.read(&self.format, &self.rejects, &self.schema)?;
            self.idle.lock().push(worker);
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

impl<F: Format> Worker<F> {
    /// Rows of the block, as many as DuckDB takes at once.
    fn read(&mut self, format: &F, rejects: &Rejects, schema: &SchemaRef) -> Result<RecordBatch, WarehouseError> {
        let (mut rows, mut bad_rows) = (0, Vec::new());
        while rows < VECTOR && self.at < self.text.len() {
            let (end, read) = format.read(&self.text, self.at, &mut self.columns, &mut self.scratch);
            let record = self.text.get(self.at..end).unwrap_or_default();
            let line = self.place.line;
            self.place.line += match format.spans_lines() {
                true => memchr::memchr_iter(b'\n', record.as_bytes()).count() as u64,
                false => 1,
            };
            self.at = end;
            match read {
                Read::Row(Ok(())) => rows += 1,
                Read::Row(Err(bad)) => {
                    rejects.add(&self.place, line, record, bad);
                    bad_rows.push(rows);
                    rows += 1;
                }
                Read::Malformed(bad) => rejects.add(&self.place, line, record, bad),
                Read::Blank => {}
            }
        }
        let broken = |error| WarehouseError::Internal(format!("the loaded rows cannot be put together: {error}"));
        let arrays = self.columns.iter_mut().map(|column| column.builder.finish()).collect::<Result<_, _>>()?;
        let batch = RecordBatch::try_new(Arc::clone(schema), arrays).map_err(broken)?;
        if bad_rows.is_empty() {
            return Ok(batch);
        }
        let mut good = vec![true; rows];
        bad_rows.into_iter().filter_map(|row| good.get_mut(row).map(|kept: &mut bool| *kept = false)).for_each(drop);
        filter_record_batch(&batch, &BooleanArray::from(good)).map_err(broken)
    }
}
