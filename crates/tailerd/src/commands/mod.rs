//! One file a command. Each takes its parsed arguments and does the work; [`run()`] is the table that joins the two.

mod audit;
mod backfill;
mod cancel;
mod check;
mod check_sql;
mod completions;
mod configuration_flags;
mod demo;
mod deploy;
mod doctor;
mod encrypt;
mod expectations;
mod follow;
mod keys;
mod launch;
mod logs;
mod run;
mod run_view;
mod runs;
mod serve;
mod service_account;
mod sql;
mod sql_batch;
mod status;
mod token;
mod user;
mod workflow;

use crate::{
    cli::{Cli, Command},
    failure::{Exit, Failure},
};

/// Does what the command line asks.
pub(crate) async fn run(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Deploy(args) => deploy::run(args).await,
        Command::Check(args) => check::run(&args).await,
        Command::Doctor(args) => doctor::run(&args).await,
        Command::Launch(args) => launch::run(args).await,
        Command::Backfill(args) => backfill::run(args).await,
        Command::Run(args) => run::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Runs(args) => runs::run(args).await,
        Command::Logs(args) => logs::run(args).await,
        Command::Expectations(args) => expectations::run(args).await,
        Command::Cancel(args) => cancel::run(args).await,
        Command::Workflow { command } => workflow::run(command).await,
        Command::Enable(args) => configuration_flags::run(args, configuration_flags::Change::Enable).await,
        Command::Disable(args) => configuration_flags::run(args, configuration_flags::Change::Disable).await,
        Command::Archive(args) => configuration_flags::run(args, configuration_flags::Change::Archive).await,
        Command::Sql(args) => sql::run(args).await,
        Command::Keys { command } => keys::run(&command),
        Command::Encrypt(args) => encrypt::run(&args),
        Command::Token { command } => token::run(command).await,
        Command::ServiceAccount { command } => service_account::run(command).await,
        Command::User { command } => user::run(command).await,
        Command::Audit(args) => audit::run(args).await,
        Command::Completions(args) => completions::run(&args),
    }
}
