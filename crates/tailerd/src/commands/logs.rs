//! `tailerd logs`: a run's log; with `--follow`, until the run ends.

use serde_json::Value;

use super::{follow, run_view};
use crate::{
    cli::LogsArgs,
    client::Client,
    failure::{Exit, Failure},
    output,
};

/// With `--json`: one array, or one object a line when following.
pub(crate) async fn run(args: LogsArgs) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let task = args.task.as_ref();
    if args.follow {
        let show = |entry: &Value| match args.output.json {
            true => output::json_line(entry),
            false => output::line(run_view::log_line(entry)),
        };
        follow::follow(&client, &args.run_id, task, show).await?;
        return Ok(Exit::Done);
    }
    let lines = follow::read_all(&client, &args.run_id, task).await?;
    if args.output.json {
        output::json(&lines);
    } else {
        lines.iter().for_each(|entry| output::line(run_view::log_line(entry)));
    }
    Ok(Exit::Done)
}
