//! Alerts: claims those that are due, sends them, and records on their runs what came of it.
//!
//! A claim is a lease, so what dies with this server is sent again by the next: at least once. Whoever is slow to answer keeps
//! nobody else waiting: messages are on their way side by side, and this only ever waits for the store.

use std::sync::Arc;

use jiff::Timestamp;
use tailer_model::{Monitoring, monitoring::Facts};
use tailer_notify::Outcome;
use tailer_store::{
    Durability, Tx,
    alerts::{self, DueAlert},
    logs,
};

use crate::{
    EngineError,
    alerts::{Message, Pace, WINDOW, backoff, facts, monitoring, most, pace},
    engine::Inner,
    execute::log::line,
};

/// Messages on their way at once.
pub(crate) const AT_ONCE: usize = 16;
/// Alerts looked at in one transaction.
const BATCH: u32 = 1000;

/// Answers when the next one is due.
pub(super) async fn run(inner: &Arc<Inner>) -> Result<Option<Timestamp>, EngineError> {
    if inner.parts.courier.is_none() {
        return Ok(None);
    }
    loop {
        let next = inner.parts.store.read(alerts::next_due).await?;
        let free = inner.sending.available_permits();
        if next.is_none_or(|due| due > inner.now()) || free == 0 || inner.stopping.is_cancelled() {
            return Ok(next);
        }
        let engine = inner.clone();
        let groups = inner.parts.store.write(Durability::Relaxed, move |tx| claim(&engine, tx, free)).await?;
        for group in groups {
            spawn(inner, group);
        }
    }
}

/// Alerts that are sent in one message.
type Group = Vec<DueAlert>;

/// Takes what is due, for up to `free` messages; what must wait is put off.
fn claim(inner: &Inner, tx: &mut Tx<'_>, free: usize) -> Result<Vec<Group>, EngineError> {
    let settings = &inner.parts.settings.alerts;
    let now = inner.now();
    let lease_until = now.checked_add(settings.lease).unwrap_or(now);
    let mut groups = Vec::new();
    while groups.len() < free {
        let mut due = alerts::due(tx, now, BATCH)?;
        let Some(first) = due.first().cloned() else { break };
        due.retain(|alert| alert.destination == first.destination && alert.recipients == first.recipients);
        let since = now.checked_sub(WINDOW).unwrap_or(now);
        let pace = pace(due.len(), alerts::recent(tx, &first.destination, since)?, now, settings);
        let (taken, each) = match pace {
            Pace::Wait(until) => {
                alerts::postpone(tx, &first.destination, now, until)?;
                continue;
            }
            Pace::OneByOne => (free - groups.len(), 1),
            Pace::Together => (most(first.channel), most(first.channel)),
        };
        let mut claimed = Vec::new();
        for alert in due.into_iter().take(taken) {
            if alerts::claim(tx, alert.key, now, lease_until, pace == Pace::Together)? {
                claimed.push(DueAlert { attempts: alert.attempts + 1, ..alert });
            }
        }
        groups.extend(claimed.chunks(each).map(<[DueAlert]>::to_vec));
    }
    Ok(groups)
}

/// Sends a message on a task of its own.
fn spawn(inner: &Arc<Inner>, group: Group) {
    let Ok(permit) = inner.sending.clone().try_acquire_owned() else { return };
    let engine = inner.clone();
    inner.tasks.spawn(async move {
        tokio::select! {
            sent = send(&engine, group) => if let Err(error) = sent {
                tracing::error!(%error, "alerts could not be sent; they are tried again when their lease has passed");
            },
            () = engine.abandon.cancelled() => {}
        }
        drop(permit);
        engine.pokes.alerts.notify_one();
    });
}

