//! Who changes something, and through what: what runs, versions and the audit log name. What the server does by itself has no actor.

use crate::text::{as_text, text_enum};

text_enum! {
    /// Through what somebody acts. A label for people: the command line says by itself that it is one, nothing is allowed for it.
    pub enum Via {
        Api = "api",
        Cli = "cli",
        Studio = "studio",
    }
}

as_text!(Via);

/// Somebody who changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `token:<id>`, `user:<name>`, `oidc:<e-mail or sub>`, a service account's e-mail, or `local:<name>` for a user of the operating
    /// system who works on the data folder.
    pub name: String,
    pub via: Via,
}

impl Actor {
    #[must_use]
    pub fn new(name: impl Into<String>, via: Via) -> Self {
        Self { name: name.into(), via }
    }
}
