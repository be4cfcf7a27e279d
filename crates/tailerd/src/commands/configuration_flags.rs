//! `tailerd enable`, `disable`, `archive`: the flags of a deployed data operation.

use serde_json::json;

use crate::{
    cli::ConfigurationArgs,
    client::{self, Client},
    failure::{Exit, Failure},
    output,
};

/// Which of the three commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Also brings back an archived one, which needs the admin role.
    Enable,
    Disable,
    Archive,
}

impl Change {
    /// The flags it sets. Disabling says nothing about the archive: an archived operation stays archived.
    fn flags(self) -> &'static [(&'static str, bool)] {
        match self {
            Self::Enable => &[("activated", true), ("archived", false)],
            Self::Disable => &[("activated", false)],
            Self::Archive => &[("activated", false), ("archived", true)],
        }
    }
}

pub(crate) async fn run(args: ConfigurationArgs, change: Change) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let (kind, id) = (&args.configuration_type, &args.configuration_id);
    let mut body = client.identity_body("set_configuration_status", kind, id).await?;
    let mut result = json!({ "configuration_type": kind.text, "configuration_id": id });
    for (flag, value) in change.flags() {
        client::set(&mut body, flag, json!(value));
        client::set(&mut result, flag, json!(value));
    }
    client.call(client::CONFIGURATION, &body).await?;
    if args.output.json {
        output::json(&result);
    } else {
        let state = match change {
            Change::Enable => "enabled",
            Change::Disable => "disabled",
            Change::Archive => "archived",
        };
        output::line(format!("{} {id} is {state}", kind.text));
    }
    Ok(Exit::Done)
}
