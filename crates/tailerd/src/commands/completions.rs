//! `tailerd completions`: a shell's completion script, made from the command line's own shape.

use clap::CommandFactory as _;

use crate::{
    cli::{Cli, CompletionsArgs},
    failure::{Exit, Failure},
    output,
};

pub(crate) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tailerd", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Done)
}
