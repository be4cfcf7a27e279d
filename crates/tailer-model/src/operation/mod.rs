//! The kinds of data operation, one module each: parameters, defaults, validation (`spec/data-operations.md`).
//! Adding a kind is one module here, one executor in the engine and one registry line in each.

pub mod context;
pub mod ddl;
pub mod storage_to_storage;
pub mod storage_to_tables;
pub mod table_to_storage;
pub mod table_to_table;
pub mod workflow;

pub use context::Context;
pub use storage_to_storage::StorageToStorage;
pub use storage_to_tables::StorageToTables;
pub use table_to_storage::TableToStorage;
pub use table_to_table::TableToTable;
pub use workflow::Workflow;

/// What a configuration does.
#[derive(Debug, Clone, PartialEq)]
pub enum Definition {
    TableToTable(TableToTable),
    TableToStorage(TableToStorage),
    StorageToStorage(StorageToStorage),
    StorageToTables(StorageToTables),
    Workflow(Workflow),
    Context(Context),
}

/// What happens when the destination of a write exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriteDisposition {
    #[default]
    Truncate,
    Append,
    Empty,
}
