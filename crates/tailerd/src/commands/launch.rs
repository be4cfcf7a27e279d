//! `tailerd launch`: starts a run, and with `--wait` follows it to its end.

use serde_json::{Value, json};
use tailer_model::RunId;

use super::{follow, run_view};
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
