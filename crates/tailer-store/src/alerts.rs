//! Alerts on their way: recorded in the transaction of the outcome that they tell of, once for each run, status and channel;
//! claimed to be sent, and sent again until somebody has them or it is given up.
//!
//! A claim is a lease: nobody else claims the alert before it has passed. Its number of attempts is the fence, so that a
//! server that was thought dead records nothing over the one that came after it.

use jiff::Timestamp;
use tailer_model::{RunId, RunStatus, monitoring::Channel};

use crate::{
    StoreError, Tx,
    column::{list_from_json, list_to_json},
    configurations::ConfigurationKey,
};

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert<'a> {
    pub run_id: &'a RunId,
    pub status: RunStatus,
    pub channel: Channel,
    /// A hash of where it goes: what messages are counted by.
    pub destination: &'a str,
    /// Where it goes, for people.
    pub shown: &'a str,
    pub at: Timestamp,
}

/// One that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueAlert {
    pub key: i64,
    pub run_id: RunId,
    pub configuration: ConfigurationKey,
    pub version: u32,
    pub status: RunStatus,
    pub channel: Channel,
    pub destination: String,
    pub shown: String,
    pub created: Timestamp,
    /// Those begun so far.
    pub attempts: u32,
    /// The recipients that are left, after others have got it; all when `None`.
    pub recipients: Option<Vec<String>>,
    /// Why the attempt before failed.
    pub error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertState {
    Waiting,
    Sent,
    Failed,
}

/// One of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    pub status: RunStatus,
    pub channel: Channel,
    pub shown: String,
    pub state: AlertState,
    /// Last change.
    pub updated: Timestamp,
    /// When it is sent or sent again, if it is.
    pub due: Option<Timestamp>,
    pub attempts: u32,
    /// Why it was not sent, or not to all.
    pub error: Option<String>,
}

/// What was sent to a destination of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recent {
    /// Messages of one alert.
    pub singles: u64,
    /// When the last message of several alerts was sent.
    pub digest: Option<Timestamp>,
    /// Whether that one is still on its way.
    pub in_flight: bool,
}

/// Records an alert, due at once. Answers `false`, and records nothing, when it was recorded before.
///
/// # Errors
/// What the database says.
pub fn add(tx: &mut Tx<'_>, new: &NewAlert<'_>) -> Result<bool, StoreError> {
    let added = tx.execute(
        "INSERT INTO alerts (run, status, channel, destination, shown, state, created, updated, due) \
         SELECT sequence, ?2, ?3, ?4, ?5, 'waiting', ?6, ?6, ?6 FROM runs WHERE run_id = ?1 \
         ON CONFLICT (run, status, channel) DO NOTHING",
        &[
            new.run_id.into(),
            new.status.into(),
            new.channel.into(),
            new.destination.into(),
            new.shown.into(),
            new.at.into(),
        ],
    )?;
    Ok(added == 1)
}

/// When the next alert is due; in the past when one is now.
///
/// # Errors
/// What the database says.
pub fn next_due(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let next = "SELECT due FROM alerts WHERE due IS NOT NULL ORDER BY due LIMIT 1";
    tx.query_one(next, &[], |row| row.take())
}

/// Alerts that are due, the longest due first.
///
/// # Errors
/// What the database says.
pub fn due(tx: &mut Tx<'_>, now: Timestamp, most: u32) -> Result<Vec<DueAlert>, StoreError> {
    tx.query(
        "SELECT alert, run_id, configuration, version, alerts.status, channel, destination, shown, alerts.created, attempts, \
             recipients, alerts.error \
         FROM alerts JOIN runs ON runs.sequence = alerts.run WHERE due <= ?1 ORDER BY due, alert LIMIT ?2",
        &[now.into(), most.into()],
        |row| {
            Ok(DueAlert {
                key: row.take()?,
                run_id: row.take()?,
                configuration: row.take()?,
                version: row.take()?,
                status: row.take()?,
                channel: row.take()?,
                destination: row.take()?,
                shown: row.take()?,
                created: row.take()?,
                attempts: row.take()?,
                recipients: row.take::<Option<String>>()?.map(|json| list_from_json(&json)).transpose()?,
                error: row.take()?,
            })
        },
    )
}

/// What was sent to a destination after `since`, or is being sent.
///
/// # Errors
/// What the database says.
pub fn recent(tx: &mut Tx<'_>, destination: &str, since: Timestamp) -> Result<Recent, StoreError> {
    let singles = tx.query_one(
        "SELECT COUNT(*) FROM alerts WHERE destination = ?1 AND digest = 0 AND handed > ?2",
        &[destination.into(), since.into()],
        |row| row.take(),
    )?;
    let digest = tx.query_one(
        "SELECT handed, CASE WHEN due IS NULL THEN CAST(0 AS BIGINT) ELSE 1 END FROM alerts \
         WHERE destination = ?1 AND digest = 1 AND handed > ?2 ORDER BY handed DESC LIMIT 1",
        &[destination.into(), since.into()],
        |row| Ok((row.take()?, row.take()?)),
    )?;
    let (digest, in_flight) = digest.unzip();
    Ok(Recent { singles: singles.unwrap_or(0), digest, in_flight: in_flight.unwrap_or(false) })
}

