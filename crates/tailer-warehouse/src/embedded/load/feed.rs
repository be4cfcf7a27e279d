//! Rows that this program reads, as a table of DuckDB: `INSERT INTO … SELECT … FROM` a feed lets DuckDB's own threads read
//! the file in parallel and write what they have read.
//!
//! A feed is known by its number as long as its [`Feed`] lives. Rows of a file of several blocks arrive in any order: a
//! table has none.

use std::{
    collections::HashMap,
    error::Error,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
};

use duckdb::{
    Connection,
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId},
    vtab::{
        BindInfo, InitInfo, TableFunctionInfo, VTab, record_batch_to_duckdb_data_chunk,
        to_duckdb_logical_type_for_field,
    },
};
use parking_lot::Mutex;

use crate::{WarehouseError, embedded::errors::from_duckdb};

/// The most rows that DuckDB takes at once.
pub(crate) const VECTOR: usize = 2048;

/// Users cannot call it: the translator knows its table functions by name.
const FUNCTION: &str = "tailerd_feed";

/// More than any machine's; DuckDB uses as many as it has.
const THREADS: u64 = 1024;

/// What cannot be known before a file is read. High, so that the optimizer streams the feed instead of keeping it.
const ASSUMED_ROWS: u64 = 1 << 40;

/// Where rows come from. Several threads ask at once.
pub(crate) trait Rows: Send + Sync {
    fn schema(&self) -> SchemaRef;

    /// The next rows, at most [`VECTOR`]; `None` at the end.
    fn next(&self) -> Result<Option<RecordBatch>, WarehouseError>;
}

struct Entry {
    rows: Arc<dyn Rows>,
    failure: Mutex<Option<WarehouseError>>,
}

static FEEDS: LazyLock<Mutex<HashMap<i64, Arc<Entry>>>> = LazyLock::new(Mutex::default);
static LAST: AtomicI64 = AtomicI64::new(0);

/// A source of rows that SQL can read.
pub(crate) struct Feed {
    number: i64,
    entry: Arc<Entry>,
}

impl Feed {
    pub(crate) fn new(rows: Arc<dyn Rows>) -> Self {
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let entry = Arc::new(Entry { rows, failure: Mutex::default() });
        FEEDS.lock().insert(number, Arc::clone(&entry));
        Self { number, entry }
    }

    /// The feed as SQL has it behind FROM.
    pub(crate) fn table(&self) -> String {
        format!("{FUNCTION}({})", self.number)
    }

    /// A query over the feed. A table function of another language counts as one whose order has to be kept, and DuckDB
    /// inserts such rows with a single thread; joined with a row from an aggregate, which has no order, it uses all.
    pub(crate) fn query(&self, selected: &str) -> String {
        format!("SELECT {selected} FROM {} AS f CROSS JOIN (SELECT DISTINCT 1) AS unordered", self.table())
    }

    /// The error that ended the feed, which DuckDB's own message only repeats.
    pub(crate) fn failure(&self) -> Option<WarehouseError> {
        self.entry.failure.lock().take()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        FEEDS.lock().remove(&self.number);
    }
}

/// Makes feeds known to an instance.
pub(crate) fn register(connection: &Connection) -> Result<(), WarehouseError> {
    connection.register_table_function::<Function>(FUNCTION).map_err(|error| from_duckdb(&error))
}

struct Function;

impl VTab for Function {
    type InitData = ();
    type BindData = Arc<Entry>;

    fn bind(bind: &BindInfo) -> Result<Self::BindData, Box<dyn Error>> {
        let number = bind.get_parameter(0).to_int64();
        let entry = FEEDS.lock().get(&number).cloned().ok_or("the feed has ended")?;
        for field in entry.rows.schema().fields() {
            bind.add_result_column(field.name(), to_duckdb_logical_type_for_field(field)?);
        }
        bind.set_cardinality(ASSUMED_ROWS, false);
        Ok(entry)
    }

    fn init(init: &InitInfo) -> Result<(), Box<dyn Error>> {
        init.set_max_threads(THREADS);
        Ok(())
    }

    fn func(function: &TableFunctionInfo<Self>, output: &mut DataChunkHandle) -> Result<(), Box<dyn Error>> {
        let entry = function.get_bind_data();
        match entry.rows.next() {
            Ok(Some(batch)) => record_batch_to_duckdb_data_chunk(&batch, output),
            Ok(None) => {
                output.set_len(0);
                Ok(())
            }
            Err(error) => {
                let message = error.to_string();
                entry.failure.lock().get_or_insert(error);
                Err(message.into())
            }
        }
    }

    fn parameters() -> Option<Vec<LogicalTypeHandle>> {
        Some(vec![LogicalTypeHandle::from(LogicalTypeId::Bigint)])
    }
}
