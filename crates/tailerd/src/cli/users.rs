//! The shape of `tailerd user`.

use clap::{Args, Subcommand};

use super::{DataArgs, GrantArgs, OutputArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user; the password is asked for, or read from standard input
    #[command(after_help = "Examples:
  tailerd user add ana@example.com --account 000110 --role operator
  tailerd user add ana@example.com --account 000110 --role operator --no-password
  printf %s \"$PASSWORD\" | tailerd user add ana@example.com --account 000110 --role viewer")]
    Add(UserNewArgs),
    /// Give a user a role on an account, in place of the one there
    #[command(after_help = "Examples:
  tailerd user grant ana@example.com --account 000111 --role deployer")]
    Grant(UserAddArgs),
    /// List users with their roles
    #[command(after_help = "Examples:
  tailerd user list
  tailerd user list --json")]
    List(UserListArgs),
    /// Remove a user; a running server ends their sessions at once
    #[command(after_help = "Examples:
  tailerd user remove ana@example.com")]
    Remove(UserNameArgs),
    /// Set a new password, which ends the user's sessions
    #[command(after_help = "Examples:
  tailerd user set-password ana@example.com")]
    SetPassword(UserNameArgs),
}

#[derive(Debug, Args)]
pub(crate) struct UserNewArgs {
    #[command(flatten)]
    pub(crate) user: UserAddArgs,
    /// The user signs in through the OIDC issuer only; the name is the e-mail address there
    #[arg(long)]
    pub(crate) no_password: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UserAddArgs {
    /// Name to sign in with, such as an e-mail address; case makes no difference
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) grant: GrantArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UserNameArgs {
    /// The user
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UserListArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}
