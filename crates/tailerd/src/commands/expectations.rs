//! `tailerd expectations`: what expectations found in a run, or in the latest runs of a configuration.

use serde_json::{Value, json};
use tailer_model::RunId;

use crate::{
    cli::{ExpectationsArgs, Type},
    client::{self, Client, text},
    failure::{Exit, Failure},
    output,
};

pub(crate) async fn run(args: ExpectationsArgs) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let mut body = body(&client, &args).await?;
    client::set(&mut body, "limit", json!(args.limit));
    if let Some(task) = &args.task {
        client::set(&mut body, "task_id", json!(task));
    }
    let answer = client.call(client::STATUS, &body).await?;
    let found = client::results(&answer);
    if args.output.json {
        output::json(&found);
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        output::note("no results of expectations");
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    output::table(&["DATE", "RUN", "TASK", "LINE", "PASSED", "RESULT"], &rows);
    if args.rejected {
        found.iter().for_each(show_rejected);
    }
    Ok(Exit::Done)
}

/// Of a run when the first word is one, of a configuration otherwise.
async fn body(client: &Client, args: &ExpectationsArgs) -> Result<Value, Failure> {
    const ACTION: &str = "get_expectations";
    match (&args.configuration_id, args.of.parse::<RunId>()) {
        (None, Ok(run)) => {
            let mut body = client.account_body(ACTION)?;
            client::set(&mut body, "run_id", json!(run));
            Ok(body)
        }
        (None, Err(_)) => Err(Failure::usage(format!("{:?} is no run id", args.of))
            .hint("give a run id, or the kind of a data operation and its id")),
        (Some(id), _) => {
            let kind: Type =
                args.of.parse().map_err(|error: <Type as std::str::FromStr>::Err| Failure::usage(error.to_string()))?;
            client.identity_body(ACTION, &kind, id).await
        }
    }
}

fn row(found: &Value) -> Vec<String> {
    let passed = found.get("passed").and_then(Value::as_bool).unwrap_or_default();
    let line = found.get("line").map(ToString::to_string).unwrap_or_default();
    vec![
        text(found, "date").to_owned(),
        text(found, "run_id").to_owned(),
        text(found, "task_id").to_owned(),
        line,
        if passed { "yes" } else { "no" }.to_owned(),
        text(found, "message").to_owned(),
    ]
}

fn show_rejected(found: &Value) {
    let list = |name: &str| found.pointer(&format!("/rejected/{name}")).and_then(Value::as_array).cloned();
    let (Some(columns), Some(rows)) = (list("columns"), list("rows")) else { return };
    output::line("");
    output::line(format!("{}, line {}:", text(found, "message"), found.get("line").unwrap_or(&Value::Null)));
    let names: Vec<&str> = columns.iter().map(|column| text(column, "name")).collect();
    let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows: Vec<Vec<String>> =
        rows.iter().filter_map(Value::as_array).map(|row| row.iter().map(cell).collect()).collect();
    output::table(&names, &rows);
}
