//! Settings: `tailerd.toml`, overridden by `TAILERD_*` variables, overridden by flags (`spec/cli.md`).
//!
//! [`Layers`] gathers texts by key and remembers where each came from; [`Settings`] is the typed result. All problems
//! are reported at once, each with the place that is to blame. Nothing here touches the data folder.

pub(crate) mod alerts;
mod layers;
mod oidc;
mod print;
pub(crate) mod projects;
pub(crate) mod storage;
mod table;
mod typed;

pub(crate) use layers::Layers;
pub(crate) use print::{to_json, to_toml};
pub(crate) use typed::{LogFormat, Role, Settings};

use crate::{
    cli::{DataArgs, RoleArg, ServeArgs},
    failure::Failure,
};

/// Settings for a command that owns the data folder.
pub(crate) fn load(args: &DataArgs) -> Result<Settings, Failure> {
    let mut layers = read(args)?;
    flags(&mut layers, args, None);
    Settings::from_layers(&layers)
}

/// Settings for `tailerd serve`, with their layers for `--print-config`.
pub(crate) fn load_serve(args: &ServeArgs) -> Result<(Settings, Layers), Failure> {
    let mut layers = read(&args.data)?;
    flags(&mut layers, &args.data, Some(args));
    let settings = Settings::from_layers(&layers)?;
    Ok((settings, layers))
}

/// File and environment.
fn read(args: &DataArgs) -> Result<Layers, Failure> {
    let mut layers = Layers::defaults();
    match &args.config {
        Some(file) => layers.file(file)?,
        None => {
            let file = std::path::Path::new("tailerd.toml");
            if file.exists() {
                layers.file(file)?;
            }
        }
    }
    layers.environment(std::env::vars_os());
    Ok(layers)
}

fn flags(layers: &mut Layers, data: &DataArgs, serve: Option<&ServeArgs>) {
    if let Some(folder) = &data.data {
        layers.flag("data", "--data", folder.to_string_lossy().into_owned());
    }
    let Some(serve) = serve else { return };
    if let Some(listen) = &serve.listen {
        layers.flag("listen", "--listen", listen.clone());
    }
    if let Some(role) = serve.role {
        let role = match role {
            RoleArg::All => "all",
            RoleArg::Api => "api",
            RoleArg::Worker => "worker",
        };
        layers.flag("role", "--role", role.to_owned());
    }
}
