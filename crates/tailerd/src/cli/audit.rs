//! The shape of `tailerd audit`.

use clap::Args;
use tailer_model::{AuditAction, Moment};

use super::{DataArgs, OutputArgs, ServerArgs};

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only changes by this one, such as user:ana@example.com or token:ID
    #[arg(long, value_name = "W")]
    pub(crate) who: Option<String>,
    /// Only changes of this kind, such as run_launch or configuration_deploy
    #[arg(long, value_name = "A")]
    pub(crate) action: Option<AuditAction>,
    /// Only changes of this: a run id, an operation as DEV/table-to-table/sales_DEV, user:NAME, token:ID
    #[arg(long, value_name = "T")]
    pub(crate) target: Option<String>,
    /// Not before this day (UTC) or instant
    #[arg(long, value_name = "D")]
    pub(crate) from: Option<Moment>,
    /// Not after this day (UTC), or before this instant
    #[arg(long, value_name = "D")]
    pub(crate) to: Option<Moment>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Read the data folder instead of asking a server: also the entries of no account, and those of all
    /// accounts unless --account names one
    #[arg(long)]
    pub(crate) local: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}
