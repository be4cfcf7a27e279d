//! `tailerd launch`: starts a run, and with `--wait` follows it to its end.

use serde_json::{Value, json};
use tailer_model::{Problem, RunId};

use super::{check, follow, run_view};
use crate::{
    cli::{LaunchArgs, LaunchOptions},
    client::{self, CallError, Client},
    failure::{Exit, Failure},
    output,
};

pub(crate) async fn run(args: LaunchArgs) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let mut body = client.identity_body("launch_job", &args.configuration_type, &args.configuration_id).await?;
    options(&args.options, &mut body);
    if !args.tasks.is_empty() {
        client::set(&mut body, "tasks", json!(args.tasks));
    }
    if args.dry_run {
        return rehearse(&client, body, args.output.json).await;
    }
    let run_id = launch(&client, &body).await?;
    if !args.wait {
        if args.output.json {
            output::json(&json!({ "run_id": run_id }));
        } else {
            output::line(run_id.to_string());
        }
        return Ok(Exit::Done);
    }
    if args.output.json {
        output::note(format!("run {run_id}"));
    } else {
        output::line(run_id.to_string());
    }
    follow::follow(&client, &run_id, None, |entry| output::note(run_view::log_line(entry))).await?;
    let run = run_view::details(&client, &run_id).await?;
    if args.output.json {
        output::json(&run);
    } else {
        output::line(run_view::outcome(&run));
    }
    run_view::verdict(&run)
}

/// Asks what a launch would run into. Problems are the result, so they go to standard output.
async fn rehearse(client: &Client, mut body: Value, as_json: bool) -> Result<Exit, Failure> {
    client::set(&mut body, "dry_run", json!(true));
    let problems = match client.call(client::LAUNCH, &body).await {
        Ok(_) => Vec::new(),
        Err(CallError::Answer { body, .. }) if !body.problems().is_empty() => body.problems(),
        Err(other) => return Err(other.into()),
    };
    if as_json {
        output::json(&json!({ "ok": problems.is_empty(), "problems": problems }));
    } else {
        problems.iter().for_each(|problem| output::line(problem_line(problem)));
    }
    if problems.is_empty() {
        output::note("nothing wrong; nothing was run");
        return Ok(Exit::Done);
    }
    Err(Failure::failed(check::count(problems.len(), "problem")))
}

/// `file:line:column: path: message`, as far as there are such.
fn problem_line(problem: &Problem) -> String {
    let mut text = problem.file.clone().unwrap_or_default();
    for number in [problem.line, problem.column].into_iter().flatten() {
        text.push_str(&format!(":{number}"));
    }
    let parts = [text.as_str(), problem.path.as_str(), problem.message.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

/// Sends a launch. The request carries an idempotency key, so a connection that breaks before the answer is simply
/// tried once more: the server launches only once.
pub(crate) async fn launch(client: &Client, body: &Value) -> Result<RunId, Failure> {
    let key = uuid::Uuid::new_v4().to_string();
    let send = || client.call_with(client::LAUNCH, body, |request| request.header("Idempotency-Key", &key));
    let answer = match send().await {
        Err(CallError::Unreachable { .. }) => send().await,
        other => other,
    }?;
    client::text(&answer, "run_id").parse().map_err(|_| Failure::server("the server's answer has no run id"))
}

/// What a launch says beside the identity.
fn options(options: &LaunchOptions, body: &mut Value) {
    if let Some(date) = options.execution_date {
        client::set(body, "execution_date", json!(date.to_string()));
    }
    if !options.params.is_empty() {
        client::set(body, "parameters", Value::Object(parameters(options)));
    }
}

/// `--param` as an object; the last one of a name wins.
pub(crate) fn parameters(options: &LaunchOptions) -> serde_json::Map<String, Value> {
    options.params.iter().map(|p| (p.name.clone(), p.value.clone())).collect()
}
