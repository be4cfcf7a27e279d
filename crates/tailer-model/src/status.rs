//! What became of a run or a task (`spec/api.md`, Identity and statuses).

use std::{fmt, str::FromStr};

/// Enums whose text form is the API's.
macro_rules! text_enum {
    ($(#[$m:meta])* $name:ident { $($(#[$vm:meta])* $v:ident = $s:literal),+ $(,)? }) => {
        $(#[$m])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vm])* $v),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$v),+];

            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$v => $s),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|v| v.as_str() == s).ok_or_else(|| {
                    format!("expected one of {}", [$($s),+].join(", "))
                })
            }
        }
    };
}

text_enum! {
    /// The status clients poll for.
    RunStatus {
        Running = "RUNNING",
        Success = "SUCCESS",
        Failed = "FAILED",
        /// A file arrived that no template matches.
        NoMatch = "NO_MATCH",
        /// A person marked a failed run as dealt with.
        Checked = "CHECKED",
    }
}

text_enum! {
    /// The finer outcome, so that a client that polls `status == RUNNING` keeps working.
    SubStatus {
        /// Waits for a slot; `status` is `RUNNING`.
        Queued = "QUEUED",
        Running = "RUNNING",
        Success = "SUCCESS",
        Warning = "WARNING",
        Break = "BREAK",
        Stop = "STOP",
        Failed = "FAILED",
        Cancelled = "CANCELLED",
        TimedOut = "TIMED_OUT",
        NoMatch = "NO_MATCH",
        Checked = "CHECKED",
    }
}

text_enum! {
    /// State of one task of a run.
    TaskStatus {
        Pending = "PENDING",
        Running = "RUNNING",
        Success = "SUCCESS",
        Failed = "FAILED",
        /// Never started: a parent failed or the run stopped.
        Skipped = "SKIPPED",
        Cancelled = "CANCELLED",
    }
}
