//! What the audit log calls the changes that people make. The names are stable: they stand in the log, in the API and in addresses.

use crate::text::{as_text, text_enum};

text_enum! {
    /// A change that somebody made: of what, and how.
    pub enum AuditAction {
        ConfigurationDeploy = "configuration_deploy",
        ConfigurationEnable = "configuration_enable",
        ConfigurationDisable = "configuration_disable",
        ConfigurationArchive = "configuration_archive",
        ConfigurationUnarchive = "configuration_unarchive",
        RunLaunch = "run_launch",
        /// A run was done again, as a whole or from its failed tasks on.
        RunRelaunch = "run_relaunch",
        RunBackfill = "run_backfill",
        RunCancel = "run_cancel",
        RunSetStatus = "run_set_status",
        TaskCancel = "task_cancel",
        /// A file was handled again, or at once.
        FileRetake = "file_retake",
        WorkflowReset = "workflow_reset",
        NoteAdd = "note_add",
        NoteEdit = "note_edit",
        NoteRemove = "note_remove",
        TokenCreate = "token_create",
        TokenRevoke = "token_revoke",
        ServiceAccountAdd = "service_account_add",
        ServiceAccountRemove = "service_account_remove",
        UserAdd = "user_add",
        /// A user got a role on an account, or another one.
        UserGrant = "user_grant",
        /// A user has no role on an account any more.
        UserRevoke = "user_revoke",
        UserRemove = "user_remove",
        UserSetPassword = "user_set_password",
        /// Somebody signed in to the Studio.
        SessionBegin = "session_begin",
        /// Somebody signed out.
        SessionEnd = "session_end",
        /// Somebody tried to sign in and was refused.
        SessionRefuse = "session_refuse",
    }
}

as_text!(AuditAction);

impl AuditAction {
    /// Whether it concerns who may do what, which is for administrators to read.
    #[must_use]
    pub fn is_about_access(self) -> bool {
        !matches!(self.target_kind(), "configuration" | "run" | "note")
    }

    /// What its target is. A task's target is its run, a file's the run that takes it.
    #[must_use]
    pub fn target_kind(self) -> &'static str {
        match self {
            Self::ConfigurationDeploy
            | Self::ConfigurationEnable
            | Self::ConfigurationDisable
            | Self::ConfigurationArchive
            | Self::ConfigurationUnarchive
            | Self::RunBackfill
            | Self::WorkflowReset => "configuration",
            Self::RunLaunch
            | Self::RunRelaunch
            | Self::RunCancel
            | Self::RunSetStatus
            | Self::TaskCancel
            | Self::FileRetake => "run",
            Self::NoteAdd | Self::NoteEdit | Self::NoteRemove => "note",
            Self::TokenCreate | Self::TokenRevoke => "token",
            Self::ServiceAccountAdd | Self::ServiceAccountRemove => "service_account",
            Self::UserAdd | Self::UserGrant | Self::UserRevoke | Self::UserRemove | Self::UserSetPassword => "user",
            Self::SessionBegin | Self::SessionEnd | Self::SessionRefuse => "session",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_noun_and_a_verb_and_administrators_alone_read_of_access() {
        for action in AuditAction::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
            assert!(
                action.as_str().contains('_') && action.as_str().bytes().all(|b| b == b'_' || b.is_ascii_lowercase())
            );
            let noun = ["token", "service_account", "user", "session"].iter().any(|n| action.as_str().starts_with(n));
            assert_eq!(action.is_about_access(), noun, "{action}");
        }
    }
}
