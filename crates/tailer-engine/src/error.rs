//! What can go wrong with a request to the engine, and how errors of the layers below become it.
//!
//! Use the variants that speak to the client for what a client can mend; everything else is [`EngineError::Internal`],
//! which the server logs and answers opaquely.

use tailer_model::Problem;
use tailer_storage::{PathError, StorageError};
use tailer_store::StoreError;
use tailer_warehouse::WarehouseError;

/// Everything that can go wrong with a request, in words for the client; the server maps it to HTTP in one place.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// 404
    #[error("{message}")]
    NotFound { code: &'static str, message: String },
    /// 409
    #[error("{message}")]
    Conflict { code: &'static str, message: String },
    /// 400
    #[error("{message}")]
    Invalid { code: &'static str, message: String },
    /// 422
    #[error("{message}")]
    Mismatch { code: &'static str, message: String },
    /// 400 with `data.problems`
    #[error("the configuration has {} problem(s)", .0.len())]
    Problems(Vec<Problem>),
    /// 503: draining
    #[error("the server is stopping")]
    Stopping,
    /// 500: logged, opaque to the client
    #[error("{0}")]
    Internal(String),
}

impl EngineError {
    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::NotFound { code, message: message.into() }
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { code, message: message.into() }
    }

    pub(crate) fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { code, message: message.into() }
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.to_string())
    }
}

/// Why a task failed, in words for its author: what the run's and the task's `error` say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TaskError {
    #[error("{0}")]
    Failed(String),
    #[error("cancelled")]
    Cancelled,
}

impl From<String> for TaskError {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

impl From<EngineError> for TaskError {
    fn from(error: EngineError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StorageError> for TaskError {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<PathError> for TaskError {
    fn from(error: PathError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<WarehouseError> for TaskError {
    fn from(error: WarehouseError) -> Self {
        match error {
            WarehouseError::Cancelled => Self::Cancelled,
            other => Self::Failed(placed(&other)),
        }
    }
}

/// An error of a statement with its place in the file, where that is known.
fn placed(error: &WarehouseError) -> String {
    let (WarehouseError::Invalid { line, column, .. } | WarehouseError::Unsupported { line, column, .. }) = error
    else {
        return error.to_string();
    };
    match (line, column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: {error}"),
        (Some(line), None) => format!("line {line}: {error}"),
        _ => error.to_string(),
    }
}
