//! What became of an attempt to tell somebody something.

use std::time::Duration;

/// Reasons are in words for a person, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has it. `refused`: recipients that it will never take, each with the reason.
    Sent { refused: Vec<String> },
    /// The other side has it for some; the recipients that are `left` were refused for now.
    Partly { refused: Vec<String>, left: Vec<String>, why: String },
    /// Not now. `after`: no sooner, says the other side.
    Later { why: String, after: Option<Duration> },
    /// Not ever.
    Never { why: String },
}

impl Outcome {
    pub(crate) fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }

    pub(crate) fn never(why: impl Into<String>) -> Self {
        Self::Never { why: why.into() }
    }
}
