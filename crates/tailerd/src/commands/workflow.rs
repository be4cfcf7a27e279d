//! `tailerd workflow`: what a workflow has collected, and forgetting it.

use serde_json::{Value, json};
use tailer_model::ConfigurationType;

use crate::{
    cli::{Type, WorkflowArgs, WorkflowCommand},
    client::{self, Client, text},
    failure::{Exit, Failure},
    output,
};

pub(crate) async fn run(command: WorkflowCommand) -> Result<Exit, Failure> {
    match command {
        WorkflowCommand::Status(args) => status(&args).await,
        WorkflowCommand::Reset(args) => reset(&args).await,
    }
}

async fn status(args: &WorkflowArgs) -> Result<Exit, Failure> {
    let answer = call(args, "get_workflow_status").await?;
    let workflow = client::results(&answer).first().cloned().unwrap_or_default();
    if args.output.json {
        output::json(&workflow);
        return Ok(Exit::Done);
    }
    let number = |value: &Value, name: &str| value.get(name).map(ToString::to_string).unwrap_or_default();
    output::fields(&[
        ("workflow", text(&workflow, "configuration_id").to_owned()),
        ("account", format!("{} {}", text(&workflow, "account"), text(&workflow, "environment"))),
        ("activated", number(&workflow, "activated")),
        ("generation", number(&workflow, "generation")),
        ("last reset", text(&workflow, "last_reset_date").to_owned()),
    ]);
    let list = |name: &str| workflow.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let awaited: Vec<Vec<String>> = list("awaited")
        .iter()
        .map(|job| {
            let arrived = job.get("arrived").and_then(Value::as_bool).unwrap_or_default();
            let arrived = if arrived { "yes" } else { "no" };
            vec![text(job, "job_id").into(), arrived.into(), text(job, "run_id").into(), text(job, "date").into()]
        })
        .collect();
    output::line("");
    output::table(&["AWAITED JOB", "ARRIVED", "RUN", "DATE"], &awaited);
    let firings: Vec<Vec<String>> = list("firings")
        .iter()
        .map(|firing| vec![number(firing, "generation"), text(firing, "date").into(), text(firing, "run_id").into()])
        .collect();
    if !firings.is_empty() {
        output::line("");
        output::table(&["FIRED", "DATE", "RUN"], &firings);
    }
    Ok(Exit::Done)
}

async fn reset(args: &WorkflowArgs) -> Result<Exit, Failure> {
    call(args, "reset_workflow_status").await?;
    if args.output.json {
        output::json(&json!({ "configuration_id": args.configuration_id, "reset": true }));
    } else {
        output::line(format!("workflow {} is reset", args.configuration_id));
    }
    Ok(Exit::Done)
}

async fn call(args: &WorkflowArgs, action: &str) -> Result<Value, Failure> {
    let client = Client::new(&args.server)?;
    let kind = Type::from(ConfigurationType::Workflow);
    let body = client.identity_body(action, &kind, &args.configuration_id).await?;
    Ok(client.call(client::WORKFLOW, &body).await?)
}
