//! What became of a run or a task (`spec/api.md`, Identity and statuses).

use crate::text::{as_text, text_enum};

text_enum! {
    /// The status clients poll for.
    pub enum RunStatus {
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
    pub enum SubStatus {
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

impl SubStatus {
    /// The status of a run with this finer outcome.
    #[must_use]
    pub fn status(self) -> RunStatus {
        match self {
            Self::Queued | Self::Running => RunStatus::Running,
            Self::Success | Self::Warning | Self::Break | Self::Stop => RunStatus::Success,
            Self::Failed | Self::Cancelled | Self::TimedOut => RunStatus::Failed,
            Self::NoMatch => RunStatus::NoMatch,
            Self::Checked => RunStatus::Checked,
        }
    }
}

text_enum! {
    /// What started a run: the `type` of its trigger.
    pub enum TriggerType {
        /// Somebody asked for it, through the API or the Studio.
        Api = "api",
        /// Somebody asked for it on the command line.
        Cli = "cli",
        Schedule = "schedule",
        Backfill = "backfill",
        File = "file",
        Workflow = "workflow",
    }
}

text_enum! {
    /// State of one task of a run.
    pub enum TaskStatus {
        Pending = "PENDING",
        Running = "RUNNING",
        Success = "SUCCESS",
        Failed = "FAILED",
        /// Never started: a parent failed or the run stopped.
        Skipped = "SKIPPED",
        Cancelled = "CANCELLED",
    }
}

as_text!(RunStatus);
as_text!(SubStatus);
as_text!(TaskStatus);
as_text!(TriggerType);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for status in RunStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
        }
        for status in SubStatus::ALL {
            assert_eq!(status.to_string().parse(), Ok(*status));
        }
        assert_eq!(serde_json::to_string(&TaskStatus::Skipped).unwrap(), "\"SKIPPED\"");
    }

    #[test]
    fn says_what_it_expects() {
        assert_eq!(
            "DONE".parse::<RunStatus>(),
            Err("expected one of RUNNING, SUCCESS, FAILED, NO_MATCH, CHECKED".to_owned())
        );
    }
}
