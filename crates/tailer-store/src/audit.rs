//! The audit log: who changed what, before and after.
//!
//! An entry is recorded in the transaction of the change that it tells of, so there is neither a change without an entry nor an entry
//! without a change. What the server does by itself, such as a tick that creates a run, is no entry.
//!
//! An entry belongs to one account. A change that concerns somebody with roles on several accounts leaves one in each
//! ([`record_in_each`]), and one that concerns none is the server's own: accounts see nothing of each other.
//!
//! Callers see to it that no secret, password or token text gets here. Entries are never changed but for what is counted: attempts to
//! sign in ([`refuse`]) and the batches of a backfill ([`amend`]).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use tailer_model::{
    AccountId, Actor, AuditAction, ConfigurationType, Environment, Identity, RunId, Via, rfc3339_micros,
};

use crate::{
    StoreError, Tx,
    tx::{Row, Value},
};

/// A change to record.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    pub by: &'a Actor,
    pub at: Timestamp,
    /// `None`: it is the server's own.
    pub account: Option<&'a AccountId>,
    pub action: AuditAction,
    /// What was changed: an operation as [`operation_path`] has it, a run's id, or somebody as `who` names them.
    pub target: String,
    /// The data operation that it concerns, as [`operation_path`] has it.
    pub operation: Option<String>,
    /// What it was, as far as it changed; null when there is nothing to tell.
    pub before: Json,
    /// What it is now.
    pub after: Json,
}

impl<'a> Entry<'a> {
    /// A change of who may do what: `target` is a name such as `user:<name>` or `token:<id>`.
    #[must_use]
    pub fn of_access(
        by: &'a Actor,
        at: Timestamp,
        action: AuditAction,
        account: Option<&'a AccountId>,
        target: impl Into<String>,
    ) -> Self {
        Self { by, at, account, action, target: target.into(), operation: None, before: Json::Null, after: Json::Null }
    }

    /// A change of a data operation.
    #[must_use]
    pub fn of_operation(by: &'a Actor, at: Timestamp, action: AuditAction, of: &'a Identity) -> Self {
        let path = operation_path(of);
        Self { operation: Some(path.clone()), ..Self::of_access(by, at, action, Some(&of.account), path) }
    }

    /// A change of one run of a data operation.
    #[must_use]
    pub fn of_run(by: &'a Actor, at: Timestamp, action: AuditAction, of: &'a Identity, run: &RunId) -> Self {
        Self { target: run.to_string(), ..Self::of_operation(by, at, action, of) }
    }

    #[must_use]
    pub fn before(self, before: Json) -> Self {
        Self { before, ..self }
    }

    #[must_use]
    pub fn after(self, after: Json) -> Self {
        Self { after, ..self }
    }
}

/// How the log names a data operation of an account: `DEV/gbq-to-gbq/sales_DEV`.
#[must_use]
pub fn operation_path(of: &Identity) -> String {
    format!("{}/{}/{}", of.environment, of.configuration_type, of.configuration_id)
}

/// The parts of a text that [`operation_path`] could have made, with any spelling of the type.
#[must_use]
pub fn read_operation(text: &str) -> Option<(Environment, ConfigurationType, &str)> {
    let (environment, rest) = text.split_once('/')?;
    let (kind, id) = rest.split_once('/')?;
    Some((environment.parse().ok()?, kind.parse().ok()?, id)).filter(|_| !id.is_empty())
}

/// Names an entry within this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryKey(pub i64);

/// An entry as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    pub sequence: i64,
    pub at: Timestamp,
    pub who: String,
    pub via: Via,
    /// `None`: the server's own.
    pub account: Option<AccountId>,
    pub action: AuditAction,
    pub target: String,
    pub operation: Option<String>,
    /// Null when there is nothing to tell.
    pub before: Json,
    pub after: Json,
}

/// Where an entry stands in a listing: its instant and sequence.
pub type Position = (Timestamp, i64);

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditRow>,
    /// Whether there are older ones.
    pub more: bool,
    /// How far entries were looked at, where that is not as far as they go: the next page goes on there.
    pub reached: Option<Position>,
}

/// Which entries to list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditFilter {
    /// `None`: of all accounts, and the server's own.
    pub account: Option<AccountId>,
    /// Leaves out who may do what ([`AuditAction::is_about_access`]).
    pub without_access: bool,
    pub who: Option<String>,
    pub action: Option<AuditAction>,
    pub target: Option<String>,
    /// As [`operation_path`] has it.
    pub operation: Option<String>,
    /// Included.
    pub from: Option<Timestamp>,
    /// Excluded.
    pub to: Option<Timestamp>,
    /// Only what comes after the entry of this instant and sequence: where a page ended, the next goes on.
    pub after: Option<Position>,
    pub limit: u32,
}

