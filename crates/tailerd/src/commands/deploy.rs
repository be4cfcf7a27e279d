//! `tailerd deploy`: everything is checked first, here and by the server; then deployed one by one; then, with `--run`,
//! launched. If one configuration is bad nothing is deployed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use tailer_model::{ConfigurationType, Problem};

use super::{
    check::{count, refusal},
    launch,
};
use crate::{
    cli::{DeployArgs, Type},
    client::{self, CallError, Client},
    configurations::{self, Candidate},
    contexts::{self, Known},
    failure::{Exit, Failure},
    output,
};

pub(crate) async fn run(args: DeployArgs) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let context = args.context.as_deref();
    let sources = configurations::sources(&args.files)?;
    let known = match context {
        Some(id) => match contexts::among(&sources, id) {
            None => contexts::ask(&client, id).await?,
            known => known,
        },
        None => None,
    };
    let candidates = configurations::candidates(sources, known.as_ref());
    // Of a context that only the server knows, the server alone can tell what it makes of the texts.
    let judged = context.is_none() || matches!(known, Some(Known::Whole(_)));
    if judged && candidates.iter().any(|c| !c.is_good()) {
        return Err(report(&candidates, args.output.json, false));
    }
    // A context must be there before the server can judge what is filled with it.
    let groups = match context {
        Some(_) => {
            let (contexts, operations) = candidates.into_iter().partition(is_context);
            vec![(contexts, None), (operations, context)]
        }
        None => vec![(candidates, None)],
    };
    let mut deployed: Vec<(Candidate, Value)> = Vec::new();
    for (mut group, context) in groups {
        check_there(&client, &mut group, context).await?;
        if group.iter().any(|c| !c.is_good()) {
            return Err(report(&group, args.output.json, !deployed.is_empty()));
        }
        for candidate in group {
            let result = deploy(&client, &candidate, context).await?;
            deployed.push((candidate, result));
        }
    }
    let mut results = Vec::new();
    for (candidate, mut result) in deployed {
        if args.run {
            launch_deployed(&client, &candidate, &mut result).await?;
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

fn is_context(candidate: &Candidate) -> bool {
    candidate.kind() == Some(ConfigurationType::Context)
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
    client::set(&mut result, "configuration_type", json!(candidate.kind()));
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
    // A text that does not parse goes as text, and the server says what is wrong; it happens with --context only.
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
        let what = if kind == ConfigurationType::Workflow.as_str() { "reset" } else { "run" };
        line.push_str(&format!(", next {what} {next}"));
    }
    if let Some(run_id) = result.get("run_id").and_then(Value::as_str) {
        line.push_str(&format!(", run {run_id}"));
    }
    line
}

/// Prints every problem and says what was deployed nevertheless.
fn report(candidates: &[Candidate], as_json: bool, contexts_deployed: bool) -> Failure {
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
    let so_far = if contexts_deployed { "only the context" } else { "nothing" };
    Failure { message: format!("{}; {so_far} was deployed", refusal.message), ..refusal }
        .hint(format!("`tailerd check` checks {} without a server", count(candidates.len(), "configuration")))
}

fn with_file(candidate: &Candidate, problem: &Problem) -> Value {
    let mut value = json!(problem);
    client::set(&mut value, "configuration", json!(candidate.path));
    value
}
