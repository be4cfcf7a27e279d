//! The command line's shape: commands, flags, help. It parses and acts on nothing; each command's work is in the file
//! of its name under `commands/`.
//!
//! Every `--help` ends with examples (`spec/cli.md`); the snapshots in `tests/help.rs` keep them.

mod args;
mod audit;
mod users;
mod values;

use clap::{Parser, Subcommand};

pub(crate) use args::*;
pub(crate) use audit::*;
pub(crate) use users::*;
pub(crate) use values::{Span, Type};

/// Self-hosted data operations: files, tables and SQL, run on schedules, on arrivals and by API.
#[derive(Debug, Parser)]
#[command(
    name = "tailerd",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    propagate_version = false,
    after_help = "Examples:
  tailerd demo                                   see everything work, from nothing
  tailerd serve                                  start a server on ./tailerd-data
  tailerd token create --account 000110 --role deployer
  tailerd deploy pipelines/                      deploy every configuration of a folder
  tailerd launch table-to-table daily_sales_DEV --wait

Exit codes: 0 done, 1 the operation failed, 2 wrong usage, 3 server unreachable or refused.
Results go to standard output; progress, logs and hints go to standard error."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole trip: a fresh server, the retail example, its files, the exported result
    #[command(after_help = "Examples:
  tailerd demo
  tailerd demo --keep                            leave the server running to look around
  tailerd demo --data ./demo-data                keep what it made")]
    Demo(DemoArgs),

    /// Run the server
    #[command(after_help = "Examples:
  tailerd serve
  tailerd serve --data /var/lib/tailerd --listen 0.0.0.0:8080
  tailerd serve --listen 127.0.0.1:0             take any free port; it is printed
  tailerd serve --config tailerd.toml --print-config

Prints `listening on http://…` on standard output once ready. SIGTERM and Ctrl-C drain: the server
stops taking work, hands its leases back and ends within `grace_time`.")]
    Serve(ServeArgs),

    /// Validate and deploy configurations with the files they name
    #[command(after_help = "Examples:
  tailerd deploy daily_sales.json
  tailerd deploy pipelines/                      each JSON file with a `configuration_type`
  tailerd deploy pipelines/ --run                and launch what can be launched
  tailerd deploy pipelines/ --context 000110_base

Everything is checked first; if one configuration is bad, all problems are printed and nothing is
deployed.")]
    Deploy(DeployArgs),

    /// Validate configurations and the files they name, without a server
    #[command(after_help = "Examples:
  tailerd check daily_sales.json
  tailerd check pipelines/ --context pipelines/base.json
  tailerd check --sql pipelines/
  tailerd check pipelines/ --json")]
    Check(CheckArgs),

    /// Try the data folder and each configured storage and warehouse, and say what to mend
    #[command(after_help = "Examples:
  tailerd doctor
  tailerd doctor --data /var/lib/tailerd --config /etc/tailerd.toml
  tailerd doctor --json

One line for each thing tried: ok, warning or error, and what to do about it. Exit code 1 when
something will not work. Run it as the user that runs the server.")]
    Doctor(DoctorArgs),

    /// Launch a data operation
    #[command(after_help = "Examples:
  tailerd launch table-to-table daily_sales_DEV
  tailerd launch gbq-to-gbq daily_sales_DEV --execution-date 2024-01-31 --wait
  tailerd launch table-to-storage export --param country=FR --task extract")]
    Launch(LaunchArgs),

    /// Create the runs that a schedule has no run for in a range of days
    #[command(after_help = "Examples:
  tailerd backfill table-to-table daily_sales_DEV --from 2024-01-01 --to 2024-01-31 --dry-run
  tailerd backfill table-to-table daily_sales_DEV --from 2024-01-01 --to 2024-01-31

A run is missing when none was created for its tick, or the last one failed. Without a schedule
there is one run a day. The oldest start first, within `max_active_runs`.")]
    Backfill(BackfillArgs),

    /// Run a configuration right here against the embedded warehouse, without a server
    #[command(after_help = "Examples:
  tailerd run daily_sales.json
  tailerd run daily_sales.json --task load dedup --data ./scratch")]
    Run(RunArgs),

    /// Show a run and its tasks
    #[command(after_help = "Examples:
  tailerd status 20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29
  tailerd status 20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29 --json")]
    Status(RunIdArgs),

    /// List runs, newest first
    #[command(after_help = "Examples:
  tailerd runs
  tailerd runs storage-to-tables --status FAILED
  tailerd runs table-to-table daily_sales_DEV --date 2024-01-31 --limit 50")]
    Runs(RunsArgs),

    /// Print a run's log
    #[command(after_help = "Examples:
  tailerd logs 20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29
  tailerd logs 20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29 --follow")]
    Logs(LogsArgs),

    /// Show what expectations found in a run, or in the latest runs of a configuration
    #[command(after_help = "Examples:
  tailerd expectations 20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29 --rejected
  tailerd expectations table-to-table daily_sales_DEV --limit 20")]
    Expectations(ExpectationsArgs),

    /// Stop a run
    #[command(after_help = "Examples:
  tailerd cancel 20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29
  tailerd cancel 20201105-1588f12a-73f0-4f5c-8592-5cd3ce793a29 --task aggregate")]
    Cancel(CancelArgs),

    /// Look at or reset what a workflow has collected
    #[command(
        arg_required_else_help = true,
        after_help = "Examples:
  tailerd workflow status nightly
  tailerd workflow reset nightly --environment PROD"
    )]
    Workflow {
        #[command(subcommand)]
        command: WorkflowCommand,
    },

    /// Let a data operation start again
    #[command(after_help = "Examples:
  tailerd enable table-to-table daily_sales_DEV")]
    Enable(ConfigurationArgs),

    /// Keep a data operation from starting, whatever triggers it
    #[command(after_help = "Examples:
  tailerd disable table-to-table daily_sales_DEV")]
    Disable(ConfigurationArgs),

    /// Disable a data operation and hide it from lists
    #[command(after_help = "Examples:
  tailerd archive table-to-table daily_sales_DEV")]
    Archive(ConfigurationArgs),

    /// Query the embedded warehouse with GoogleSQL
    #[command(after_help = "Examples:
  tailerd sql 'SELECT 1 AS one'
  tailerd sql --project retail --dataset core --format csv 'SELECT * FROM sales LIMIT 10'
  tailerd sql - < report.sql
  echo '{\"id\": 1, \"setup\": [], \"sql\": \"SELECT 1 AS one\"}' | tailerd sql --batch")]
    Sql(SqlArgs),

    /// Make the key pair that secrets of configurations are encrypted for
    #[command(
        arg_required_else_help = true,
        after_help = "Examples:
  tailerd keys generate
  tailerd keys generate --rotate                 a new pair; the old private key still decrypts"
    )]
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },

    /// Encrypt a secret for a configuration
    #[command(after_help = "Examples:
  tailerd encrypt credentials.json               the content of a file
  printf %s \"$PASSWORD\" | tailerd encrypt -      other users of the machine do not see it
  tailerd encrypt 'a text'
  tailerd encrypt credentials.json --public-key server-public.pem

