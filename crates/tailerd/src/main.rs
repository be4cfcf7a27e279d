//! `tailerd`: the command line over the whole house. Parses, hands over to the command's file, turns what came of it into
//! an exit code. See `cli` for the shape, `commands` for the work, `wiring` for how the crates are joined.

mod cli;
mod client;
mod commands;
mod configurations;
mod contexts;
mod data_folder;
mod failure;
mod log;
mod output;
mod secrets;
mod settings;
mod wiring;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::Cli,
    failure::{Context as _, Failure},
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = install_crypto().and_then(|()| runtime()).and_then(|runtime| {
        let ended = runtime.block_on(commands::run(cli));
        // A statement that was abandoned may still be running on a thread: nobody waits for it.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}

/// TLS for the client and the server comes from `ring`.
fn install_crypto() -> Result<(), Failure> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| Failure::failed("another TLS provider is installed already"))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")
}
