//! Work on a thread that may block cannot be dropped as a future can: it looks now and then whether anybody still waits.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Set once the guard made with it is dropped.
#[derive(Debug, Clone)]
pub(super) struct Abandoned(Arc<AtomicBool>);

/// Held by the future that waits.
#[derive(Debug)]
pub(super) struct Guard(Arc<AtomicBool>);

impl Abandoned {
    pub(super) fn new() -> (Self, Guard) {
        let flag = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&flag)), Guard(flag))
    }

    /// # Errors
    /// Nobody waits any more; nobody will read this error either.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) { Err(io::Error::other("abandoned")) } else { Ok(()) }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
