//! Flags and arguments, one struct a command, and the groups that commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tailer_model::{AccountId, Environment, ExecutionDate, RunId, RunStatus, Secret, TaskId};

use super::values::{Param, Span, Type};

/// For commands that talk to a server.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// Address of the server
    #[arg(
        long,
        value_name = "URL",
        env = "TAILERD_SERVER",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) server: String,
    /// Bearer token (see `tailerd token create`)
    #[arg(long, value_name = "T", env = "TAILERD_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<Secret<String>>,
    /// Account, six digits; the token's own when absent
    #[arg(long, value_name = "A", env = "TAILERD_ACCOUNT", hide_env_values = true)]
    pub(crate) account: Option<AccountId>,
    /// PROD, PREPROD, STAGING or DEV; found by the server when only one fits
    #[arg(long, value_name = "ENV", env = "TAILERD_ENVIRONMENT", hide_env_values = true)]
    pub(crate) environment: Option<Environment>,
}

/// For commands that own the data folder.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct DataArgs {
    /// Data folder [env: TAILERD_DATA] [default: ./tailerd-data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Settings file [default: ./tailerd.toml, if there]
    #[arg(long, value_name = "FILE", env = "TAILERD_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder for the demo's data; a temporary one when absent
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Leave the server running until Ctrl-C
    #[arg(long)]
    pub(crate) keep: bool,
    /// Give up after this time
    #[arg(long, value_name = "TIME", default_value = "120s")]
    pub(crate) deadline: Span,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// Answers and executes
    All,
    /// Answers, executes nothing
    Api,
    /// Executes; made to stand behind others, though it answers too
    Worker,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Address to listen on; port 0 takes a free one [env: TAILERD_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// What this server does [env: TAILERD_ROLE] [default: all]
    #[arg(long, value_enum)]
    pub(crate) role: Option<RoleArg>,
    /// Print the settings as they would be used, secrets hidden, and stop
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Print the settings as JSON
    #[arg(long, requires = "print_config")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeployArgs {
    /// Configuration files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Context whose constants fill the configurations, such as 000110_base: one deployed before, or among the files
    #[arg(long, value_name = "ID")]
    pub(crate) context: Option<String>,
    /// Launch what can be launched, once everything is deployed
    #[arg(long)]
    pub(crate) run: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Configuration files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// File of the context whose constants fill the configurations
    #[arg(long, value_name = "FILE.json")]
    pub(crate) context: Option<PathBuf>,
    /// Also read their SQL, against the tables that earlier tasks would make
    #[arg(long)]
    pub(crate) sql: bool,
    /// With --sql: day the tasks would work for [default: today, UTC]
    #[arg(long, value_name = "D", value_parser = super::values::execution_date, requires = "sql")]
    pub(crate) execution_date: Option<ExecutionDate>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What a launch may say beside what it launches.
#[derive(Debug, Clone, Args)]
pub(crate) struct LaunchOptions {
    /// Day the run works for [default: today, UTC]
    #[arg(long, value_name = "D", value_parser = super::values::execution_date)]
    pub(crate) execution_date: Option<ExecutionDate>,
    /// Value for `{{k}}` in the operation's SQL: a number, true, false, null or text
    #[arg(long = "param", value_name = "k=v")]
    pub(crate) params: Vec<Param>,
}

#[derive(Debug, Args)]
pub(crate) struct LaunchArgs {
    /// Kind of data operation, such as table-to-table
    #[arg(value_name = "TYPE")]
    pub(crate) configuration_type: Type,
    /// Id of the configuration, with or without the environment suffix
    #[arg(value_name = "ID")]
    pub(crate) configuration_id: String,
    #[command(flatten)]
    pub(crate) options: LaunchOptions,
    /// Run only this task; may be repeated
    #[arg(long = "task", value_name = "T")]
    pub(crate) tasks: Vec<TaskId>,
    /// Follow the run to its end; exit 1 if it fails
    #[arg(long)]
    pub(crate) wait: bool,
    /// Check the SQL of every task without running anything
    #[arg(long, conflicts_with = "wait")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BackfillArgs {
    /// First day, included
    #[arg(long, value_name = "D", value_parser = super::values::execution_date)]
    pub(crate) from: ExecutionDate,
    /// Last day, included
    #[arg(long, value_name = "D", value_parser = super::values::execution_date)]
    pub(crate) to: ExecutionDate,
    /// Only list the missing runs
    #[arg(long)]
    pub(crate) dry_run: bool,
    // Last: what follows its flags would stand under their heading in the help.
    #[command(flatten)]
    pub(crate) configuration: ConfigurationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A table-to-table or table-to-storage configuration
    #[arg(value_name = "FILE.json")]
    pub(crate) file: PathBuf,
    /// File of the context whose constants fill the configuration
    #[arg(long, value_name = "FILE.json")]
    pub(crate) context: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: LaunchOptions,
    /// Run only these tasks
    #[arg(long = "task", value_name = "T", num_args = 1..)]
    pub(crate) tasks: Vec<TaskId>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RunIdArgs {
    /// The run
    #[arg(value_name = "RUN_ID")]
    pub(crate) run_id: RunId,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The run
    #[arg(value_name = "RUN_ID")]
    pub(crate) run_id: RunId,
    /// Stop this task only; the run goes on as if it had failed
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<TaskId>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Kind of data operation; every kind when absent
    #[arg(value_name = "TYPE")]
    pub(crate) configuration_type: Option<Type>,
    /// Id of one configuration of that kind
    #[arg(value_name = "ID", requires = "configuration_type")]
    pub(crate) configuration_id: Option<String>,
    /// RUNNING, SUCCESS, FAILED, NO_MATCH or CHECKED
    #[arg(long, value_name = "S")]
    pub(crate) status: Option<RunStatus>,
    /// Day (UTC) on which the run started
    #[arg(long, value_name = "D", value_parser = super::values::execution_date)]
    pub(crate) date: Option<ExecutionDate>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The run
    #[arg(value_name = "RUN_ID")]
    pub(crate) run_id: RunId,
    /// Only this task's lines
    #[arg(long, value_name = "T")]
    pub(crate) task: Option<TaskId>,
    /// Go on until the run ends
    #[arg(long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExpectationsArgs {
    /// A run, or the kind of a data operation with its id
    #[arg(value_name = "RUN_ID | TYPE")]
    pub(crate) of: String,
    /// Id of a configuration of that kind
    #[arg(value_name = "ID")]
    pub(crate) configuration_id: Option<String>,
    /// Only this task's results
    #[arg(long, value_name = "T")]
    pub(crate) task: Option<TaskId>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Also show rejected rows, up to ten of each
    #[arg(long)]
    pub(crate) rejected: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WorkflowArgs {
    /// Id of the workflow
    #[arg(value_name = "ID")]
    pub(crate) configuration_id: String,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigurationArgs {
    /// Kind of data operation, such as table-to-table
    #[arg(value_name = "TYPE")]
    pub(crate) configuration_type: Type,
    /// Id of the configuration, with or without the environment suffix
    #[arg(value_name = "ID")]
    pub(crate) configuration_id: String,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    /// The statement, or `-` to read it from standard input
    #[arg(value_name = "SQL", required_unless_present = "batch", conflicts_with = "batch")]
    pub(crate) sql: Option<String>,
    /// Project of unqualified names [default: the only project there is, else `local`]
    #[arg(long, value_name = "P")]
    pub(crate) project: Option<String>,
    /// Dataset of unqualified names
    #[arg(long, value_name = "DATASET")]
    pub(crate) dataset: Option<String>,
    /// How rows are printed [default: table on a terminal, csv elsewhere]
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with_all = ["json", "batch"])]
    pub(crate) format: Option<Format>,
    /// The same as `--format json`
    #[arg(long, conflicts_with = "batch")]
    pub(crate) json: bool,
    /// At most so many rows [default: 1000 in a table, all otherwise]
    #[arg(long, value_name = "N", conflicts_with = "batch")]
    pub(crate) limit: Option<u32>,
    /// JSON lines in, JSON lines out; each line sees only its own setup
    #[arg(long)]
    pub(crate) batch: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct KeysGenerateArgs {
    /// Take the place of a pair that is there; its private key is kept for what was encrypted for it
    #[arg(long)]
    pub(crate) rotate: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EncryptArgs {
    /// A file that exists, else a text; `-` reads standard input
    // A text may begin like a flag: PEM files do.
    #[arg(value_name = "FILE|TEXT", allow_hyphen_values = true)]
    pub(crate) message: Secret<String>,
    /// It is a file
    #[arg(long, conflicts_with = "text")]
    pub(crate) file: bool,
    /// It is a text, even if a file has that name
    #[arg(long)]
    pub(crate) text: bool,
    /// PEM file of the public key [default: the data folder's own]
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccountRole {
    /// Reads
    Viewer,
    /// Launches, cancels, sets status, resets, enables and disables
    Operator,
    /// Operator, and deploys
    Deployer,
    /// Everything
    Admin,
}

/// What a credential grants.
#[derive(Debug, Clone, Args)]
pub(crate) struct GrantArgs {
    /// Account, six digits
    #[arg(long, value_name = "A", env = "TAILERD_ACCOUNT", hide_env_values = true)]
    pub(crate) account: AccountId,
    /// What it may do there
    #[arg(long, value_enum, value_name = "R")]
    pub(crate) role: AccountRole,
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreateArgs {
    #[command(flatten)]
    pub(crate) grant: GrantArgs,
    /// How long it is good for: 90d, 12h, 30m, 60s
    #[arg(long, value_name = "TIME", default_value = "90d")]
    pub(crate) expires: Span,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TokenListArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TokenRevokeArgs {
    /// Id of the token, from `tailerd token list`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServiceAccountAddArgs {
    /// Key file as downloaded: JSON with `client_email` and `private_key`
    #[arg(value_name = "KEY.json")]
    pub(crate) key: PathBuf,
    #[command(flatten)]
    pub(crate) grant: GrantArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServiceAccountListArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServiceAccountRemoveArgs {
    /// E-mail of the service account
    #[arg(value_name = "EMAIL")]
    pub(crate) email: String,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}
