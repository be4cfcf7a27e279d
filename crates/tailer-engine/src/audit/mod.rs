//! The audit log: what it tells of changes of operations and runs ([`record`]), and reading it.
//!
//! What is told of users, tokens and sessions is the store's own (`tailer_store::users` and the like): the command line changes them without
//! an engine.

mod difference;
pub(crate) mod record;

use jiff::Timestamp;
use serde_json::Value;
use tailer_model::{AccountId, AuditAction, Via, rfc3339_micros};
use tailer_store::{
    Tx,
    audit::{self, AuditFilter, AuditRow, Position, operation_path},
};

use crate::{ConfigurationRef, Engine, EngineError, configurations::resolve};

/// Most entries that one page looks at, where filters fit rarely together.
const LOOKED_AT: u32 = 20_000;

/// Which entries of an account to show.
#[derive(Debug, Clone)]
pub struct AuditQuery {
    pub account: AccountId,
    /// Also who may do what: users, tokens, service accounts, sign-ins.
    pub with_access: bool,
    pub who: Option<String>,
    pub action: Option<AuditAction>,
    /// A run's id, `<environment>/<configuration type>/<configuration id>` for an operation with all its runs, or somebody as `who` names them.
    pub target: Option<String>,
    /// Included.
    pub from: Option<Timestamp>,
    /// Excluded.
    pub to: Option<Timestamp>,
    /// The [`AuditPage::next`] of an earlier page.
    pub after: Option<String>,
    /// 1 to 1000.
    pub limit: u32,
}

/// Entries, newest first.
#[derive(Debug, Clone)]
pub struct AuditPage {
    pub entries: Vec<AuditView>,
    /// Where the next page goes on; `None` on the last.
    pub next: Option<String>,
    /// How far it was looked, where there may be more beyond: filters may fit too rarely together to be found at once.
    pub reached: Option<Timestamp>,
}

/// One change.
#[derive(Debug, Clone)]
pub struct AuditView {
    pub date: String,
    pub who: String,
    pub via: Via,
    /// `None`: the server's own.
    pub account: Option<AccountId>,
    pub action: AuditAction,
    pub target: String,
    /// The operation that it concerns: `<environment>/<configuration type>/<configuration id>`.
    pub operation: Option<String>,
    /// What it was, as far as it changed; null when there is nothing to tell.
    pub before: Value,
    pub after: Value,
}

impl Engine {
    /// A page of the audit log of an account. Whether the caller may read of access is the server's to decide.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a cursor that no page gave.
    pub async fn audit_log(&self, query: AuditQuery) -> Result<AuditPage, EngineError> {
        let after = query.after.as_deref().map(read_cursor).transpose()?;
        self.0
            .parts
            .store
            .read(move |tx| {
                let (operation, target) = match query.target {
                    Some(target) => named(tx, &query.account, target)?,
                    None => (None, None),
                };
                let filter = AuditFilter {
                    account: Some(query.account),
                    without_access: !query.with_access,
                    who: query.who,
                    action: query.action,
                    target,
                    operation,
                    from: query.from,
                    to: query.to,
                    after,
                    limit: query.limit,
                };
                Ok(view(audit::page(tx, &filter, LOOKED_AT)?))
            })
            .await
    }
}

fn view(page: audit::AuditPage) -> AuditPage {
    let last = page.entries.last().filter(|_| page.more).map(|last| (last.at, last.sequence));
    let cursor = |(at, sequence): Position| format!("{}.{sequence}", at.as_microsecond());
    AuditPage {
        entries: page.entries.into_iter().map(AuditView::from).collect(),
        next: last.or(page.reached).map(cursor),
        reached: page.reached.map(|(at, _)| at),
    }
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        let AuditRow { at, who, via, account, action, target, operation, before, after, .. } = row;
        Self { date: rfc3339_micros(at), who, via, account, action, target, operation, before, after }
    }
}

/// Where a page ended: instant and number of its last entry.
fn read_cursor(text: &str) -> Result<Position, EngineError> {
    let parsed = text
        .split_once('.')
        .and_then(|(at, sequence)| Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, sequence.parse().ok()?)));
    parsed.ok_or_else(|| {
        EngineError::invalid("invalid_cursor", "after: expected the `after` that an earlier answer gave, or nothing")
    })
}

/// The operation, or else the target, that a text names. An operation may be spelt as requests spell it.
fn named(tx: &mut Tx<'_>, account: &AccountId, text: String) -> Result<(Option<String>, Option<String>), EngineError> {
    let Some((environment, configuration_type, id)) = audit::read_operation(&text) else {
        return Ok((None, Some(text)));
    };
    let (account, configuration_id) = (account.clone(), id.to_owned());
    let wanted = ConfigurationRef { account, environment, configuration_type, configuration_id };
    match resolve(tx, &wanted) {
        Ok(row) => Ok((Some(operation_path(&row.identity)), None)),
        Err(EngineError::NotFound { .. }) => Ok((Some(text), None)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_those_that_pages_gave() {
        assert_eq!(read_cursor("1000001.7").unwrap(), (Timestamp::from_microsecond(1_000_001).unwrap(), 7));
        for bad in ["", "7", "a.b", "1.", "99999999999999999999.1", "9223372036854775807.1"] {
            assert!(read_cursor(bad).is_err(), "{bad:?}");
        }
    }
}
