//! The embedded warehouse: one DuckDB database file per project, one schema per dataset.

// CONTRACT (helper warehouse):
// impl EmbeddedWarehouse {
//   /// `folder`: holds `<project>.duckdb` files; created when missing. `threads`, `memory_limit`: DuckDB settings when given.
//   pub fn open(folder: PathBuf, settings: EmbeddedSettings) -> Result<Self, WarehouseError>
// }
#[derive(Debug)]
pub struct EmbeddedWarehouse {}
