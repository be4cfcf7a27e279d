//! The HTTP client of commands that talk to a server (`spec/api.md`).
//!
//! Turns what can go wrong into [`CallError`] and that into exit codes: a server that cannot be reached or refuses
//! (401, 403, 429, 503) is exit code 3, every other error answer is exit code 1 in the server's own words.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{StatusCode, Url, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tailer_model::{AccountId, Environment, Problem, Secret};

use crate::{
    cli::{ServerArgs, Type},
    failure::Failure,
};

/// Longest wait for an answer; long polls ask for less.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A server, and as whom to talk to it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<Secret<String>>,
    account: Option<AccountId>,
    environment: Option<Environment>,
}

/// The error body of the API.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ErrorBody {
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) data: Value,
}

impl ErrorBody {
    /// `data.problems` of a refused deployment.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let text = |problem: &Value, name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |problem: &Value, name: &str| problem.get(name)?.as_u64().and_then(|n| usize::try_from(n).ok());
        let problems = self.data.get("problems").and_then(Value::as_array);
        let read = |problem: &Value| Problem {
            file: text(problem, "file"),
            path: text(problem, "path").unwrap_or_default(),
            line: number(problem, "line"),
            column: number(problem, "column"),
            message: text(problem, "message").unwrap_or_default(),
        };
        problems.map(|all| all.iter().map(read).collect()).unwrap_or_default()
    }
}

/// Why a call has no answer to show.
#[derive(Debug, Clone)]
pub(crate) enum CallError {
    /// No connection, or it broke.
    Unreachable { url: String, reason: String },
    /// An answer with an error.
    Answer { status: StatusCode, body: ErrorBody },
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unreachable { url, reason } => Self::server(format!("cannot reach {url}: {reason}"))
                .hint("is it running? start it with `tailerd serve`, or name another with --server or TAILERD_SERVER"),
            CallError::Answer { status: StatusCode::UNAUTHORIZED, body } => Self::server(body.message)
                .hint("give a token with --token or TAILERD_TOKEN; `tailerd token create` makes one"),
            CallError::Answer { status: StatusCode::FORBIDDEN, body } => Self::server(body.message),
            CallError::Answer { status: StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, body } => {
                Self::server(body.message).hint("try again in a moment")
            }
            CallError::Answer { body, .. } => Self::failed(body.message),
        }
    }
}

impl Client {
    /// # Errors
    /// Usage errors for an address that is none.
    pub(crate) fn new(args: &ServerArgs) -> Result<Self, Failure> {
        let token = args.token.clone().filter(|token| !token.expose().trim().is_empty());
        let base: Url = args
            .server
            .parse()
            .ok()
            .filter(|url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                Failure::usage(format!(
                    "--server: expected an address such as http://127.0.0.1:8080, got {:?}",
                    args.server
                ))
            })?;
        let account = args.account.clone().or_else(|| account_of(token.as_ref()?.expose()));
        Ok(Self { http: http(&base)?, base, token, account, environment: args.environment })
    }

    pub(crate) fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    pub(crate) fn environment(&self) -> Option<Environment> {
        self.environment
    }

    /// Account and what else is known of the caller, for bodies that name a run by its id alone.
    pub(crate) fn account_body(&self, action: &str) -> Result<Value, Failure> {
        let mut body = json!({ "action": action });
        match (&self.account, &self.token) {
            (Some(account), _) => set(&mut body, "account", json!(account)),
            (None, Some(_)) => {
                return Err(
                    Failure::usage("which account? the token names none").hint("give --account or set TAILERD_ACCOUNT")
                );
            }
            // Without a token the server refuses anyway, and says so better.
            (None, None) => {}
        }
        Ok(body)
    }

    /// A body with the identity of a configuration. The environment is the one given, the one that the id ends with, or
    /// the only one that a deployed configuration of that id has.
    pub(crate) async fn identity_body(&self, action: &str, kind: &Type, id: &str) -> Result<Value, Failure> {
        let mut body = self.account_body(action)?;
        let environment = match self.environment.or_else(|| suffix(id)) {
            Some(environment) => environment,
            None => self.only_environment(kind, id).await?,
        };
        set(&mut body, "environment", json!(environment));
        set(&mut body, "configuration_type", json!(kind.text));
        set(&mut body, "configuration_id", json!(id));
        Ok(body)
    }

    async fn only_environment(&self, kind: &Type, id: &str) -> Result<Environment, Failure> {
        let mut body = self.account_body("list_configurations")?;
        set(&mut body, "configuration_type", json!(kind.text));
        let answer = self.call(CONFIGURATION, &body).await?;
        let found: Vec<Environment> = results(&answer)
            .iter()
            .filter_map(|row| {
                let environment: Environment = row.get("environment")?.as_str()?.parse().ok()?;
                let deployed = row.get("configuration_id")?.as_str()?;
                (deployed == id || deployed.strip_suffix(&format!("_{environment}")) == Some(id)).then_some(environment)
            })
            .collect();
        match found.as_slice() {
            [only] => Ok(*only),
            [] => Err(Failure::failed(format!("there is no {} {id} in this account", kind.text))
                .hint("`tailerd runs` shows what ran; archived operations need --environment")),
            several => {
                let names: Vec<String> = several.iter().map(ToString::to_string).collect();
                Err(Failure::usage(format!("{} {id} exists in {}: which one?", kind.text, names.join(", ")))
                    .hint("give --environment or set TAILERD_ENVIRONMENT"))
            }
        }
    }

    /// Posts a body, answers with the JSON answered.
    pub(crate) async fn call(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.call_with(path, body, |request| request).await
    }

    /// As [`Self::call`], with more headers.
    pub(crate) async fn call_with(
        &self,
        path: &str,
        body: &Value,
        more: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder + Send,
    ) -> Result<Value, CallError> {
        let unreachable = |error: reqwest::Error| CallError::Unreachable {
            url: self.base.as_str().trim_end_matches('/').to_owned(),
            reason: reason(&error),
        };
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let mut request = self.http.post(url).header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let response = more(request).send().await.map_err(unreachable)?;
        let status = response.status();
        let text = response.text().await.map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_str(&text).map_err(|_| CallError::Unreachable {
                url: self.base.to_string(),
                reason: "the answer is not tailerd's".into(),
            });
        }
        let body = serde_json::from_str(&text).ok().filter(|body: &ErrorBody| !body.message.is_empty());
        let unknown = || ErrorBody { message: format!("the server answered {status}"), data: Value::Null };
        Err(CallError::Answer { status, body: body.unwrap_or_else(unknown) })
    }
}

