//! `tailerd cancel`: stops a run; running statements are really stopped.

use serde_json::json;

use crate::{
    cli::RunIdArgs,
    client::{self, Client},
    failure::{Exit, Failure},
    output,
};

pub(crate) async fn run(args: RunIdArgs) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let mut body = client.account_body("cancel_run")?;
    client::set(&mut body, "run_id", json!(args.run_id));
    client.call(client::STATUS, &body).await?;
    if args.output.json {
        output::json(&json!({ "run_id": args.run_id, "cancel_requested": true }));
    } else {
        output::line(format!("run {} is being cancelled", args.run_id));
    }
    Ok(Exit::Done)
}
