//! `tailerd encrypt`: seals a file or a text under the server's public key and prints the secret, which a configuration
//! may carry. Needs no private key, and with `--public-key` no data folder.

use std::{fs, io::Read as _, path::Path};

use crate::{
    cli::EncryptArgs,
    failure::{Context as _, Exit, Failure},
    output,
    secrets::{Envelope, KeyFolder, SecretError, public_key_from_pem},
    settings,
};
use tailer_model::Secret;

pub(crate) fn run(args: &EncryptArgs) -> Result<Exit, Failure> {
    let key = match &args.public_key {
        Some(path) => {
            let pem = fs::read_to_string(path).context(format!("cannot read {}", path.display()))?;
            public_key_from_pem(&pem, path)
        }
        None => KeyFolder::new(settings::load(&args.data)?.data.join("keys")).public_key(),
    };
    let key = key.map_err(refused)?;
    let message = message(args)?;
    if message.expose().is_empty() {
        return Err(Failure::usage("there is nothing to encrypt: the message is empty"));
    }
    let sealed = Envelope::seal(message.expose(), &key).map_err(refused)?;
    output::json(&sealed);
    Ok(Exit::Done)
}

/// What to encrypt, byte for byte; says on standard error what it took the argument for.
fn message(args: &EncryptArgs) -> Result<Secret<Vec<u8>>, Failure> {
    let given = args.message.expose();
    if given == "-" && !args.text {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(Secret::new(bytes));
    }
    let path = Path::new(given);
    if args.file || (!args.text && path.is_file()) {
        output::note(format!("encrypting the content of {}", path.display()));
        return Ok(Secret::new(fs::read(path).context(format!("cannot read {}", path.display()))?));
    }
    output::note(if args.text {
        "encrypting the text given"
    } else {
        "encrypting the text given: it is no file (--file and --text say which of the two is meant)"
    });
    Ok(Secret::new(given.clone().into_bytes()))
}

fn refused(error: SecretError) -> Failure {
    let failure = Failure::failed(error.to_string());
    match error {
        SecretError::NoPair(_) => failure.hint("--public-key FILE takes the public key of a server elsewhere"),
        _ => failure,
    }
}
