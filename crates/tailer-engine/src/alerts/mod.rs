//! Alerts: telling people what became of runs (`spec/semantics.md`, Monitoring and alerts).
//!
//! Three steps, each of which may die and be gone on with. [`note`] records, in the transaction that ends a run, what is to be
//! told and where: so no outcome is forgotten, and none is told twice because two servers saw it. `reconcile/alerts.rs` claims
//! what is due and hands it to the [`Courier`](crate::Courier). What comes of that is recorded on the run. A run never waits for any of it.

mod digest;
mod facts;
mod message;
mod pace;
mod route;
mod settings;

use jiff::Timestamp;
use tailer_model::{RunId, RunStatus, rfc3339_micros};
use tailer_store::{
    Tx,
    alerts::{self, AlertState},
    runs::RunRow,
};

pub(crate) use facts::facts;
pub(crate) use message::{Message, most};
pub(crate) use pace::{Pace, WINDOW, backoff, pace};
pub(crate) use route::monitoring;
pub(crate) use route::warnings;
pub use settings::{AlertSettings, Courier, Hook, Links};

use crate::{AlertView, EngineError, engine::Inner};

/// Records the alerts that the outcome of a run asks for, due at once. The caller's transaction is the one that records the
/// outcome; afterwards it calls [`Inner::runs_changed`].
///
/// # Errors
/// What the store says.
pub(crate) fn note(
    inner: &Inner,
    tx: &mut Tx<'_>,
    run: &RunRow,
    status: RunStatus,
    at: Timestamp,
) -> Result<(), EngineError> {
    if inner.parts.courier.is_none() || status == RunStatus::Running {
        return Ok(());
    }
    let monitoring = monitoring(inner, tx, run.configuration, run.version);
    if !monitoring.wants(status, run.identity.environment) {
        return Ok(());
    }
    for route in route::routes(&monitoring, &inner.parts.settings.alerts, &run.identity.account) {
        let (destination, shown) = (&route.destination, &route.shown);
        let new = alerts::NewAlert { run_id: &run.run_id, status, channel: route.channel, destination, shown, at };
        if alerts::add(tx, &new)? {
            inner.noted();
        }
    }
    Ok(())
}

/// The alerts of a run, as people see them.
///
/// # Errors
/// What the store says.
pub(crate) fn views(tx: &mut Tx<'_>, run: &RunId) -> Result<Vec<AlertView>, EngineError> {
    let view = |row: alerts::AlertRow| AlertView {
        channel: row.channel,
        to: row.shown,
        status: row.status,
        state: match row.state {
            AlertState::Waiting => "WAITING",
            AlertState::Sent => "SENT",
            AlertState::Failed => "FAILED",
        },
        attempts: row.attempts,
        date: rfc3339_micros(row.updated),
        due_date: row.due.map(rfc3339_micros),
        error: row.error,
    };
    Ok(alerts::of_run(tx, run)?.into_iter().map(view).collect())
}
