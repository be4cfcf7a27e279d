//! SIGTERM and SIGINT. Listened for from the moment [`Signals::listen`] returns, so that none is lost between two waits.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::{Context as _, Failure};

#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let doing = "cannot listen for signals";
        let terminate = signal(SignalKind::terminate()).context(doing)?;
        let interrupt = signal(SignalKind::interrupt()).context(doing)?;
        Ok(Self { terminate, interrupt })
    }

    /// Returns when one of them comes, or came since the last call.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
