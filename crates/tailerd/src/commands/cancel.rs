//! `tailerd cancel`: stops a run, or one of its tasks; running statements are really stopped.

use serde_json::json;

use crate::{
    cli::CancelArgs,
    client::{self, Client},
    failure::{Exit, Failure},
    output,
};

pub(crate) async fn run(args: CancelArgs) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let mut body = client.account_body("cancel_run")?;
    client::set(&mut body, "run_id", json!(args.run_id));
    if let Some(task) = &args.task {
        client::set(&mut body, "task_id", json!(task));
    }
    client.call(client::STATUS, &body).await?;
    if args.output.json {
        output::json(&json!({ "run_id": args.run_id, "task_id": args.task, "cancel_requested": true }));
    } else if let Some(task) = &args.task {
        output::line(format!("task {task} of run {} is being cancelled", args.run_id));
    } else {
        output::line(format!("run {} is being cancelled", args.run_id));
    }
    Ok(Exit::Done)
}