/// Paths of the API.
pub(crate) const LAUNCH: &str = "/v1/dag/launch";
pub(crate) const STATUS: &str = "/v1/dag/status";
pub(crate) const WORKFLOW: &str = "/v1/workflow/status";
pub(crate) const CONFIGURATION: &str = "/v1/configuration/status";
pub(crate) const DEPLOY: &str = "/v1/configuration/deploy";
pub(crate) const AUDIT: &str = "/v1/audit/log";

/// Sets a field of a body under construction.
pub(crate) fn set(body: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = body {
        fields.insert(name.to_owned(), value);
    }
}

/// `results` of an answer.
pub(crate) fn results(answer: &Value) -> &[Value] {
    answer.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Text of a field, or nothing.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn http(base: &Url) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("tailerd-cli/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none());
    let host = base.host_str().unwrap_or_default();
    if host == "localhost" || host.starts_with("127.") || host == "[::1]" {
        // A proxy of the environment has no business between two programs of one machine.
        builder = builder.no_proxy();
    }
    if base.scheme() == "http" {
        // No TLS, so a machine without any certificate authorities must do.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|e| Failure::failed(format!("cannot make an HTTP client: {}", reason(&e))))
}

/// The innermost cause: `Connection refused` says more than `error sending request`.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The account that a token of this server says it is for. Not verified here: the server does that.
fn account_of(token: &str) -> Option<AccountId> {
    let payload = token.trim().split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims.get("account")?.as_str()?.parse().ok()
}

/// The environment that a deployed id ends with.
fn suffix(id: &str) -> Option<Environment> {
    id.rsplit_once('_')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_comes_from_the_token() {
        let token = |claims: &str| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        let check = |token: &str, expect: Option<&str>| {
            assert_eq!(account_of(token).map(|a| a.to_string()).as_deref(), expect, "{token}");
        };
        check(&token(r#"{"account": "000110"}"#), Some("000110"));
        check(&token(r#"{"account": 110}"#), None);
        check(&token("{}"), None);
        check("nonsense", None);
        check("", None);
    }

    #[test]
    fn deployed_ids_end_with_their_environment() {
        assert_eq!(suffix("daily_sales_DEV"), Some(Environment::Dev));
        assert_eq!(suffix("daily_sales"), None);
        assert_eq!(suffix("sales"), None);
    }

    #[test]
    fn errors_become_exit_codes() {
        use crate::failure::Exit;
        let check = |status: u16, expect: Exit| {
            let body = ErrorBody { message: "m".into(), data: Value::Null };
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Failure::from(CallError::Answer { status, body }).exit, expect, "{status}");
        };
        for refused in [401, 403, 429, 503] {
            check(refused, Exit::Server);
        }
        for failed in [400, 404, 409, 413, 422, 500] {
            check(failed, Exit::Failed);
        }
    }
}
