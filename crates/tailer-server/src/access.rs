//! Who may do what: every action of every endpoint with the role it needs, in one table (`spec/api.md`).
//!
//! The dispatcher finds actions here, the OpenAPI document is written from here, and the authorization tests walk over it:
//! an action that is not in this table does not exist.

use std::{fmt, str::FromStr};

/// What a token may do on one account. Each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Launches, cancels, sets statuses, resets, enables and disables.
    Operator,
    /// Also deploys.
    Deployer,
    /// Also un-archives.
    Admin,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Deployer, Self::Admin];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Deployer => "deployer",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of viewer, operator, deployer, admin")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == s).ok_or(UnknownRole)
    }
}

/// The endpoints that take actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    Launch,
    Runs,
    Workflows,
    Configurations,
    Deploy,
    Audit,
    Notes,
}

impl Route {
    pub(crate) const ALL: [Self; 7] =
        [Self::Launch, Self::Runs, Self::Workflows, Self::Configurations, Self::Deploy, Self::Audit, Self::Notes];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Launch => "/v1/dag/launch",
            Self::Runs => "/v1/dag/status",
            Self::Workflows => "/v1/workflow/status",
            Self::Configurations => "/v1/configuration/status",
            Self::Deploy => "/v1/configuration/deploy",
            Self::Audit => "/v1/audit/log",
            Self::Notes => "/v1/notes",
        }
    }

    /// Largest body in bytes (`spec/api.md`, Errors).
    pub(crate) const fn body_limit(self) -> usize {
        match self {
            Self::Deploy => 64 << 20,
            _ => 1 << 20,
        }
    }

    /// The rule of an action of this endpoint.
    pub(crate) fn rule(self, action: &str) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.route == self && rule.name == action)
    }

    /// Names of this endpoint's actions, in the order of the table.
    pub(crate) fn actions(self) -> impl Iterator<Item = &'static str> {
        RULES.iter().filter(move |rule| rule.route == self).map(|rule| rule.name)
    }
}

/// What a body's `action` can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    LaunchJob,
    Backfill,
    CheckRunStatus,
    GetLastStatus,
    GetByStatus,
    SetRunStatus,
    CancelRun,
    GetRunDetails,
    GetRunLogs,
    GetExpectations,
    ResetWorkflowStatus,
    GetWorkflowStatus,
    SetConfigurationStatus,
    GetConfigurationStatus,
    GetConfiguration,
    ListConfigurations,
    GetFreshness,
    DeployConfiguration,
    CheckConfiguration,
    GetAuditLog,
    AddNote,
    ListNotes,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) route: Route,
    pub(crate) action: Action,
    /// As it stands in the body.
    pub(crate) name: &'static str,
    /// Least role on the account that the request names.
    pub(crate) role: Role,
    /// What it does, for the OpenAPI document.
    pub(crate) does: &'static str,
}

const fn rule(route: Route, action: Action, name: &'static str, role: Role, does: &'static str) -> Rule {
    Rule { route, action, name, role, does }
}

