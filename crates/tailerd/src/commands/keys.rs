//! `tailerd keys generate`: the server's key pair for secrets, made in the data folder, with or without a running server,
//! which follows at once.

use serde_json::json;

use crate::{
    cli::{KeysCommand, KeysGenerateArgs},
    data_folder::DataFolder,
    failure::{Exit, Failure},
    output,
    secrets::{KeyFolder, SecretError},
    settings,
};

pub(crate) fn run(command: &KeysCommand) -> Result<Exit, Failure> {
    match command {
        KeysCommand::Generate(args) => generate(args),
    }
}

fn generate(args: &KeysGenerateArgs) -> Result<Exit, Failure> {
    let settings = settings::load(&args.data)?;
    let folder = DataFolder::open(&settings.data)?;
    let made = KeyFolder::new(folder.keys()).generate(args.rotate).map_err(refused)?;
    if args.output.json {
        output::json(&json!({
            "private_key": made.private_key, "public_key": made.public_key, "fingerprint": made.fingerprint,
            "public_key_pem": made.public_pem, "former_private_key": made.former,
        }));
    } else {
        output::line(made.public_key.display().to_string());
    }
    output::note(format!("key pair {} of {} bits", made.fingerprint, KeyFolder::BITS));
    if let Some(former) = made.former {
        output::note(format!("{} still opens what was encrypted for it", former.display()));
    }
    output::note(format!(
        "back up {}: without it nobody opens the secrets. The public key may go to whoever encrypts",
        made.private_key.display()
    ));
    Ok(Exit::Done)
}

fn refused(error: SecretError) -> Failure {
    Failure::failed(error.to_string())
}