/// Records a change.
///
/// # Errors
/// What the database says.
pub fn record(tx: &mut Tx<'_>, entry: &Entry<'_>) -> Result<EntryKey, StoreError> {
    let optional = |json: &Json| (!json.is_null()).then(|| json.to_string());
    let (before, after) = (optional(&entry.before), optional(&entry.after));
    let key = tx.query_one(
        "INSERT INTO audit (recorded, who, via, account, action, target, operation, access, before, after) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING sequence",
        &[
            entry.at.into(),
            (&entry.by.name).into(),
            entry.by.via.into(),
            entry.account.map_or("", AccountId::as_str).into(),
            entry.action.into(),
            (&entry.target).into(),
            entry.operation.as_deref().unwrap_or_default().into(),
            entry.action.is_about_access().into(),
            before.as_deref().into(),
            after.as_deref().into(),
        ],
        |row| row.take(),
    )?;
    key.map(EntryKey).ok_or_else(|| StoreError::Internal("an entry of the audit log got no number".into()))
}

/// Records a change in each of the accounts that it concerns; as the server's own when it concerns none.
///
/// # Errors
/// What the database says.
pub fn record_in_each(tx: &mut Tx<'_>, accounts: &[AccountId], entry: &Entry<'_>) -> Result<(), StoreError> {
    if accounts.is_empty() {
        record(tx, &Entry { account: None, ..entry.clone() })?;
    }
    for account in accounts {
        record(tx, &Entry { account: Some(account), ..entry.clone() })?;
    }
    Ok(())
}

/// Tells anew how it is now: for a change that goes on in several transactions.
///
/// # Errors
/// What the database says.
pub fn amend(tx: &mut Tx<'_>, key: EntryKey, after: &Json) -> Result<(), StoreError> {
    tx.execute("UPDATE audit SET after = ?2 WHERE sequence = ?1", &[key.0.into(), after.into()])?;
    Ok(())
}

/// Refusals of the same sign-in are one entry for so long.
const COUNTED: SignedDuration = SignedDuration::from_hours(1);
/// Addresses that an entry of refusals names.
const ADDRESSES: usize = 8;

/// Records that somebody was refused to sign in. Within an hour the same target makes one entry in each account, which counts: whoever guesses
/// passwords cannot fill the log.
///
/// # Errors
/// What the database says.
pub fn refuse(
    tx: &mut Tx<'_>,
    accounts: &[AccountId],
    target: &str,
    address: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let by = Actor::new("anonymous", Via::Studio);
    let all: Vec<Option<&AccountId>> =
        if accounts.is_empty() { vec![None] } else { accounts.iter().map(Some).collect() };
    for account in all {
        let latest = tx.query_one(
            "SELECT sequence, after FROM audit WHERE account = ?1 AND target = ?2 AND target <> '' AND action = ?3 \
             AND recorded > ?4 AND recorded <= ?5 ORDER BY recorded DESC, sequence DESC LIMIT 1",
            &[
                account.map_or("", AccountId::as_str).into(),
                target.into(),
                AuditAction::SessionRefuse.into(),
                at.checked_sub(COUNTED).unwrap_or(Timestamp::MIN).into(),
                at.into(),
            ],
            |row| Ok((EntryKey(row.take()?), row.take::<Json>()?)),
        )?;
        let (key, told) = latest.unzip();
        let after = one_more(told.as_ref(), address, at);
        match key {
            Some(key) => amend(tx, key, &after)?,
            None => {
                let entry = Entry::of_access(&by, at, AuditAction::SessionRefuse, account, target).after(after);
                record(tx, &entry)?;
            }
        }
    }
    Ok(())
}

fn one_more(told: Option<&Json>, address: &str, at: Timestamp) -> Json {
    let attempts = told.and_then(|told| told["attempts"].as_u64()).unwrap_or_default() + 1;
    let mut addresses: Vec<&str> =
        told.and_then(|told| told["addresses"].as_array()).into_iter().flatten().filter_map(Json::as_str).collect();
    if !addresses.contains(&address) && addresses.len() < ADDRESSES {
        addresses.push(address);
    }
    json!({"attempts": attempts, "addresses": addresses, "last": rfc3339_micros(at)})
}

