//! `POST /v1/audit/log`: who changed what (ours beyond the documents; `docs/audit.md`).
//!
//! Whoever may read the account reads the changes of its operations and runs; those of users, tokens, service accounts and sign-ins
//! are shown to administrators only.

use tailer_engine::AuditQuery;
use tailer_model::{AccountId, AuditAction, Moment};

use super::{Answer, Call};
use crate::{
    access::Role,
    errors::ApiError,
    fields::{Fields, Request, request},
    values::{Cursor, Limit, Name},
    wire::{AuditBody, AuditLogBody},
};

/// Entries answered when the request sets no `limit`.
const DEFAULT_LIMIT: u32 = 100;

request! {
    /// `get_audit_log`
    AuditLog {
        /// Account whose changes are listed.
        account: AccountId,
        /// Only changes by this one, named as in the answers.
        who: Option<Name>,
        /// Only changes of this kind.
        audit_action: Option<AuditAction>,
        /// Only changes of this: a run's id, an operation with all its runs as `environment/configuration_type/configuration_id`, or a
        /// user, token or service account named as in the answers.
        target: Option<Name>,
        /// Not before this day (UTC) or instant.
        from: Option<Moment>,
        /// Not after this day (UTC), or before this instant.
        to: Option<Moment>,
        /// The `after` of the answer before.
        after: Option<Cursor>,
        /// 100 when absent.
        limit: Option<Limit>,
    }
}

pub(super) async fn get_audit_log(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let AuditLog { account, who, audit_action, target, from, to, after, limit } = AuditLog::read(fields)?;
    call.authorize(&account)?;
    let query = AuditQuery {
        with_access: call.principal.role_on(&account) >= Some(Role::Admin),
        account,
        who: who.map(|name| name.0),
        action: audit_action,
        target: target.map(|name| name.0),
        from: from.map(Moment::begin),
        to: to.map(Moment::end),
        after: after.map(|cursor| cursor.0),
        limit: limit.map_or(DEFAULT_LIMIT, |limit| limit.0),
    };
    let page = call.app.engine.audit_log(query).await?;
    let results = page.entries.iter().map(AuditBody::new).collect();
    Answer::json(&AuditLogBody { results, after: page.next.as_deref() })
}