async fn send(inner: &Arc<Inner>, group: Group) -> Result<(), EngineError> {
    let Some(courier) = inner.parts.courier.clone() else { return Ok(()) };
    let (engine, wanted) = (inner.clone(), group.clone());
    let (told, monitoring) = inner.parts.store.read(move |tx| gather(&engine, tx, &wanted)).await?;
    let message = group
        .first()
        .filter(|_| !told.is_empty())
        .and_then(|first| Message::of(first, &told, &monitoring, &inner.parts.settings.alerts, inner.now()));
    let outcome = match message {
        Some(message) => message.send(courier.as_ref()).await,
        None => Outcome::Never { why: "the server's settings name no way for it any more".to_owned() },
    };
    let (engine, of) = (inner.clone(), group.clone());
    inner.parts.store.write(Durability::Relaxed, move |tx| record(&engine, tx, &of, &outcome)).await?;
    for alert in &group {
        inner.announce(&alert.run_id);
    }
    Ok(())
}

/// What is told, and what the operation of the first says about how.
fn gather(inner: &Inner, tx: &mut Tx<'_>, group: &[DueAlert]) -> Result<(Vec<Facts>, Monitoring), EngineError> {
    let mut told = Vec::new();
    for alert in group {
        told.extend(facts(inner, tx, alert)?);
    }
    let how = group.first().map(|first| monitoring(inner, tx, first.configuration, first.version));
    Ok((told, how.unwrap_or_default()))
}

/// Records what came of it, on every run that the message told of.
fn record(inner: &Inner, tx: &mut Tx<'_>, group: &[DueAlert], outcome: &Outcome) -> Result<(), EngineError> {
    let at = inner.now();
    for alert in group {
        let (level, message) = match outcome {
            Outcome::Sent { refused } => {
                let refused = (!refused.is_empty()).then(|| refused.join("; "));
                if !alerts::sent(tx, alert.key, alert.attempts, at, refused.as_deref())? {
                    continue;
                }
                let together =
                    if group.len() > 1 { format!(", with {} others", group.len() - 1) } else { String::new() };
                match refused {
                    None => ("INFO", format!("sent{together}")),
                    Some(refused) => ("WARNING", format!("sent{together}, but refused for some: {refused}")),
                }
            }
            Outcome::Later { why, after } => match again(inner, tx, alert, at, (why, None, *after))? {
                Some(told) => told,
                None => continue,
            },
            Outcome::Partly { refused, left, why } => {
                let refused: String = refused.iter().map(|recipient| format!("; refused: {recipient}")).collect();
                match again(inner, tx, alert, at, (&format!("{why}{refused}"), Some(left), None))? {
                    Some(told) => told,
                    None => continue,
                }
            }
            Outcome::Never { why } => {
                if !alerts::failed(tx, alert.key, alert.attempts, at, why)? {
                    continue;
                }
                ("ERROR", format!("not sent: {why}"))
            }
        };
        let message = format!("alert {} by {} to {}: {message}", alert.status, alert.channel, alert.shown);
        logs::append(tx, &alert.run_id, &[line(at, level, None, message)])?;
    }
    Ok(())
}

/// Lets an alert be tried again, or gives it up. Answers the line for the log, none when it would only say again what was said
/// before.
fn again(
    inner: &Inner,
    tx: &mut Tx<'_>,
    alert: &DueAlert,
    at: Timestamp,
    (why, left, after): (&str, Option<&[String]>, Option<std::time::Duration>),
) -> Result<Option<(&'static str, String)>, EngineError> {
    let age = at.duration_since(alert.created);
    let Some(wait) = backoff(alert.attempts, age, after, &inner.parts.settings.alerts) else {
        let recorded = alerts::failed(tx, alert.key, alert.attempts, at, why)?;
        let given_up = format!("not sent, and given up after {} attempts: {why}", alert.attempts);
        return Ok(recorded.then_some(("ERROR", given_up)));
    };
    let due = at.checked_add(wait).unwrap_or(at);
    let recorded = alerts::again(tx, alert.key, alert.attempts, (at, due), why, left)?;
    let known = alert.error.as_deref() == Some(why);
    Ok((recorded && !known).then(|| ("WARNING", format!("not sent yet, it is tried again: {why}"))))
}
