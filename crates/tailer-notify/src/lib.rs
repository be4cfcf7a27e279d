//! Telling people: mail through an SMTP server ([`Mailer`]), documents posted to webhooks ([`Caller`]).
//!
//! One call is one attempt, and [`Outcome`] says what became of it: taken, refused for good, or to be tried again. Whoever calls
//! keeps what has to be told and tries again; nothing is queued here. An attempt never takes longer than its timeout.
//!
//! What is sent carries an id that stays the same when it is sent again, so that whoever gets it twice can tell.

mod mail;
mod outcome;
mod post;
mod public;
mod smtp;

pub use mail::Mail;
pub use outcome::Outcome;
pub use post::{Caller, Post};
pub use smtp::{Encryption, Mailer, SmtpError, SmtpSettings};
