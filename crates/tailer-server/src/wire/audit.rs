//! Entries of the audit log.

use serde::Serialize;
use serde_json::Value;
use tailer_engine::AuditView;
use tailer_model::{AccountId, AuditAction, Via};
use utoipa::ToSchema;

/// A page of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditLog)]
pub(crate) struct AuditLogBody<'a> {
    pub(crate) results: Vec<AuditBody<'a>>,
    /// Send it along to get the next page; null on the last.
    pub(crate) after: Option<&'a str>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditBody<'a> {
    date: &'a str,
    /// `user:<name>`, `token:<id>`, `oidc:<e-mail or sub>`, a service account's e-mail, or `local:<name>` for somebody on the server's machine.
    who: &'a str,
    /// `api`, `cli` or `studio`, as far as the client says.
    #[schema(value_type = String)]
    via: Via,
    #[schema(value_type = Option<String>)]
    account: Option<&'a AccountId>,
    /// Of what, and how: `configuration_deploy`, `run_launch` and so on.
    #[schema(value_type = String)]
    action: AuditAction,
    /// `configuration`, `run`, `token`, `service_account`, `user` or `session`.
    target_kind: &'static str,
    target: &'a str,
    /// The operation that it concerns, as `environment/configuration_type/configuration_id`.
    operation: Option<&'a str>,
    /// What it was, as far as it changed.
    before: &'a Value,
    /// What it is.
    after: &'a Value,
}

impl<'a> AuditBody<'a> {
    pub(crate) fn new(entry: &'a AuditView) -> Self {
        Self {
            date: &entry.date,
            who: &entry.who,
            via: entry.via,
            account: entry.account.as_ref(),
            action: entry.action,
            target_kind: entry.action.target_kind(),
            target: &entry.target,
            operation: entry.operation.as_deref(),
            before: &entry.before,
            after: &entry.after,
        }
    }
}
