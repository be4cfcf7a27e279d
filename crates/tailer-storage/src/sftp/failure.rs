//! What may go wrong on an SFTP server, before it is known which path it concerns.

use russh_sftp::{client::error::Error, protocol::StatusCode};

use crate::StorageError;

/// Only `Transient` is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    Missing,
    Denied(String),
    Refused(String),
    Mismatch(String),
    /// The server says no and gives no reason that would fit the others.
    Server(String),
    Transient(String),
}

impl Failure {
    pub(super) fn at(self, location: String) -> StorageError {
        match self {
            Self::Missing => StorageError::NotFound { location },
            Self::Denied(message) => StorageError::Denied { location, message },
            Self::Refused(message) => StorageError::Refused { location, message },
            Self::Mismatch(message) => StorageError::Mismatch { location, message },
            Self::Server(message) => StorageError::Io { location, source: std::io::Error::other(message) },
            Self::Transient(message) => StorageError::Transient { location, message },
        }
    }

    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Transient(_))
    }
}

/// A status is the server's word on the request; everything else is an end of the conversation.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::Status(status) => status,
            Error::Timeout => return Self::Transient("the server did not answer in time".to_owned()),
            Error::Limited(limit) => return Self::Server(limit),
            Error::IO(_) | Error::UnexpectedPacket | Error::UnexpectedBehavior(_) => {
                return Self::Transient("the connection to the server was lost".to_owned());
            }
        };
        match status.status_code {
            StatusCode::NoSuchFile => Self::Missing,
            StatusCode::PermissionDenied => Self::Denied("the server denies permission".to_owned()),
            StatusCode::OpUnsupported => Self::Refused("the server does not support this operation".to_owned()),
            StatusCode::NoConnection | StatusCode::ConnectionLost => {
                Self::Transient("the server has lost its connection".to_owned())
            }
            StatusCode::BadMessage => Self::Refused(format!("the server does not accept the name ({})", said(&status))),
            StatusCode::Ok | StatusCode::Eof | StatusCode::Failure => {
                Self::Server(format!("the server refuses and says only \"{}\"", said(&status)))
            }
        }
    }
}

fn said(status: &russh_sftp::protocol::Status) -> String {
    if status.error_message.is_empty() { status.status_code.to_string() } else { status.error_message.clone() }
}
