//! Servers that share a database wake each other: whoever recorded something that others may act on says so, and they look.
//!
//! A hint, never the truth: an announcement that is lost delays others until they look by themselves. Announcements that come
//! faster than they can be sent become one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::Duration,
};

use postgres::{Client, fallible_iterator::FallibleIterator as _};

use super::{Address, words};
use crate::{Announcement, StoreError};

/// How long a thread waits before it looks whether it is still wanted, and before it connects again.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends and hears announcements of one store. Ends its threads when dropped.
pub(crate) struct Wake {
    address: Address,
    /// What is to be announced, a bit each.
    pending: Arc<AtomicU8>,
    /// Room for one: the sender takes all that is pending.
    ask: SyncSender<()>,
    /// Tells our own announcements from others'.
    me: String,
    ended: Arc<AtomicBool>,
}

impl std::fmt::Debug for Wake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wake").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Wake {
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(address: &Address, me: String) -> Result<Self, std::io::Error> {
        let (ask, asked) = mpsc::sync_channel(1);
        let pending = Arc::<AtomicU8>::default();
        let (to, name, taken) = (address.clone(), me.clone(), Arc::clone(&pending));
        thread::Builder::new().name("store-announcer".into()).spawn(move || send(&to, &name, &asked, &taken))?;
        Ok(Self { address: address.clone(), pending, ask, me, ended: Arc::default() })
    }

    pub(crate) fn announce(&self, what: Announcement) {
        self.pending.fetch_or(what.bit(), Ordering::AcqRel);
        // Full: the sender is about to look. Closed: there is nobody left to send it.
        let _ = self.ask.try_send(());
    }

    /// # Errors
    /// No thread can be started.
    pub(crate) fn listen(&self, told: impl Fn(Announcement) + Send + 'static) -> Result<(), std::io::Error> {
        let (address, me, ended) = (self.address.clone(), self.me.clone(), Arc::clone(&self.ended));
        let listening = move || {
            while !ended.load(Ordering::Relaxed) {
                if let Err(error) = hear(&address, &me, &ended, &told) {
                    tracing::warn!(%error, "announcements of other servers are not heard; trying again");
                }
                thread::sleep(PAUSE);
            }
        };
        thread::Builder::new().name("store-listener".into()).spawn(listening).map(drop)
    }
}

/// Sends announcements until nobody can make any.
fn send(address: &Address, me: &str, asked: &Receiver<()>, pending: &AtomicU8) {
    let mut connection: Option<Client> = None;
    while asked.recv().is_ok() {
        let bits = pending.swap(0, Ordering::AcqRel);
        for what in Announcement::ALL.into_iter().filter(|what| bits & what.bit() != 0) {
            if let Err(error) = send_one(address, &format!("{me} {}", what.name()), &mut connection) {
                tracing::warn!(%error, "other servers could not be told; they look by themselves");
                connection = None;
            }
        }
    }
}

fn send_one(address: &Address, said: &str, connection: &mut Option<Client>) -> Result<(), StoreError> {
    let mut client = match connection.take() {
        Some(client) if !client.is_closed() => client,
        _ => address.connect()?,
    };
    client
        .execute("SELECT pg_notify('tailerd', $1::text || ' ' || current_schema())", &[&said])
        .map_err(|error| StoreError::Unreachable(words(&error)))?;
    *connection = Some(client);
    Ok(())
}

/// Listens until the connection breaks or nobody wants to hear any more.
fn hear(address: &Address, me: &str, ended: &AtomicBool, told: &impl Fn(Announcement)) -> Result<(), StoreError> {
    let failed = |error: postgres::Error| StoreError::Unreachable(words(&error));
    let mut client = address.connect()?;
    client.batch_execute("LISTEN tailerd").map_err(failed)?;
    let schema: String =
        client.query_one("SELECT current_schema()::text", &[]).and_then(|row| row.try_get(0)).map_err(failed)?;
    // Something may have been said while nobody listened.
    Announcement::ALL.into_iter().for_each(told);
    while !ended.load(Ordering::Relaxed) {
        hear_for_a_while(&mut client, me, &schema, told).map_err(failed)?;
        if client.is_closed() {
            return Err(StoreError::Unreachable("the connection was closed".into()));
        }
    }
    Ok(())
}

fn hear_for_a_while(
    client: &mut Client,
    me: &str,
    schema: &str,
    told: &impl Fn(Announcement),
) -> Result<(), postgres::Error> {
    let mut notifications = client.notifications();
    let mut heard = notifications.timeout_iter(PAUSE);
    while let Some(notification) = heard.next()? {
        let mut words = notification.payload().splitn(3, ' ');
        let (who, what, of) = (words.next(), words.next(), words.next());
        if who != Some(me) && of == Some(schema) {
            Announcement::ALL.into_iter().filter(|known| what == Some(known.name())).for_each(told);
        }
    }
    Ok(())
}