/// Lets all alerts to a destination that are due wait. Answers how many there are.
///
/// # Errors
/// What the database says.
pub fn postpone(tx: &mut Tx<'_>, destination: &str, now: Timestamp, until: Timestamp) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE alerts SET due = ?3 WHERE destination = ?1 AND due <= ?2",
        &[destination.into(), now.into(), until.into()],
    )
}

/// Takes an alert that is due, to send it, alone or with others. Answers `false` when somebody else has taken it.
///
/// # Errors
/// What the database says.
pub fn claim(
    tx: &mut Tx<'_>,
    key: i64,
    now: Timestamp,
    lease_until: Timestamp,
    digest: bool,
) -> Result<bool, StoreError> {
    let claimed = tx.execute(
        "UPDATE alerts SET due = ?3, handed = ?2, digest = ?4, attempts = attempts + 1 WHERE alert = ?1 AND due <= ?2",
        &[key.into(), now.into(), lease_until.into(), digest.into()],
    )?;
    Ok(claimed == 1)
}

/// Records what became of an attempt: whoever it was meant for has it. `refused` are those that will never. Answers `false`, and
/// records nothing, when another attempt was begun since.
///
/// # Errors
/// What the database says.
pub fn sent(tx: &mut Tx<'_>, key: i64, attempt: u32, at: Timestamp, refused: Option<&str>) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE alerts SET state = 'sent', due = NULL, recipients = NULL, updated = ?3, error = ?4 \
         WHERE alert = ?1 AND attempts = ?2 AND due IS NOT NULL",
        &[key.into(), attempt.into(), at.into(), refused.into()],
    )?;
    Ok(changed == 1)
}

/// The same: it is tried again when it is `due`, for the `left` recipients only if some have got it. An attempt that reached nobody
/// does not count as sent.
///
/// # Errors
/// What the database says.
pub fn again(
    tx: &mut Tx<'_>,
    key: i64,
    attempt: u32,
    (at, due): (Timestamp, Timestamp),
    error: &str,
    left: Option<&[String]>,
) -> Result<bool, StoreError> {
    let recipients = left.map(list_to_json);
    let changed = tx.execute(
        "UPDATE alerts SET due = ?4, handed = NULL, updated = ?3, error = ?5, recipients = COALESCE(?6, recipients) \
         WHERE alert = ?1 AND attempts = ?2 AND due IS NOT NULL",
        &[key.into(), attempt.into(), at.into(), due.into(), error.into(), recipients.as_deref().into()],
    )?;
    Ok(changed == 1)
}

/// The same: it is not tried again.
///
/// # Errors
/// What the database says.
pub fn failed(tx: &mut Tx<'_>, key: i64, attempt: u32, at: Timestamp, error: &str) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE alerts SET state = 'failed', due = NULL, handed = NULL, updated = ?3, error = ?4 \
         WHERE alert = ?1 AND attempts = ?2 AND due IS NOT NULL",
        &[key.into(), attempt.into(), at.into(), error.into()],
    )?;
    Ok(changed == 1)
}

/// Gives up all claims. For a server that knows to be alone with this database, at its start: whoever was sending is gone.
///
/// # Errors
/// What the database says.
pub fn release_all(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute("UPDATE alerts SET due = ?1, handed = NULL WHERE due > ?1 AND handed IS NOT NULL", &[now.into()])
}

/// Alerts of a run, in the order recorded.
///
/// # Errors
/// What the database says.
pub fn of_run(tx: &mut Tx<'_>, run_id: &RunId) -> Result<Vec<AlertRow>, StoreError> {
    tx.query(
        "SELECT status, channel, shown, state, updated, due, attempts, error FROM alerts \
         WHERE run = (SELECT sequence FROM runs WHERE run_id = ?1) ORDER BY alert",
        &[run_id.into()],
        |row| {
            Ok(AlertRow {
                status: row.take()?,
                channel: row.take()?,
                shown: row.take()?,
                state: match row.take::<String>()?.as_str() {
                    "waiting" => AlertState::Waiting,
                    "sent" => AlertState::Sent,
                    "failed" => AlertState::Failed,
                    other => return Err(StoreError::Corrupt(format!("state of an alert {other:?}"))),
                },
                updated: row.take()?,
                due: row.take()?,
                attempts: row.take()?,
                error: row.take()?,
            })
        },
    )
}
