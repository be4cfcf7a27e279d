//! The constants of a context, for commands: from its file, from a file that is deployed along, or from the server.
//!
//! A server hides the secrets of a context, so that what it shows is good for the names of files and not for judging a
//! configuration: that is the server's own business.

use std::path::Path;

use serde_json::{Value, json};
use tailer_model::{AccountId, Constants, parse_configuration};

use crate::{
    client::{self, Client},
    configurations::{Candidate, Source},
    failure::Failure,
    output,
};

/// How good the constants at hand are.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// The context itself.
    Whole(Constants),
    /// What the server shows of it.
    Shown(Constants),
}

impl Known {
    pub(crate) fn constants(&self) -> &Constants {
        match self {
            Self::Whole(constants) | Self::Shown(constants) => constants,
        }
    }
}

/// Reads a context's file.
///
/// # Errors
/// A file that cannot be read, is no context, or has problems, which are printed.
pub(crate) fn read(path: &Path) -> Result<Known, Failure> {
    let shown = path.display();
    let candidate = Candidate::read(path, None)?;
    if !candidate.is_good() {
        candidate.problems.errors.iter().for_each(|problem| output::note(candidate.line_of(problem)));
        return Err(Failure::failed(format!("{shown}: this context has problems")));
    }
    let constants = candidate.configuration.as_ref().and_then(Constants::of);
    constants.map(Known::Whole).ok_or_else(|| {
        Failure::failed(format!("{shown} is no context")).hint("a context has `\"configuration_type\": \"context\"`")
    })
}

/// The context of this id among files that are deployed together.
pub(crate) fn among(sources: &[Source], id: &str) -> Option<Known> {
    let constants = |source: &Source| parse_configuration(&source.text).0.as_ref().and_then(Constants::of);
    sources.iter().filter_map(constants).find(|found| is_called(id, found)).map(Known::Whole)
}

fn is_called(id: &str, constants: &Constants) -> bool {
    let full = constants.id();
    full == id || full.strip_prefix(constants.account().as_str()).and_then(|rest| rest.strip_prefix('_')) == Some(id)
}

/// What the server shows of a context. `None` when it has none of this id: it says so itself when asked to deploy.
///
/// # Errors
/// The server cannot be reached, or refuses.
pub(crate) async fn ask(client: &Client, id: &str) -> Result<Option<Known>, Failure> {
    let account = tailer_model::constants::account_of(id).or_else(|| client.account().cloned());
    let Some(account) = account else { return Ok(None) };
    let body = json!({ "action": "list_configurations", "account": account, "configuration_type": "context" });
    let answer = client.call(client::CONFIGURATION, &body).await?;
    let short = id.strip_prefix(&format!("{account}_"));
    let named = |row: &&Value| {
        let name = client::text(row, "configuration_id");
        name == id || Some(name) == short
    };
    let of_environment = |row: &&Value| {
        client.environment().is_none_or(|environment| client::text(row, "environment") == environment.as_str())
    };
    let found = client::results(&answer).iter().filter(named).find(of_environment).cloned();
    let Some(mut body) = found else { return Ok(None) };
    client::set(&mut body, "action", json!("get_configuration"));
    let answer = client.call(client::CONFIGURATION, &body).await?;
    Ok(client::results(&answer).first().and_then(|shown| constants(account, shown)).map(Known::Shown))
}

fn constants(account: AccountId, shown: &Value) -> Option<Constants> {
    let parameters = shown.get("configuration")?.get("parameters")?.as_object()?;
    let values = parameters.iter().filter_map(|(name, constant)| Some((name.clone(), constant.get("value")?.clone())));
    let environment = client::text(shown, "environment").parse().ok()?;
    let context = client::text(shown, "configuration_id").to_owned();
    Some(Constants::new(account, environment, context, values.collect()))
}
