//! What triggered what. The trigger of a run is JSON as the API shows it; two things of it are kept apart because they are searched:
//! its type, a column of the run, and the runs that it names.

use serde_json::Value as Json;
use tailer_model::RunId;

use super::{COLUMNS, RunRow, read};
use crate::{StoreError, Tx};

/// The type of a trigger, as in `spec/api.md`; empty for one without.
pub(super) fn type_of(trigger: &Json) -> &str {
    trigger["type"].as_str().unwrap_or_default()
}

/// Notes the runs that triggered one that was created now.
pub(super) fn record(tx: &mut Tx<'_>, run: i64, trigger: &Json) -> Result<(), StoreError> {
    for id in trigger["run_ids"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        tx.execute(
            "INSERT INTO run_triggers (run, triggered_by) VALUES (?1, ?2) ON CONFLICT (run, triggered_by) DO NOTHING",
            &[run.into(), id.into()],
        )?;
    }
    Ok(())
}

/// The runs that this one triggered, alone or with others; the newest first.
///
/// # Errors
/// What the database says.
pub fn triggered_by(tx: &mut Tx<'_>, run_id: &RunId, limit: u32) -> Result<Vec<RunRow>, StoreError> {
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM runs WHERE sequence IN \
                 (SELECT run FROM run_triggers WHERE triggered_by = ?1 ORDER BY run DESC LIMIT ?2) ORDER BY sequence DESC"
        ),
        &[run_id.into(), limit.into()],
        read,
    )
}
