//! `tailerd deploy`: everything is checked first, here and by the server; then deployed one by one; then, with `--run`,
//! launched. If one configuration is bad nothing is deployed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use tailer_model::Problem;

use super::{
    check::{count, refusal},
    launch,
};
use crate::{
    cli::{DeployArgs, Type},
    client::{self, CallError, Client},
    configurations::{self, Candidate},
    failure::{Exit, Failure},
    output,
};

pub(crate) async fn run(args: DeployArgs) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let mut candidates = configurations::gather(&args.files)?;
    // With a context the texts are not final: only the server can tell what they become.
    if args.context.is_none() && candidates.iter().any(|c| !c.is_good()) {
        return Err(report(&candidates, args.output.json));
    }
    let context = args.context.as_deref();
    check_there(&client, &mut candidates, context).await?;
    if candidates.iter().any(|c| !c.is_good()) {
        return Err(report(&candidates, args.output.json));
    }
    let mut deployed = Vec::new();
    for candidate in &candidates {
        deployed.push(deploy(&client, candidate, context).await?);
    }
    let mut results = Vec::new();
    for (candidate, mut result) in candidates.iter().zip(deployed) {
        if args.run {
            launch_deployed(&client, candidate, &mut result).await?;
        }
        if !args.output.json {
            show(&result);
        }
        results.push(result);
    }
    if args.output.json {
        output::json(&results);
    }
    Ok(Exit::Done)
}

/// Deploys one configuration.
pub(crate) async fn deploy(client: &Client, candidate: &Candidate, context: Option<&str>) -> Result<Value, Failure> {
    let answer =
        client.call(client::DEPLOY, &body("deploy_configuration", candidate, context)).await.map_err(|error| {
            let failure = Failure::from(error);
            Failure { message: format!("{}: {}", candidate.path.display(), failure.message), ..failure }
        })?;
    let mut result = answer.get("data").cloned().unwrap_or_default();
    client::set(&mut result, "file", json!(candidate.path));
    let kind = candidate.configuration.as_ref().map(|c| c.header.configuration_type);
    client::set(&mut result, "configuration_type", json!(kind));
    Ok(result)
}

/// Asks the server for what it alone knows, such as references to other configurations.
async fn check_there(client: &Client, candidates: &mut [Candidate], context: Option<&str>) -> Result<(), Failure> {
    for candidate in candidates {
        match client.call(client::DEPLOY, &body("check_configuration", candidate, context)).await {
            Ok(_) => {}
            Err(CallError::Answer { body, .. }) if !body.problems().is_empty() => {
                candidate.problems.errors = body.problems();
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn body(action: &str, candidate: &Candidate, context: Option<&str>) -> Value {
    let files: Map<String, Value> =
        candidate.files.iter().map(|(name, content)| (name.clone(), json!(STANDARD.encode(content)))).collect();
    // A text that does not parse goes as text, so that the server says where; it happens with --context only.
    let configuration = serde_json::from_str(&candidate.text).unwrap_or_else(|_| json!(candidate.text));
    let mut body = json!({ "action": action, "configuration": configuration, "files": files });
    if let Some(context) = context {
        client::set(&mut body, "context", json!(context));
    }
    body
}

/// Launches what `launch` can launch; what files start waits for its files.
async fn launch_deployed(client: &Client, candidate: &Candidate, result: &mut Value) -> Result<(), Failure> {
    let Some(header) = candidate.configuration.as_ref().map(|c| &c.header) else { return Ok(()) };
    if !header.configuration_type.is_launchable() {
        return Ok(());
    }
    let body = json!({
        "action": "launch_job",
        "account": header.account,
        "environment": header.environment,
        "configuration_type": Type::from(header.configuration_type).text,
        "configuration_id": client::text(result, "configuration_id"),
    });
    let run_id = launch::launch(client, &body).await?;
    client::set(result, "run_id", json!(run_id));
    Ok(())
}

fn show(result: &Value) {
    output::line(describe(result));
    for warning in result.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        let (file, path) = (client::text(result, "file"), client::text(warning, "path"));
        output::warning(format!("{file}: {path}: {}", client::text(warning, "message")));
    }
}

/// `gbq-to-gbq daily_sales_DEV version 3, next run 2024-02-01T05:00:00Z`
pub(crate) fn describe(result: &Value) -> String {
    let version = result.get("version").and_then(Value::as_u64).unwrap_or_default();
    let (kind, id) = (client::text(result, "configuration_type"), client::text(result, "configuration_id"));
    let mut line = format!("{kind} {id} version {version}");
    if let Some(next) = result.get("next_ticks").and_then(Value::as_array).and_then(|ticks| ticks.first()?.as_str()) {
        line.push_str(&format!(", next run {next}"));
    }
    if let Some(run_id) = result.get("run_id").and_then(Value::as_str) {
        line.push_str(&format!(", run {run_id}"));
    }
    line
}

/// Prints every problem and says that nothing was deployed.
fn report(candidates: &[Candidate], as_json: bool) -> Failure {
    let mut all: Vec<Value> = Vec::new();
    for candidate in candidates {
        for problem in &candidate.problems.errors {
            output::note(candidate.line_of(problem));
            all.push(with_file(candidate, problem));
        }
    }
    if as_json {
        output::json(&json!({ "problems": all }));
    }
    let refusal = refusal(candidates);
    Failure { message: format!("{}; nothing was deployed", refusal.message), ..refusal }
        .hint(format!("`tailerd check` checks {} without a server", count(candidates.len(), "configuration")))
}

fn with_file(candidate: &Candidate, problem: &Problem) -> Value {
    let mut value = json!(problem);
    client::set(&mut value, "configuration", json!(candidate.path));
    value
}
