//! `/openapi.json`: the API's description, written from the code that answers it.
//!
//! Endpoints and roles come from the table in `access`, request fields from the declarations that parse them, answers from
//! the types that are serialized. A golden file in `tests/` shows every change of the interface in review.

use std::sync::LazyLock;

use axum::{http::header, response::IntoResponse};
use bytes::Bytes;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, ContentBuilder, HttpMethod, Info, License, OpenApi, OpenApiBuilder, PathItem, Paths, Ref, RefOr,
        Required, ResponseBuilder,
        header::HeaderBuilder,
        path::{OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::{ArrayBuilder, Discriminator, ObjectBuilder, OneOfBuilder, Schema, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{
    audit, backfill, configurations, deploy, expectations, freshness, freshness::FreshnessBody, launch, notes,
    notifications::NotifiedBody, run_logs, runs, workflows,
};
use crate::{
    access::{Action, NOTIFICATIONS, NOTIFY, RULES, Route, Rule},
    errors::ErrorBody,
    fields::{FieldDoc, Request},
    wire::{
        AlertBody, AttemptBody, AuditBody, AuditLogBody, AwaitedBody, BackfillBody, ConfigurationBody,
        ConfigurationDocumentBody, ContextSchema, DeployedSchema, ExpectationBody, FiringBody, Launched, LogBody,
        LogsBody, NoteBody, NotesBody, ProblemSchema, RunBody, RunDetailsBody, TaskBody, ThreadBody, WorkflowBody,
        WrittenNote,
    },
};

const BEARER: &str = "bearer";

/// Written once; it never changes while the process runs.
static JSON: LazyLock<Bytes> = LazyLock::new(|| document().into());

pub(crate) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], JSON.clone())
}

/// The document as pretty-printed JSON, for `/openapi.json` and for the docs build.
#[must_use]
pub fn document() -> String {
    description().to_pretty_json().unwrap_or_default()
}

fn description() -> OpenApi {
    let mut info = Info::new("tailerd", env!("CARGO_PKG_VERSION"));
    info.description = Some("Launches, watches and operates data operations.".to_owned());
    info.license = Some(License::new("Apache-2.0"));
    let mut paths = Paths::new();
    for route in Route::ALL {
        paths.paths.insert(route.path().to_owned(), PathItem::new(HttpMethod::Post, endpoint(route)));
    }
    paths.paths.insert(NOTIFICATIONS.to_owned(), PathItem::new(HttpMethod::Post, notifications()));
    for (path, content_type, summary) in PLAIN {
        paths.paths.insert(path.to_owned(), PathItem::new(HttpMethod::Get, plain(content_type, summary)));
    }
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components())).build()
}

const PLAIN: [(&str, &str, &str); 4] = [
    ("/healthz", "application/json", "The process answers."),
    ("/readyz", "application/json", "The server can work; 503 until it can and while it drains."),
    ("/metrics", "text/plain", "Metrics for Prometheus; a token is needed unless the peer is on the same machine."),
    ("/openapi.json", "application/json", "This document."),
];

fn plain(content_type: &str, summary: &str) -> OperationBuilder {
    let response = ResponseBuilder::new().description("Fine").content(content_type, ContentBuilder::new().build());
    OperationBuilder::new().summary(Some(summary)).response("200", response)
}

fn endpoint(route: Route) -> OperationBuilder {
    let rules = || RULES.iter().filter(|rule| rule.route == route);
    let mut about = String::from("| action | least role | does |\n| --- | --- | --- |\n");
    for Rule { name, role, does, .. } in rules() {
        about.push_str(&format!("| `{name}` | {role} | {does} |\n"));
    }
    let mapping = rules().map(|rule| (rule.name, Ref::from_schema_name(request_name(rule)).ref_location));
    let body = rules()
        .fold(OneOfBuilder::new(), |one_of, rule| one_of.item(Ref::from_schema_name(request_name(rule))))
        .discriminator(Some(Discriminator::with_mapping("action", mapping)));
    let mut answers: Vec<_> = rules().map(|rule| answer(rule.action)).collect();
    answers.dedup_by_key(|schema| serde_json::to_string(schema).unwrap_or_default());
    let answers = match answers.as_slice() {
        [one] => one.clone(),
        several => Schema::from(several.iter().cloned().fold(OneOfBuilder::new(), OneOfBuilder::item)).into(),
    };
    let mut operation = OperationBuilder::new()
        .operation_id(Some(route.path().trim_start_matches("/v1/").replace('/', "_")))
        .description(Some(about))
        .request_body(Some(
            RequestBodyBuilder::new()
                .required(Some(Required::True))
                .content("application/json", ContentBuilder::new().schema(Some(body)).build())
                .build(),
        ))
        .security(SecurityRequirement::new(BEARER, Vec::<String>::new()))
        .response("200", json_response("Done", answers));
    if route == Route::Launch {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name("Idempotency-Key")
                .parameter_in(ParameterIn::Header)
                .description(Some("The same key and body within 24 h answer the same run; another body is a 422."))
                .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(255)))),
        );
    }
    with_errors(operation, errors(route))
}

