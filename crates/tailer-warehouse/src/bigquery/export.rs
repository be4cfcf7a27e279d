//! Exports of queries from BigQuery: not by this version, which says so before anything is touched.

use std::collections::BTreeMap;

use super::Inner;
use crate::{Export, Outcome, WarehouseError, WarehouseJobId};

impl Inner {
    pub(super) async fn export(
        &self,
        _: &WarehouseJobId,
        export: &Export,
        _: &BTreeMap<String, String>,
    ) -> Result<Outcome, WarehouseError> {
        Err(WarehouseError::Internal(format!("files cannot be exported from BigQuery yet: {}", export.file_name)))
    }
}
