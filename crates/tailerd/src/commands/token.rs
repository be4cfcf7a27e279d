//! `tailerd token`: made, listed and revoked in the data folder, with or without a running server, which follows within
//! seconds. A token is shown once, when it is made; nothing keeps it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tailer_model::{Actor, Via};
use tailer_server::auth::{NewToken, mint};
use tailer_store::{Durability, Store, StoreError, tokens};

use crate::{
    cli::{AccountRole, TokenCommand, TokenCreateArgs, TokenListArgs, TokenRevokeArgs},
    data_folder::DataFolder,
    failure::{Context as _, Exit, Failure},
    output,
    settings::{self, Settings},
    wiring::open_store,
};

pub(crate) async fn run(command: TokenCommand) -> Result<Exit, Failure> {
    match command {
        TokenCommand::Create(args) => create(args).await,
        TokenCommand::List(args) => list(args).await,
        TokenCommand::Revoke(args) => revoke(args).await,
    }
}

async fn create(args: TokenCreateArgs) -> Result<Exit, Failure> {
    let settings = settings::load(&args.data)?;
    let (folder, store) = open(&settings)?;
    let lifetime = SignedDuration::try_from(args.expires.0).context("--expires")?;
    let new = NewToken {
        account: args.grant.account,
        role: role(args.grant.role),
        lifetime,
        audience: settings.audience.clone().unwrap_or_else(|| format!("http://{}", settings.listen)),
        by: local(),
    };
    let minted = mint(&store, &folder.keys(), new, Timestamp::now()).await.context("no token was made")?;
    if args.output.json {
        output::json(&json!({ "id": minted.id, "token": minted.token, "expiry": second(minted.expires) }));
    } else {
        output::line(&minted.token);
    }
    Ok(Exit::Done)
}

async fn list(args: TokenListArgs) -> Result<Exit, Failure> {
    let (_, store) = open(&settings::load(&args.data)?)?;
    let rows = store.read(tokens::list).await.map_err(|e: StoreError| Failure::failed(e.to_string()))?;
    let now = Timestamp::now();
    let state = |row: &tokens::TokenRow| match row.revoked {
        Some(_) => "revoked",
        None if row.expires <= now => "expired",
        None => "valid",
    };
    if args.output.json {
        let all: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({
                    "id": row.id, "account": row.account, "role": row.role, "state": state(row),
                    "created": second(row.created), "expiry": second(row.expires),
                    "revoked": row.revoked.map(second), "by": row.by,
                })
            })
            .collect();
        output::json(&all);
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let day = |t: Timestamp| t.strftime("%Y-%m-%d %H:%M").to_string();
            vec![
                row.id.clone(),
                row.account.to_string(),
                row.role.clone(),
                state(row).to_owned(),
                day(row.created),
                day(row.expires),
                row.by.clone(),
            ]
        })
        .collect();
    output::table(&["ID", "ACCOUNT", "ROLE", "STATE", "CREATED", "EXPIRES", "BY"], &cells);
    Ok(Exit::Done)
}

async fn revoke(args: TokenRevokeArgs) -> Result<Exit, Failure> {
    let (_, store) = open(&settings::load(&args.data)?)?;
    let id = args.id.clone();
    let found = store
        .write(Durability::Synced, move |tx| tokens::revoke(tx, &id, &local(), Timestamp::now()))
        .await
        .map_err(|e: StoreError| Failure::failed(e.to_string()))?;
    if !found {
        return Err(Failure::failed(format!("there is no token {} that could be revoked", args.id))
            .hint("`tailerd token list` shows the ids"));
    }
    if args.output.json {
        output::json(&json!({ "id": args.id, "revoked": true }));
    } else {
        output::line(format!("token {} is revoked", args.id));
    }
    Ok(Exit::Done)
}

/// The data folder and its metadata, made when missing.
pub(super) fn open(settings: &Settings) -> Result<(DataFolder, Store), Failure> {
    let folder = DataFolder::open(&settings.data)?;
    let store = open_store(settings, &folder)?;
    Ok((folder, store))
}

pub(super) fn role(role: AccountRole) -> tailer_server::Role {
    match role {
        AccountRole::Viewer => tailer_server::Role::Viewer,
        AccountRole::Operator => tailer_server::Role::Operator,
        AccountRole::Deployer => tailer_server::Role::Deployer,
        AccountRole::Admin => tailer_server::Role::Admin,
    }
}

/// RFC 3339 in UTC, to the second: `2024-04-30T12:00:00Z`.
pub(super) fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The person at the keyboard, for the record: whoever may write to the data folder is believed.
pub(super) fn local() -> Actor {
    let name = std::env::var("USER").ok().filter(|user| !user.is_empty());
    Actor::new(format!("local:{}", name.as_deref().unwrap_or("unknown")), Via::Cli)
}
