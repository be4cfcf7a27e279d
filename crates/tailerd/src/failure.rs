//! How a command ends: exit codes and the one error type of the binary.
//!
//! Everything that goes wrong becomes a [`Failure`] in words for the person at the keyboard: an `error:` line that says
//! what is wrong, `hint:` lines that say what to do, and the exit code of `spec/cli.md`. Nothing here formats results.

use std::{fmt, process::ExitCode};

/// Exit codes, as `spec/cli.md` promises them to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: the operation failed.
    Failed,
    /// 2: wrong usage, including wrong settings.
    Usage,
    /// 3: the server could not be reached, or refused.
    Server,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Server => 3,
        })
    }
}

/// Why a command did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hints: Vec::new() }
    }

    /// Exit code 1.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Exit code 3.
    pub(crate) fn server(message: impl Into<String>) -> Self {
        Self::new(Exit::Server, message)
    }

    /// Adds a line that says what to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// Turns an error into exit code 1 with what was being done in front: `cannot read a.json: No such file`.
pub(crate) trait Context<T> {
    fn context(self, doing: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::failed(format!("{doing}: {error}")))
    }
}