/// The table. Un-archiving through `set_configuration_status` additionally needs `admin` (see `api::configurations`).
pub(crate) const RULES: &[Rule] = &[
    rule(Route::Launch, Action::LaunchJob, "launch_job", Role::Operator, "Starts a run of a data operation."),
    rule(
        Route::Launch,
        Action::Backfill,
        "backfill",
        Role::Operator,
        "Creates the runs that a data operation's schedule has no run for in a range of days.",
    ),
    rule(Route::Runs, Action::CheckRunStatus, "check_run_status", Role::Viewer, "The status of one run."),
    rule(
        Route::Runs,
        Action::GetLastStatus,
        "get_last_status",
        Role::Viewer,
        "The latest runs of a data operation or job.",
    ),
    rule(Route::Runs, Action::GetByStatus, "get_by_status", Role::Viewer, "The latest runs of a type, by status."),
    rule(Route::Runs, Action::SetRunStatus, "set_run_status", Role::Operator, "Sets a run's status by hand."),
    rule(Route::Runs, Action::CancelRun, "cancel_run", Role::Operator, "Stops a run and its running statements."),
    rule(Route::Runs, Action::GetRunDetails, "get_run_details", Role::Viewer, "One run with its tasks."),
    rule(
        Route::Runs,
        Action::GetRunLogs,
        "get_run_logs",
        Role::Viewer,
        "The log lines of a run, waiting for new ones.",
    ),
    rule(
        Route::Runs,
        Action::GetExpectations,
        "get_expectations",
        Role::Viewer,
        "What expectations found in one run, or in the latest of a data operation.",
    ),
    rule(
        Route::Workflows,
        Action::ResetWorkflowStatus,
        "reset_workflow_status",
        Role::Operator,
        "Forgets every job that already counted towards a workflow.",
    ),
    rule(
        Route::Workflows,
        Action::GetWorkflowStatus,
        "get_workflow_status",
        Role::Viewer,
        "What a workflow awaits, what has arrived, and its last ten firings.",
    ),
    rule(
        Route::Configurations,
        Action::SetConfigurationStatus,
        "set_configuration_status",
        Role::Operator,
        "Disables, enables or archives a data operation.",
    ),
    rule(
        Route::Configurations,
        Action::GetConfigurationStatus,
        "get_configuration_status",
        Role::Viewer,
        "The flags and the version of a data operation.",
    ),
    rule(
        Route::Configurations,
        Action::GetConfiguration,
        "get_configuration",
        Role::Viewer,
        "A version of a data operation as it was deployed, secrets hidden.",
    ),
    rule(
        Route::Configurations,
        Action::ListConfigurations,
        "list_configurations",
        Role::Viewer,
        "The data operations of an account with their flags and last runs.",
    ),
    rule(
        Route::Configurations,
        Action::GetFreshness,
        "get_freshness",
        Role::Viewer,
        "Which operations in PROD ran, are awaited or late, and when they are expected next.",
    ),
    rule(
        Route::Deploy,
        Action::DeployConfiguration,
        "deploy_configuration",
        Role::Deployer,
        "Validates and deploys a data operation.",
    ),
    rule(
        Route::Deploy,
        Action::CheckConfiguration,
        "check_configuration",
        Role::Deployer,
        "Validates a data operation without deploying it.",
    ),
    rule(
        Route::Audit,
        Action::GetAuditLog,
        "get_audit_log",
        Role::Viewer,
        "Who changed what on an account, newest first; who may do what is shown to admins only.",
    ),
    rule(
        Route::Notes,
        Action::AddNote,
        "add_note",
        Role::Viewer,
        "Writes a note about an operation, a run or a table.",
    ),
    rule(
        Route::Notes,
        Action::ListNotes,
        "list_notes",
        Role::Viewer,
        "The notes about an operation, a run or a table.",
    ),
];

/// Where storages say that objects were written. Its bodies are theirs, without `action` and account: the role is needed on
/// some account, and concerns that account's operations only (see `api::notifications`).
pub(crate) const NOTIFICATIONS: &str = "/v1/storage/notifications";
/// As the rules name it.
pub(crate) const NOTIFY: (&str, Role) = ("storage_notification", Role::Operator);

/// Every action as (path, action, least role), for documents and for the tests that hold every one of them to its role.
pub fn rules() -> impl Iterator<Item = (&'static str, &'static str, Role)> {
    let notify = (NOTIFICATIONS, NOTIFY.0, NOTIFY.1);
    RULES.iter().map(|rule| (rule.route.path(), rule.name, rule.role)).chain([notify])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_read_back_what_they_print_and_rise() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!(Role::ALL.is_sorted());
        assert_eq!("root".parse::<Role>(), Err(UnknownRole));
    }

    #[test]
    fn every_route_has_actions_and_no_name_stands_twice() {
        for route in Route::ALL {
            assert!(route.actions().count() > 0, "{route:?}");
        }
        let names: std::collections::BTreeSet<_> = RULES.iter().map(|r| r.name).collect();
        assert_eq!(names.len(), RULES.len());
    }
}
