//! `tailerd backfill`: lists the runs that are missing in a range of days, and creates them.

use serde_json::json;

use super::check::count;
use crate::{
    cli::BackfillArgs,
    client::{self, Client, text},
    failure::{Exit, Failure},
    output,
};

pub(crate) async fn run(args: BackfillArgs) -> Result<Exit, Failure> {
    let target = &args.configuration;
    let client = Client::new(&target.server)?;
    let mut body = client.identity_body("backfill", &target.configuration_type, &target.configuration_id).await?;
    client::set(&mut body, "from", json!(args.from));
    client::set(&mut body, "to", json!(args.to));
    client::set(&mut body, "dry_run", json!(args.dry_run));
    let answer = client.call(client::LAUNCH, &body).await?;
    let runs = client::results(&answer);
    if target.output.json {
        output::json(&json!({ "dry_run": args.dry_run, "results": runs }));
        return Ok(Exit::Done);
    }
    for run in runs {
        let (day, tick, id) = (text(run, "execution_date"), text(run, "tick"), text(run, "run_id"));
        output::line(format!("{day}  {tick}  {id}").trim_end());
    }
    let found = count(runs.len(), "run");
    output::note(if args.dry_run {
        format!("{found} missing; nothing was created")
    } else {
        format!("{found} created")
    });
    Ok(Exit::Done)
}
