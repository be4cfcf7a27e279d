//! Reading rows for people and tests, as JSON values (the form of `tailerd sql --batch`).

use super::{errors::invalid, script, script::Tail, session::Session};
use crate::{Query, Rows, WarehouseError, googlesql};

/// Runs every statement; at most `limit` rows of the last one that is SQL. One that changes something gives no rows.
pub(crate) fn run(session: &Session<'_>, query: &Query, limit: usize) -> Result<Rows, WarehouseError> {
    let nodes = googlesql::script::parse(&query.sql)?;
    if nodes.is_empty() {
        return Err(invalid("there is no SQL statement"));
    }
    let mut rows = Rows::default();
    script::run(session, None, query, &nodes, Tail::Rows(limit, &mut rows))?;
    Ok(rows)
}
