//! Why a secret could not be made or opened, in words for the person who wrote it. No variant holds anything secret.

use std::{io, path::PathBuf};

use super::opener::VARIABLE_PREFIX;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error(
        "not a secret: expected an object with \"cipher_aes\", \"tag\", \"ciphertext\" and \"enc_session_key\" (make one with \
         `tailerd encrypt`), {{\"env\": \"NAME\"}} or {{\"file\": \"path\"}}"
    )]
    NotASecret,
    /// A part of the sealed form cannot be right; the text says which and why.
    #[error("the secret is damaged: {0}; encrypt it again with `tailerd encrypt`")]
    Part(String),
    #[error(
        "there is no private key in {} to open the secret with: `tailerd keys generate` makes one; then encrypt the \
         secret again", .0.display()
    )]
    NoKey(PathBuf),
    #[error("there is no key pair in {}: `tailerd keys generate` makes one", .0.display())]
    NoPair(PathBuf),
    #[error(
        "the secret was encrypted for another server: none of the private keys in {} opens it; encrypt it again with this \
         server's public key (`tailerd encrypt`)", .0.display()
    )]
    WrongKey(PathBuf),
    #[error("the secret is damaged: its content does not fit its tag; encrypt it again with `tailerd encrypt`")]
    Damaged,
    #[error(
        "the server does not give the variable {0} to configurations: name it {VARIABLE_PREFIX}…, or list it in the \
         server's setting secrets.env"
    )]
    VariableNotAllowed(String),
    #[error("the server's environment has no variable {0}, or it is empty or not UTF-8")]
    VariableMissing(String),
    #[error("the server gives configurations only files below {} (setting secrets.files): \"{path}\" is not one", folder.display())]
    FileNotAllowed { path: String, folder: PathBuf },
    #[error("cannot read the secret file {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the secret is larger than {} KiB", super::envelope::MAX_MESSAGE / 1024)]
    TooLarge,
    #[error("cannot make or read the key {}: {source}", path.display())]
    KeyFile { path: PathBuf, source: io::Error },
    #[error("{}: {what}", path.display())]
    NotAKey { path: PathBuf, what: &'static str },
    #[error("{} is there already: with --rotate a new pair takes its place and the old private key still opens what was encrypted for it", .0.display())]
    Exists(PathBuf),
    #[error("the cryptography refused: {0}")]
    Crypto(&'static str),
}