Prints the JSON object that stands for the secret in a configuration. Only the server whose key it
was encrypted for opens it.")]
    Encrypt(EncryptArgs),

    /// Make, list and revoke tokens
    #[command(
        arg_required_else_help = true,
        after_help = "Examples:
  tailerd token create --account 000110 --role operator --expires 90d
  tailerd token list
  tailerd token revoke 7b0c6f0e-6d0e-4f0e-9f7e-0c8f5a0a1b2c"
    )]
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },

    /// Trust, list and forget service accounts
    #[command(
        arg_required_else_help = true,
        after_help = "Examples:
  tailerd service-account add your-credentials.json --account 000110 --role operator
  tailerd service-account list
  tailerd service-account remove robot@project.iam.example.com"
    )]
    ServiceAccount {
        #[command(subcommand)]
        command: ServiceAccountCommand,
    },

    /// Make, list and remove users of the Studio
    #[command(
        arg_required_else_help = true,
        after_help = "Examples:
  tailerd user add ana@example.com --account 000110 --role operator
  tailerd user grant ana@example.com --account 000111 --role viewer
  tailerd user list
  tailerd user remove ana@example.com"
    )]
    User {
        #[command(subcommand)]
        command: UserCommand,
    },

    /// Show who changed what, newest first
    #[command(after_help = "Examples:
  tailerd audit
  tailerd audit --target DEV/table-to-table/daily_sales_DEV --limit 50
  tailerd audit --action configuration_deploy --from 2024-04-01 --to 2024-04-30
  tailerd audit --who user:ana@example.com --json
  tailerd audit --local                          all accounts, from the data folder

Changes of operations and runs are for everybody with a role on the account, those of users, tokens
and service accounts and sign-ins for its administrators.")]
    Audit(AuditArgs),

    /// Print a shell's completion script
    #[command(after_help = "Examples:
  tailerd completions bash > /etc/bash_completion.d/tailerd
  tailerd completions zsh > ~/.zfunc/_tailerd")]
    Completions(CompletionsArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkflowCommand {
    /// Show which awaited jobs have arrived, and the last firings
    #[command(after_help = "Examples:
  tailerd workflow status nightly
  tailerd workflow status nightly --json")]
    Status(WorkflowArgs),
    /// Forget every job that already counted, as if the workflow had just been deployed
    #[command(after_help = "Examples:
  tailerd workflow reset nightly")]
    Reset(WorkflowArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key pair of 2048-bit RSA in the data folder and print where its public key is
    #[command(after_help = "Examples:
  tailerd keys generate
  tailerd keys generate --data /var/lib/tailerd --rotate")]
    Generate(KeysGenerateArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it; it is shown this once
    #[command(after_help = "Examples:
  tailerd token create --account 000110 --role operator --expires 90d
  export TAILERD_TOKEN=$(tailerd token create --account 000110 --role deployer)")]
    Create(TokenCreateArgs),
    /// List tokens by id; never the tokens themselves
    #[command(after_help = "Examples:
  tailerd token list
  tailerd token list --json")]
    List(TokenListArgs),
    /// Make a token worthless; a running server follows within seconds
    #[command(after_help = "Examples:
  tailerd token revoke 7b0c6f0e-6d0e-4f0e-9f7e-0c8f5a0a1b2c")]
    Revoke(TokenRevokeArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServiceAccountCommand {
    /// Trust the service account of a key file; only its public key is kept
    #[command(after_help = "Examples:
  tailerd service-account add your-credentials.json --account 000110 --role operator")]
    Add(ServiceAccountAddArgs),
    /// List trusted service accounts
    #[command(after_help = "Examples:
  tailerd service-account list")]
    List(ServiceAccountListArgs),
    /// Trust a service account no longer
    #[command(after_help = "Examples:
  tailerd service-account remove robot@project.iam.example.com")]
    Remove(ServiceAccountRemoveArgs),
}