/// The endpoint whose bodies are the storages' own.
fn notifications() -> OperationBuilder {
    let (name, role) = NOTIFY;
    let about = format!(
        "| action | least role | does |\n| --- | --- | --- |\n| `{name}` | {role} | Looks at objects that a storage says were \
         written. |\n\nTakes what Google's Pub/Sub pushes and what S3, or Amazon's notification service for it, sends. The role \
         is needed on some account and concerns that account's operations. Without an `Authorization` header the token may stand \
         in the address, as `?token=`.\n"
    );
    let content = ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::Object))).build();
    let operation = OperationBuilder::new()
        .operation_id(Some("storage_notifications"))
        .description(Some(about))
        .request_body(Some(
            RequestBodyBuilder::new().required(Some(Required::True)).content("application/json", content).build(),
        ))
        .security(SecurityRequirement::new(BEARER, Vec::<String>::new()))
        .response("202", json_response("Accepted", done(reference::<NotifiedBody>())));
    let never = ["404", "409"];
    with_errors(operation, errors(Route::Runs).into_iter().filter(|(status, _)| !never.contains(status)))
}

fn with_errors(
    operation: OperationBuilder,
    errors: impl IntoIterator<Item = (&'static str, &'static str)>,
) -> OperationBuilder {
    errors.into_iter().fold(operation, |operation, (status, about)| {
        let mut response = json_response(about, Ref::from_schema_name(ErrorBody::name()).into());
        if status == "429" {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer);
            response = response.header("Retry-After", HeaderBuilder::new().schema(Some(seconds)).build());
        }
        operation.response(status, response)
    })
}

/// The errors that an endpoint can answer.
fn errors(route: Route) -> Vec<(&'static str, &'static str)> {
    let mut errors = vec![
        ("400", "The body is not what the action takes"),
        ("401", "No token, or one that is refused"),
        ("403", "The token's role on the account does not allow it"),
        ("404", "There is no such thing under this identity"),
        ("408", "The body did not arrive in time"),
        ("409", "The state of the data operation or run does not allow it"),
        ("413", "The body is too large"),
        ("415", "The body is not declared to be JSON"),
    ];
    if route == Route::Launch {
        errors.push(("422", "The Idempotency-Key was used with another body"));
    }
    errors.extend([("429", "Too many requests"), ("500", "Something unforeseen"), ("503", "The server is stopping")]);
    errors
}

fn json_response(about: &str, schema: RefOr<Schema>) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(about)
        .content("application/json", ContentBuilder::new().schema(Some(schema)).build())
}

/// What an action answers with status 200, as it stands in the document.
pub(crate) fn answer_schema(action: Action) -> serde_json::Value {
    serde_json::to_value(answer(action)).unwrap_or_default()
}

