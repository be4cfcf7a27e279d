//! `tailerd status`: one run with its tasks.

use super::run_view;
use crate::{
    cli::RunIdArgs,
    client::Client,
    failure::{Exit, Failure},
    output,
};

/// Exit code 0 whatever became of the run: the question was answered.
pub(crate) async fn run(args: RunIdArgs) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let run = run_view::details(&client, &args.run_id).await?;
    if args.output.json {
        output::json(&run);
    } else {
        run_view::print_details(&run);
    }
    Ok(Exit::Done)
}