/// Entries, newest first. With an account, any of the other filters is served by an index.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx<'_>, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
    let (sql, params) = statement(filter, None);
    tx.query(&sql, &params, read)
}

/// A page of the entries of an account. Of filters that fit rarely together it looks at no more than `most` entries that fit one.
///
/// # Errors
/// What the database says.
pub fn page(tx: &mut Tx<'_>, filter: &AuditFilter, most: u32) -> Result<AuditPage, StoreError> {
    let walked = walked(filter);
    let reached = if walked == *filter { None } else { far(tx, &walked, most)? };
    let one_more = AuditFilter { limit: filter.limit.saturating_add(1), ..filter.clone() };
    let (sql, params) = statement(&one_more, reached);
    let mut entries = tx.query(&sql, &params, read)?;
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let more = entries.len() > limit;
    entries.truncate(limit);
    Ok(AuditPage { entries, more, reached: reached.filter(|_| !more) })
}

/// As much of a filter as the index of its narrowest part knows.
fn walked(filter: &AuditFilter) -> AuditFilter {
    let narrowest = narrowest(filter);
    let only = |name: &str| narrowest == name;
    AuditFilter {
        without_access: false,
        who: filter.who.clone().filter(|_| only("who")),
        action: filter.action.filter(|_| only("action")),
        target: filter.target.clone().filter(|_| only("target")),
        operation: filter.operation.clone().filter(|_| only("operation")),
        ..filter.clone()
    }
}

/// Where the first `most` entries end that are walked; `None` when there are fewer.
fn far(tx: &mut Tx<'_>, walked: &AuditFilter, most: u32) -> Result<Option<Position>, StoreError> {
    let (sql, params) = end(walked, most);
    tx.query_one(&sql, &params, |row| Ok((row.take()?, row.take()?)))
}

fn end(walked: &AuditFilter, most: u32) -> (String, Vec<Value<'_>>) {
    let (condition, mut params) = condition(walked, None);
    params.push(most.saturating_sub(1).into());
    (format!("SELECT recorded, sequence FROM audit {condition}{ORDER} LIMIT 1 OFFSET ?{}", params.len()), params)
}

const ORDER: &str = "ORDER BY recorded DESC, sequence DESC";

const COLUMNS: &str = "sequence, recorded, who, via, account, action, target, operation, before, after";

fn read(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(AuditRow {
        sequence: row.take()?,
        at: row.take()?,
        who: row.take()?,
        via: row.take()?,
        account: filled(row.take()?)
            .map(|account| account.parse().map_err(|_| StoreError::Corrupt(format!("account {account:?}"))))
            .transpose()?,
        action: row.take()?,
        target: row.take()?,
        operation: filled(row.take()?),
        before: row.take::<Option<Json>>()?.unwrap_or_default(),
        after: row.take::<Option<Json>>()?.unwrap_or_default(),
    })
}

fn statement(filter: &AuditFilter, until: Option<Position>) -> (String, Vec<Value<'_>>) {
    let (condition, mut params) = condition(filter, until);
    params.push(filter.limit.into());
    (format!("SELECT {COLUMNS} FROM audit {condition}{ORDER} LIMIT ?{}", params.len()), params)
}

/// What entries have to fit, `until` included.
fn condition(filter: &AuditFilter, until: Option<Position>) -> (String, Vec<Value<'_>>) {
    let conditions: [(&str, Option<Value<'_>>); 7] = [
        ("account =", filter.account.as_ref().map(Value::from)),
        ("who =", filter.who.as_deref().map(Value::from)),
        ("action =", filter.action.map(Value::from)),
        ("target =", filter.target.as_deref().map(Value::from)),
        ("operation =", filter.operation.as_deref().map(Value::from)),
        ("recorded >=", filter.from.map(Value::from)),
        ("recorded <", filter.to.map(Value::from)),
    ];
    let mut params = Vec::new();
    let mut clauses = Vec::new();
    for (clause, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            clauses.push(format!("{clause} ?{}", params.len()));
        }
    }
    if filter.account.is_some() {
        clauses.push(format!("{} <> ''", narrowest(filter)));
    }
    if filter.without_access {
        clauses.push("access = 0".into());
    }
    if let Some((at, sequence)) = filter.after {
        params.extend([at.into(), sequence.into()]);
        clauses.push(format!("(recorded, sequence) < (?{}, ?{})", params.len() - 1, params.len()));
    }
    if let Some((at, sequence)) = until {
        params.extend([at.into(), sequence.into()]);
        clauses.push(format!("(recorded, sequence) >= (?{}, ?{})", params.len() - 1, params.len()));
    }
    (if clauses.is_empty() { String::new() } else { format!("WHERE {} ", clauses.join(" AND ")) }, params)
}

