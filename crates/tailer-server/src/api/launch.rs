//! `POST /v1/dag/launch` (`spec/api.md`).

use axum::http::HeaderMap;
use sha2::{Digest, Sha256};
use tailer_engine::{Idempotency, LaunchRequest};
use tailer_model::ExecutionDate;

use super::{Answer, Call};
use crate::{
    errors::ApiError,
    fields::{Fields, Request, request},
    values::{Name, Parameters, Target, Tasks},
    wire::Launched,
};

request! {
    /// `launch_job`
    LaunchJob {
        target: Target,
        /// Must belong to the configuration.
        job_id: Option<Name>,
        /// Today (UTC) when absent.
        execution_date: Option<ExecutionDate>,
        /// Each `{{name}}` in the operation's SQL is replaced by its value.
        parameters: Option<Parameters>,
        /// Runs only these tasks.
        tasks: Option<Tasks>,
        /// Checks the SQL of every task against the tables that the tasks before would make, and runs nothing. Answers 200, or
        /// 400 with all problems.
        dry_run: Option<bool>,
    }
}

/// Answers once the run is durably recorded.
pub(super) async fn launch_job(call: &Call<'_>, fields: &mut Fields<'_>) -> Result<Answer, ApiError> {
    let request = LaunchJob::read(fields)?;
    let idempotency = idempotency(call.headers, call.body)?;
    call.authorize(&request.target.configuration.account)?;
    let launch = LaunchRequest {
        configuration: request.target.configuration,
        job_id: request.job_id.map(|name| name.0),
        execution_date: request.execution_date,
        parameters: request.parameters.unwrap_or_default().0,
        tasks: request.tasks.map(|tasks| tasks.0),
        idempotency,
        repeats: None,
        by: call.actor(),
    };
    if request.dry_run == Some(true) {
        call.app.engine.dry_run(launch).await?;
        return Answer::done();
    }
    let run_id = call.app.engine.launch(launch).await?;
    Answer::json(&Launched { run_id })
}

/// The `Idempotency-Key` header with the hash of the body it stands for.
fn idempotency(headers: &HeaderMap, body: &[u8]) -> Result<Option<Idempotency>, ApiError> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(key) = given.next() else { return Ok(None) };
    let fine = (1..=255).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    match key.to_str() {
        Ok(key) if fine && given.next().is_none() => {
            Ok(Some(Idempotency { key: key.to_owned(), body_hash: hash(body) }))
        }
        _ => Err(ApiError::bad_request(
            "invalid_idempotency_key",
            "the header Idempotency-Key takes one key of 1 to 255 visible ASCII characters",
        )),
    }
}

fn hash(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn idempotency_keys_are_visible_ascii() {
        let long = "k".repeat(256);
        for (key, fine) in [
            ("a", true),
            ("6f1c-9", true),
            (&long[1..], true),
            (&long, false),
            ("", false),
            ("a b", false),
            ("\u{e9}", false),
        ] {
            let headers = HeaderMap::from_iter([(
                "idempotency-key".parse().unwrap(),
                HeaderValue::from_bytes(key.as_bytes()).unwrap(),
            )]);
            assert_eq!(idempotency(&headers, b"{}").is_ok_and(|key| key.is_some()), fine, "{key:?}");
        }
        assert!(idempotency(&HeaderMap::new(), b"{}").unwrap().is_none());
    }
}
