//! The kinds of data operation, one module each: parameters, defaults, validation (`spec/data-operations.md`).
//! Adding a kind is one module here (`describe` beside it says it in readable form), one executor in the engine and one registry line in each.

pub mod context;
pub mod ddl;
pub mod describe;
pub mod endurance;
mod scheduling;
mod storage_address;
pub mod storage_to_storage;
pub mod storage_to_tables;
pub mod table_to_storage;
pub mod table_to_table;
pub mod workflow;

pub use context::Context;
pub use endurance::{Endurance, TaskEndurance};
pub use storage_to_storage::StorageToStorage;
pub use storage_to_tables::StorageToTables;
pub use table_to_storage::TableToStorage;
pub use table_to_table::TableToTable;
pub use workflow::Workflow;

use crate::{ConfigurationType, reader::Fields, text::text_enum};

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

impl Definition {
    /// Reads what is particular to a kind: the registry of this crate. `None` when something is wrong (and said).
    pub(crate) fn read(kind: ConfigurationType, fields: &Fields<'_>) -> Option<Self> {
        match kind {
            ConfigurationType::TableToTable => TableToTable::read(fields).map(Self::TableToTable),
            ConfigurationType::TableToStorage => TableToStorage::read(fields).map(Self::TableToStorage),
            ConfigurationType::StorageToStorage => StorageToStorage::read(fields).map(Self::StorageToStorage),
            ConfigurationType::StorageToTables => StorageToTables::read(fields).map(Self::StorageToTables),
            ConfigurationType::Workflow => Workflow::read(fields).map(Self::Workflow),
            ConfigurationType::Context => Context::read(fields).map(Self::Context),
            ConfigurationType::VmLauncher => {
                fields.error("configuration_type", format!("\"{kind}\" is not supported yet by this version"));
                None
            }
        }
    }
}

impl ConfigurationType {
    /// Whether there are runs of it: not of what only waits or only holds values.
    #[must_use]
    pub fn has_runs(self) -> bool {
        !matches!(self, Self::Workflow | Self::Context)
    }

    /// `max_active_runs` of a configuration that does not say.
    #[must_use]
    pub fn default_max_active_runs(self) -> u32 {
        match self {
            Self::StorageToTables => 50,
            Self::StorageToStorage => 5,
            Self::TableToTable | Self::TableToStorage | Self::Workflow | Self::Context | Self::VmLauncher => 1,
        }
    }
}

text_enum! {
    /// What happens when the destination of a write exists.
    #[derive(Default)]
    pub enum WriteDisposition {
        #[default]
        Truncate = "WRITE_TRUNCATE",
        Append = "WRITE_APPEND",
        /// An error when there are rows.
        Empty = "WRITE_EMPTY",
    }
}

text_enum! {
    /// The one value of `sql_query_template`.
    enum QueryTemplate {
        CurrentDate = "TEMPLATE_CURRENT_DATE",
    }
}

/// `sql_query_template`: whether `{{TEMPLATE_CURRENT_DATE}}` is replaced. Blank counts as absent.
fn current_date_template(fields: &Fields<'_>) -> bool {
    fields.optional_text("sql_query_template").is_some()
        && fields.choice::<QueryTemplate>("sql_query_template").is_some()
}