/// What an action answers with status 200.
fn answer(action: Action) -> RefOr<Schema> {
    match action {
        Action::LaunchJob => reference::<Launched>(),
        Action::Backfill => results::<BackfillBody<'_>>(),
        Action::CheckRunStatus | Action::GetLastStatus | Action::GetByStatus => results::<RunBody<'_>>(),
        Action::GetRunDetails => results::<RunDetailsBody<'_>>(),
        Action::GetRunLogs => reference::<LogsBody<'_>>(),
        Action::GetAuditLog => reference::<AuditLogBody<'_>>(),
        Action::GetExpectations => results::<ExpectationBody<'_>>(),
        Action::GetWorkflowStatus => results::<WorkflowBody<'_>>(),
        Action::GetConfigurationStatus | Action::ListConfigurations => results::<ConfigurationBody<'_>>(),
        Action::GetConfiguration => results::<ConfigurationDocumentBody<'_>>(),
        Action::GetFreshness => results::<FreshnessBody<'_>>(),
        Action::AddNote => reference::<WrittenNote>(),
        Action::ListNotes => reference::<NotesBody<'_>>(),
        Action::DeployConfiguration | Action::CheckConfiguration => done(reference::<DeployedSchema>()),
        Action::SetRunStatus | Action::CancelRun | Action::ResetWorkflowStatus | Action::SetConfigurationStatus => {
            done(ObjectBuilder::new().schema_type(Type::Object).into())
        }
    }
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

/// `{"results": [T]}`
fn results<T: ToSchema>() -> RefOr<Schema> {
    let list = ArrayBuilder::new().items(reference::<T>());
    ObjectBuilder::new().property("results", list).required("results").into()
}

/// `{"code": 200, "data": …, "message": "ok"}`
fn done(data: RefOr<Schema>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .property("code", ObjectBuilder::new().schema_type(Type::Integer))
        .required("code")
        .property("data", data)
        .required("data")
        .property("message", ObjectBuilder::new().schema_type(Type::String))
        .required("message")
        .into()
}

fn components() -> Components {
    let mut components = Components::new();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("Minted by `tailerd token create`, or signed with the key of a trusted service account."));
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    for rule in RULES {
        components.schemas.insert(request_name(rule), request_schema(rule));
    }
    let mut add = |name: std::borrow::Cow<'_, str>, schema| components.schemas.insert(name.into_owned(), schema);
    add(AuditBody::name(), AuditBody::schema());
    add(AuditLogBody::name(), AuditLogBody::schema());
    add(AwaitedBody::name(), AwaitedBody::schema());
    add(ConfigurationBody::name(), ConfigurationBody::schema());
    add(ConfigurationDocumentBody::name(), ConfigurationDocumentBody::schema());
    add(ContextSchema::name(), ContextSchema::schema());
    add(DeployedSchema::name(), DeployedSchema::schema());
    add(ErrorBody::name(), ErrorBody::schema());
    add(ExpectationBody::name(), ExpectationBody::schema());
    add(FiringBody::name(), FiringBody::schema());
    add(FreshnessBody::name(), FreshnessBody::schema());
    add(Launched::name(), Launched::schema());
    add(LogBody::name(), LogBody::schema());
    add(LogsBody::name(), LogsBody::schema());
    add(NotifiedBody::name(), NotifiedBody::schema());
    add(ProblemSchema::name(), ProblemSchema::schema());
    add(BackfillBody::name(), BackfillBody::schema());
    add(RunBody::name(), RunBody::schema());
    add(RunDetailsBody::name(), RunDetailsBody::schema());
    add(TaskBody::name(), TaskBody::schema());
    add(AlertBody::name(), AlertBody::schema());
    add(AttemptBody::name(), AttemptBody::schema());
    add(WorkflowBody::name(), WorkflowBody::schema());
    add(WrittenNote::name(), WrittenNote::schema());
    add(NotesBody::name(), NotesBody::schema());
    add(ThreadBody::name(), ThreadBody::schema());
    add(NoteBody::name(), NoteBody::schema());
    components
}

/// `launch_job` is described by `LaunchJobRequest`.
pub(crate) fn request_name(rule: &Rule) -> String {
    let words = rule.name.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_uppercase() + rest
    });
    words.collect::<String>() + "Request"
}

fn request_schema(rule: &Rule) -> RefOr<Schema> {
    let action = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([rule.name]));
    let mut object = ObjectBuilder::new()
        .description(Some(format!("{} Needs the role {} on the account.", rule.does, rule.role)))
        .property("action", action)
        .required("action");
    for FieldDoc { name, doc, required, schema } in fields(rule.action) {
        object = object.property(name, with_description(schema, doc));
        if required {
            object = object.required(name);
        }
    }
    object.into()
}

fn fields(action: Action) -> Vec<FieldDoc> {
    match action {
        Action::LaunchJob => launch::LaunchJob::describe(),
        Action::Backfill => backfill::BackfillRuns::describe(),
        Action::CheckRunStatus | Action::GetRunDetails => runs::OneRun::describe(),
        Action::CancelRun => runs::CancelRun::describe(),
        Action::GetLastStatus => runs::LastRuns::describe(),
        Action::GetByStatus => runs::RunsByStatus::describe(),
        Action::SetRunStatus => runs::SetStatus::describe(),
        Action::GetAuditLog => audit::AuditLog::describe(),
        Action::GetRunLogs => run_logs::RunLogs::describe(),
        Action::GetExpectations => expectations::Expectations::describe(),
        Action::ResetWorkflowStatus | Action::GetWorkflowStatus => workflows::OneWorkflow::describe(),
        Action::SetConfigurationStatus => configurations::SetFlags::describe(),
        Action::GetConfigurationStatus => configurations::GetFlags::describe(),
        Action::GetConfiguration => configurations::GetConfiguration::describe(),
        Action::ListConfigurations => configurations::ListConfigurations::describe(),
        Action::GetFreshness => freshness::GetFreshness::describe(),
        Action::DeployConfiguration | Action::CheckConfiguration => deploy::Deploy::describe(),
        Action::AddNote => notes::AddNote::describe(),
        Action::ListNotes => notes::ListNotes::describe(),
    }
}

fn with_description(mut schema: Schema, doc: &str) -> Schema {
    let description = (!doc.is_empty()).then(|| doc.to_owned());
    match &mut schema {
        Schema::Object(object) => object.description = description,
        Schema::Array(array) => array.description = description,
        _ => {}
    }
    schema
}
