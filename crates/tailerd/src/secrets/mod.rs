//! Secrets of configurations and of settings: the server's key pair, the sealed form that configurations carry, and the one
//! place that opens them (`spec/semantics.md`, Secrets).
//!
//! An opened secret is a [`tailer_model::Secret`]: it neither prints nor serializes, and is wiped when it goes. Nothing
//! here logs, and no error quotes a secret or tells whether something exists that may not be read. Nothing is kept:
//! keys are read when they are needed, so that a running server follows `tailerd keys generate`.

mod envelope;
mod error;
mod keys;
mod opener;
#[cfg(test)]
mod tests;

pub(crate) use envelope::Envelope;
pub(crate) use error::SecretError;
pub(crate) use keys::{KeyFolder, public_key_from_pem};
pub(crate) use opener::SecretOpener;
