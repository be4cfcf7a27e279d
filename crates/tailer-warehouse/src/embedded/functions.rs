//! The user's functions of a dataset, kept in their project's database as text.

use super::{job_table::INTERNAL, session::Session, tables};
use crate::{
    TableName, WarehouseError,
    googlesql::{FunctionAction, FunctionChange, UserFunction, quote},
};

/// The function of a name, when there is one.
pub(crate) fn find(session: &Session<'_>, name: &TableName) -> Result<Option<UserFunction>, WarehouseError> {
    if !session.instance.has_project(&name.project) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT definition FROM {}.{INTERNAL}.functions WHERE dataset = ? AND lower(name) = lower(?)",
        quote(&name.project)
    );
    let found = session.rows(&sql, [&name.dataset, &name.table], |row| row.get::<_, String>(0))?;
    let read = |json: &String| {
        serde_json::from_str(json)
            .map_err(|error| WarehouseError::Internal(format!("the function {name} cannot be read: {error}")))
    };
    found.first().map(read).transpose()
}

/// Creates or drops a function inside the running transaction.
pub(crate) fn change(session: &Session<'_>, name: &TableName, change: &FunctionChange) -> Result<(), WarehouseError> {
    let exists = find(session, name)?.is_some();
    let remove = || {
        let sql = format!(
            "DELETE FROM {}.{INTERNAL}.functions WHERE dataset = ? AND lower(name) = lower(?)",
            quote(&name.project)
        );
        session.execute(&sql, [&name.dataset, &name.table]).map(drop)
    };
    match &change.action {
        FunctionAction::Drop { if_exists } if !exists && !if_exists => {
            Err(WarehouseError::NotFound(format!("function {name}")))
        }
        FunctionAction::Drop { .. } => remove(),
        FunctionAction::Create { if_not_exists: true, .. } if exists => Ok(()),
        FunctionAction::Create { or_replace: false, .. } if exists => {
            Err(WarehouseError::AlreadyExists(format!("function {name}")))
        }
        FunctionAction::Create { function, .. } => {
            tables::ensure_dataset(session, name)?;
            remove()?;
            let json = serde_json::to_string(function)
                .map_err(|error| WarehouseError::Internal(format!("cannot keep the function {name}: {error}")))?;
            let sql = format!("INSERT INTO {}.{INTERNAL}.functions VALUES (?, ?, ?)", quote(&name.project));
            session.execute(&sql, [&name.dataset, &name.table, &json]).map(drop)
        }
    }
}
