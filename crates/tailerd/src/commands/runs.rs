//! `tailerd runs`: runs of everything, of a kind, or of one configuration, newest first.

use serde_json::{Value, json};
use tailer_model::ConfigurationType;

use super::run_view;
use crate::{
    cli::{RunsArgs, Type},
    client::{self, Client},
    failure::{Exit, Failure},
    output,
};

pub(crate) async fn run(args: RunsArgs) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let runs = match (&args.configuration_type, &args.configuration_id) {
        (Some(kind), Some(id)) => {
            let body = client.identity_body("get_last_status", kind, id).await?;
            list(&client, &args, body).await?
        }
        (Some(kind), None) => of_kind(&client, &args, kind).await?,
        (None, _) => {
            let mut runs = Vec::new();
            for kind in ConfigurationType::ALL {
                runs.extend(of_kind(&client, &args, &Type::from(kind)).await?);
            }
            // RFC 3339 in one zone and one precision sorts as text.
            runs.sort_by(|a, b| client::text(b, STARTED).cmp(client::text(a, STARTED)));
            runs.truncate(usize::try_from(args.limit).unwrap_or(usize::MAX));
            runs
        }
    };
    if args.output.json {
        output::json(&runs);
    } else if runs.is_empty() {
        output::note("no runs");
    } else {
        run_view::print_list(&runs);
    }
    Ok(Exit::Done)
}

const STARTED: &str = "start_execution_date";

async fn of_kind(client: &Client, args: &RunsArgs, kind: &Type) -> Result<Vec<Value>, Failure> {
    let mut body = client.account_body("get_by_status")?;
    client::set(&mut body, "configuration_type", json!(kind.text));
    if let Some(environment) = args.server.environment {
        client::set(&mut body, "environment", json!(environment));
    }
    list(client, args, body).await
}

async fn list(client: &Client, args: &RunsArgs, mut body: Value) -> Result<Vec<Value>, Failure> {
    client::set(&mut body, "limit", json!(args.limit));
    if let Some(status) = args.status {
        client::set(&mut body, "status", json!(status.as_str()));
    }
    if let Some(date) = args.date {
        client::set(&mut body, "execution_date", json!(date.to_string()));
    }
    let answer = client.call(client::STATUS, &body).await?;
    Ok(client::results(&answer).to_vec())
}
