//! Remembers verified tokens for a moment, so that a client that polls costs no signature check and no store read each time.
//!
//! Keyed by the SHA-256 of the token: the cache never holds a token. An entry holds for [`FRESH`](super::FRESH) seconds and
//! never past the token's expiry; that bounds how long a revoked token still works.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};

use super::{FRESH, Principal};

/// Tokens remembered at once; beyond it stale ones are thrown out, and all when none is.
const REMEMBERED: usize = 10_000;

pub(super) type Key = [u8; 32];

#[derive(Debug, Default)]
pub(super) struct Cache(RwLock<HashMap<Key, Entry>>);

#[derive(Debug)]
struct Entry {
    principal: Arc<Principal>,
    verified: Timestamp,
    expires: Timestamp,
}

impl Entry {
    fn holds(&self, now: Timestamp) -> bool {
        // A clock that was set back makes an entry stale rather than eternal.
        (0..FRESH).contains(&now.duration_since(self.verified).as_secs()) && now >= self.verified && now < self.expires
    }
}

pub(super) fn key(token: &str) -> Key {
    Sha256::digest(token.as_bytes()).into()
}

impl Cache {
    pub(super) fn get(&self, key: &Key, now: Timestamp) -> Option<Arc<Principal>> {
        let entries = self.0.read();
        entries.get(key).filter(|entry| entry.holds(now)).map(|entry| Arc::clone(&entry.principal))
    }

    pub(super) fn put(&self, key: Key, principal: Arc<Principal>, expires: Timestamp, now: Timestamp) {
        let mut entries = self.0.write();
        if entries.len() >= REMEMBERED {
            entries.retain(|_, entry| entry.holds(now));
        }
        if entries.len() >= REMEMBERED {
            entries.clear();
        }
        entries.insert(key, Entry { principal, verified: now, expires });
    }
}
