//! The endpoints under `/v1`: one way in for all of them, one file per noun behind it.
//!
//! [`endpoint`] takes a request from its token to its fields and finds its rule in `access`; the noun's function reads the
//! fields, requires the rule's role on the account and asks the engine.

mod audit;
mod backfill;
mod configurations;
mod deploy;
mod expectations;
mod freshness;
pub(crate) mod health;
mod launch;
pub(crate) mod metrics;
mod notes;
mod notices;
pub(crate) mod notifications;
pub(crate) mod openapi;
mod run_logs;
mod runs;
mod workflows;

use std::time::Duration;

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};
use tailer_model::{AccountId, Actor, Via};

use crate::{
    access::{Action, RULES, Route, Rule},
    app::App,
    auth::Principal,
    body::{self, Incoming},
    errors::ApiError,
    fields::Fields,
    json,
    values::Name,
    wire::Done,
};

/// A request whose sender and action are known.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a App,
    principal: &'a Principal,
    rule: &'static Rule,
    headers: &'a HeaderMap,
    /// As received.
    body: &'a [u8],
}

impl Call<'_> {
    /// # Errors
    /// 403 when the sender's role on the account does not reach the rule's.
    pub(crate) fn authorize(&self, account: &AccountId) -> Result<(), ApiError> {
        self.principal.require(self.rule.role, account, self.rule.name)
    }

    /// The sender, as what is changed names them. Our own command line says what it is.
    pub(crate) fn actor(&self) -> Actor {
        let agent = self.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        let via = if agent.starts_with("tailerd-cli/") { Via::Cli } else { Via::Api };
        Actor::new(&self.principal.name, via)
    }
}

/// A JSON answer, status 200.
struct Answer(Vec<u8>);

impl Answer {
    fn json(value: &impl Serialize) -> Result<Self, ApiError> {
        serde_json::to_vec(value).map(Self).map_err(|e| ApiError::internal(&e))
    }

    fn done() -> Result<Self, ApiError> {
        Self::json(&Done::with(Map::<String, Value>::new()))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// Answers a request to one of the routes.
pub(crate) async fn endpoint(app: &App, route: Route, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut incoming = Incoming::new(&parts.headers, body);
    match answer(app, route, &parts.headers, &mut incoming).await {
        Ok(answer) => answer.into_response(),
        Err(error) => {
            let most = match error.status() {
                StatusCode::PAYLOAD_TOO_LARGE => 2 * route.body_limit(),
                StatusCode::REQUEST_TIMEOUT => 0,
                _ => 1 << 20,
            };
            incoming.discard(most, Duration::from_secs(2)).await;
            error.into_response()
        }
    }
}

async fn answer(app: &App, route: Route, headers: &HeaderMap, incoming: &mut Incoming) -> Result<Answer, ApiError> {
    let principal = app.authenticator.authenticate(headers, &app.limiter).await?;
    let _in_flight = app.limiter.admit(&principal.allowance, app.clock.now())?;
    body::require_json(headers)?;
    let body = incoming.read(route.body_limit(), app.settings.timeouts.body).await?;
    let mut fields = Fields::new(json::read_object(&body)?);
    let rule = find_rule(route, &mut fields)?;
    let call = Call { app, principal: &principal, rule, headers, body: &body };
    act(&call, &mut fields).await.map_err(|error| error.with_ignored(fields.ignored()))
}

async fn act(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    match call.rule.action {
        Action::LaunchJob => launch::launch_job(call, fields).await,
        Action::Backfill => backfill::backfill(call, fields).await,
        Action::CheckRunStatus => runs::check_run_status(call, fields).await,
        Action::GetLastStatus => runs::get_last_status(call, fields).await,
        Action::GetByStatus => runs::get_by_status(call, fields).await,
        Action::SetRunStatus => runs::set_run_status(call, fields).await,
        Action::CancelRun => runs::cancel_run(call, fields).await,
        Action::GetRunDetails => runs::get_run_details(call, fields).await,
        Action::GetRunLogs => run_logs::get_run_logs(call, fields).await,
        Action::GetExpectations => expectations::get_expectations(call, fields).await,
        Action::ResetWorkflowStatus => workflows::reset_workflow_status(call, fields).await,
        Action::GetWorkflowStatus => workflows::get_workflow_status(call, fields).await,
        Action::SetConfigurationStatus => configurations::set_configuration_status(call, fields).await,
        Action::GetConfigurationStatus => configurations::get_configuration_status(call, fields).await,
        Action::GetConfiguration => configurations::get_configuration(call, fields).await,
        Action::ListConfigurations => configurations::list_configurations(call, fields).await,
        Action::GetAuditLog => audit::get_audit_log(call, fields).await,
        Action::GetFreshness => freshness::get_freshness(call, fields).await,
        Action::DeployConfiguration => deploy::deploy_configuration(call, fields).await,
        Action::CheckConfiguration => deploy::check_configuration(call, fields).await,
        Action::AddNote => notes::add_note(call, fields).await,
        Action::ListNotes => notes::list_notes(call, fields).await,
    }
}

/// The rule of the body's `action`.
fn find_rule(route: Route, fields: &mut Fields<'_>) -> Result<&'static Rule, ApiError> {
    let Some(Name(action)) = fields.required("action") else { return Err(with_actions(fields.error(), route)) };
    if let Some(rule) = route.rule(&action) {
        return Ok(rule);
    }
    let path = route.path();
    let valid = route.actions().collect::<Vec<_>>().join(", ");
    let hint = match RULES.iter().find(|rule| rule.name == action) {
        Some(elsewhere) => format!(" ({} is an action of {})", elsewhere.name, elsewhere.route.path()),
        None => String::new(),
    };
    let shown: String = action.chars().take(80).collect();
    let message = format!("unknown action {shown:?}{hint}; {path} takes {valid}");
    Err(with_actions(ApiError::bad_request("unknown_action", message), route))
}

fn with_actions(error: ApiError, route: Route) -> ApiError {
    error.with_data("actions", route.actions().collect::<Vec<_>>())
}
