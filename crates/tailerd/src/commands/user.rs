//! `tailerd user`: who signs in to the Studio, with a password or as whom the OIDC issuer names. Works on the data folder, with or without a running server, which
//! follows at once. Passwords are asked for without echo, or read from standard input; never taken from the command line.

use std::io::{BufRead as _, IsTerminal as _};

use jiff::Timestamp;
use serde_json::{Value, json};
use tailer_model::Secret;
use tailer_server::auth::{hash_password, user_name};
use tailer_store::{Durability, Store, StoreError, Tx, users};

use super::token::{local, open, role, second};
use crate::{
    cli::{DataArgs, UserAddArgs, UserCommand, UserListArgs, UserNameArgs, UserNewArgs},
    failure::{Context as _, Exit, Failure},
    output, settings,
};

pub(crate) async fn run(command: UserCommand) -> Result<Exit, Failure> {
    match command {
        UserCommand::Add(args) => add(args).await,
        UserCommand::Grant(args) => grant(args).await,
        UserCommand::List(args) => list(args).await,
        UserCommand::Remove(args) => remove(args).await,
        UserCommand::SetPassword(args) => set_password(args).await,
    }
}

async fn add(UserNewArgs { user: args, no_password }: UserNewArgs) -> Result<Exit, Failure> {
    let (name, store) = begin(&args.name, &args.data)?;
    // Nothing is a password whose hash is nothing.
    let hash = if no_password { String::new() } else { new_password(&name)? };
    let (account, role) = (args.grant.account, role(args.grant.role).to_string());
    let row = (name.clone(), account.clone(), role.clone());
    let added = write(&store, move |tx| {
        let (name, account, role) = row;
        if users::password(tx, &name)?.is_some() {
            return Ok(false);
        }
        users::add(tx, &name, &hash, (&account, &role), &local(), Timestamp::now())?;
        Ok(true)
    });
    if !added.await? {
        return Err(Failure::failed(format!("there is a user {name} already"))
            .hint("`tailerd user grant` gives a role, `tailerd user set-password` a new password"));
    }
    Ok(granted(args.output.json, &name, &account.to_string(), &role))
}

async fn grant(args: UserAddArgs) -> Result<Exit, Failure> {
    let (name, store) = begin(&args.name, &args.data)?;
    let (account, role) = (args.grant.account, role(args.grant.role).to_string());
    let row = (name.clone(), account.clone(), role.clone());
    if !write(&store, move |tx| users::grant(tx, &row.0, &row.1, Some(&row.2), &local(), Timestamp::now())).await? {
        return Err(unknown(&name));
    }
    Ok(granted(args.output.json, &name, &account.to_string(), &role))
}

async fn list(args: UserListArgs) -> Result<Exit, Failure> {
    let (_, store) = open(&settings::load(&args.data)?)?;
    let rows = store.read(users::list).await.map_err(|e: StoreError| Failure::failed(e.to_string()))?;
    if args.output.json {
        let all: Vec<Value> = rows
            .iter()
            .map(|user| {
                let roles: Vec<Value> =
                    user.roles.iter().map(|(account, role)| json!({ "account": account, "role": role })).collect();
                json!({
                    "name": user.name, "roles": roles, "created": second(user.created),
                    "password_set": second(user.changed), "by": user.by,
                })
            })
            .collect();
        output::json(&all);
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> = rows
        .into_iter()
        .map(|user| {
            let roles: Vec<_> = user.roles.iter().map(|(account, role)| format!("{account} {role}")).collect();
            vec![user.name, roles.join(", "), user.created.strftime("%Y-%m-%d %H:%M").to_string(), user.by]
        })
        .collect();
    output::table(&["NAME", "ROLES", "CREATED", "BY"], &cells);
    Ok(Exit::Done)
}

async fn remove(args: UserNameArgs) -> Result<Exit, Failure> {
    let (name, store) = begin(&args.name, &args.data)?;
    let gone = name.clone();
    if !write(&store, move |tx| users::remove(tx, &gone, &local(), Timestamp::now())).await? {
        return Err(unknown(&name));
    }
    if args.output.json {
        output::json(&json!({ "name": name, "removed": true }));
    } else {
        output::line(format!("{name} is removed"));
    }
    Ok(Exit::Done)
}

async fn set_password(args: UserNameArgs) -> Result<Exit, Failure> {
    let (name, store) = begin(&args.name, &args.data)?;
    let hash = new_password(&name)?;
    let whose = name.clone();
    if !write(&store, move |tx| users::set_password(tx, &whose, &hash, &local(), Timestamp::now())).await? {
        return Err(unknown(&name));
    }
    if args.output.json {
        output::json(&json!({ "name": name, "password_set": true }));
    } else {
        output::line(format!("{name} has a new password; sessions of the old one have ended"));
    }
    Ok(Exit::Done)
}

/// The name as it is kept, and where.
fn begin(name: &str, data: &DataArgs) -> Result<(String, Store), Failure> {
    let name = user_name(name).map_err(|error| Failure::usage(error.to_string()))?;
    let (_, store) = open(&settings::load(data)?)?;
    Ok((name, store))
}

async fn write(
    store: &Store,
    change: impl FnOnce(&mut Tx<'_>) -> Result<bool, StoreError> + Send + 'static,
) -> Result<bool, Failure> {
    store.write(Durability::Synced, change).await.map_err(|e| Failure::failed(e.to_string()))
}

/// Asks for a password, twice on a terminal, and hashes it.
fn new_password(name: &str) -> Result<String, Failure> {
    let password = if std::io::stdin().is_terminal() {
        let ask = |what: String| rpassword::prompt_password(what).map(Secret::new).context("cannot read a password");
        let password = ask(format!("Password for {name}: "))?;
        if ask("Again: ".into())?.expose() != password.expose() {
            return Err(Failure::usage("the two passwords differ; nothing was changed"));
        }
        password
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("cannot read the password from standard input")?;
        Secret::new(line.trim_end_matches(['\r', '\n']).to_owned())
    };
    hash_password(password.expose()).map_err(|error| Failure::usage(error.to_string()))
}

fn granted(as_json: bool, name: &str, account: &str, role: &str) -> Exit {
    if as_json {
        output::json(&json!({ "name": name, "account": account, "role": role }));
    } else {
        output::line(format!("{name} is {role} on account {account}"));
    }
    Exit::Done
}

fn unknown(name: &str) -> Failure {
    Failure::failed(format!("there is no user {name}")).hint("`tailerd user list` shows who there is")
}