/// The column whose condition means the index of the filter that leaves fewest entries (`migrations/0009_audit.sql`).
fn narrowest(filter: &AuditFilter) -> &'static str {
    match filter {
        AuditFilter { target: Some(_), .. } => "target",
        AuditFilter { operation: Some(_), .. } => "operation",
        AuditFilter { who: Some(_), .. } => "who",
        AuditFilter { action: Some(_), .. } => "action",
        _ => "via",
    }
}

/// When the oldest entry was recorded.
///
/// # Errors
/// What the database says.
pub fn oldest(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    Ok(tx.query_one("SELECT MIN(recorded) FROM audit", &[], |row| row.take::<Option<Timestamp>>())?.flatten())
}

/// Removes entries from before an instant, the oldest first and at most `most`; answers how many.
///
/// # Errors
/// What the database says.
pub fn prune(tx: &mut Tx<'_>, before: Timestamp, most: u32) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM audit WHERE sequence IN \
         (SELECT sequence FROM audit WHERE recorded < ?1 ORDER BY recorded, sequence LIMIT ?2)",
        &[before.into(), most.into()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    /// Every filter there is, on and off, of one account.
    fn every_filter() -> impl Iterator<Item = AuditFilter> {
        (0..256u32).map(|bits| {
            let on = |bit: u32| bits & (1 << bit) != 0;
            let text = |bit: u32| on(bit).then(|| "x".to_owned());
            AuditFilter {
                account: Some("000110".parse().unwrap()),
                without_access: on(0),
                who: text(1),
                action: on(2).then_some(AuditAction::RunLaunch),
                target: text(3),
                operation: text(4),
                from: on(5).then_some(Timestamp::UNIX_EPOCH),
                to: on(6).then_some(Timestamp::UNIX_EPOCH),
                after: on(7).then_some((Timestamp::UNIX_EPOCH, 5)),
                limit: 10,
            }
        })
    }

    /// Of a listing, whole and as far as was looked, and of the look at how far that is.
    fn plans(store: &Store, filter: AuditFilter) -> Vec<Vec<String>> {
        let until = Some((Timestamp::UNIX_EPOCH, 1));
        let explain = move |tx: &mut Tx<'_>| {
            let walked = walked(&filter);
            let asked = [statement(&filter, None), statement(&filter, until), end(&walked, 5)];
            let plan = |(sql, params): (String, Vec<Value<'_>>)| {
                tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), &params, |row| {
                    let _numbers: [i64; 3] = [row.take()?, row.take()?, row.take()?];
                    row.take::<String>()
                })
            };
            asked.into_iter().map(plan).collect()
        };
        store.read_blocking::<_, StoreError>(explain).unwrap()
    }

    #[test]
    fn a_target_with_an_environment_and_a_type_is_an_operation() {
        let table = Some((Environment::Dev, ConfigurationType::TableToTable, "x_DEV"));
        assert_eq!(read_operation("DEV/gbq-to-gbq/x_DEV"), table);
        assert_eq!(read_operation("DEV/table-to-table/x_DEV"), table);
        for other in [
            "user:ana",
            "oidc:https://a/b/c",
            "DEV/nothing/x",
            "DEV/workflow/",
            "20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29",
        ] {
            assert_eq!(read_operation(other), None, "{other}");
        }
    }

    #[test]
    fn every_listing_walks_the_index_of_its_narrowest_filter() {
        let store = Store::in_memory().unwrap();
        for filter in every_filter() {
            let index = match &filter {
                AuditFilter { target: Some(_), .. } => "audit_of_target",
                AuditFilter { operation: Some(_), .. } => "audit_of_operation",
                AuditFilter { who: Some(_), .. } => "audit_by_who",
                AuditFilter { action: Some(_), .. } => "audit_by_action",
                _ => "audit_of_account",
            };
            let asked = format!("{filter:?}");
            for steps in plans(&store, filter) {
                let [step] = steps.as_slice() else { panic!("{asked}: not one step, perhaps a sort: {steps:?}") };
                assert!(step.starts_with("SEARCH audit USING ") && step.contains(index), "{asked}: {step}");
            }
        }
        let all = plans(&store, AuditFilter { limit: 10, ..AuditFilter::default() });
        assert_eq!(all[0], ["SCAN audit USING INDEX audit_by_time"]);
    }
}
