//! `tailerd service-account`: whose self-signed tokens the server trusts. Only public keys are kept.

use jiff::Timestamp;
use serde_json::{Value, json};
use tailer_server::auth::service_account_from_key_file;
use tailer_store::{
    Durability, StoreError,
    service_accounts::{self, ServiceAccountRow},
};

use super::token::{local, open, role, second};
use crate::{
    cli::{ServiceAccountAddArgs, ServiceAccountCommand, ServiceAccountListArgs, ServiceAccountRemoveArgs},
    failure::{Context as _, Exit, Failure},
    output, settings,
};

pub(crate) async fn run(command: ServiceAccountCommand) -> Result<Exit, Failure> {
    match command {
        ServiceAccountCommand::Add(args) => add(args).await,
        ServiceAccountCommand::List(args) => list(args).await,
        ServiceAccountCommand::Remove(args) => remove(args).await,
    }
}

async fn add(args: ServiceAccountAddArgs) -> Result<Exit, Failure> {
    let shown = args.key.display().to_string();
    let text = std::fs::read_to_string(&args.key).context(format!("cannot read {shown}"))?;
    let account = service_account_from_key_file(&text).context(&shown)?;
    let (_, store) = open(&settings::load(&args.data)?)?;
    let row = ServiceAccountRow {
        email: account.email.clone(),
        key_id: account.key_id,
        public_key_pem: account.public_key_pem,
        account: args.grant.account.clone(),
        role: role(args.grant.role).to_string(),
        created: Timestamp::now(),
    };
    let granted = row.role.clone();
    store
        .write(Durability::Synced, move |tx| service_accounts::add(tx, &row, &local()))
        .await
        .map_err(|e: StoreError| Failure::failed(e.to_string()))?;
    if args.output.json {
        output::json(&json!({ "email": account.email, "account": args.grant.account, "role": granted }));
    } else {
        output::line(format!("{} is {granted} on account {}", account.email, args.grant.account));
    }
    Ok(Exit::Done)
}

async fn list(args: ServiceAccountListArgs) -> Result<Exit, Failure> {
    let (_, store) = open(&settings::load(&args.data)?)?;
    let rows = store.read(service_accounts::list).await.map_err(|e: StoreError| Failure::failed(e.to_string()))?;
    if args.output.json {
        let all: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({
                    "email": row.email, "key_id": row.key_id, "account": row.account, "role": row.role,
                    "created": second(row.created),
                })
            })
            .collect();
        output::json(&all);
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            let created = row.created.strftime("%Y-%m-%d %H:%M").to_string();
            vec![row.email, row.account.to_string(), row.role, row.key_id.unwrap_or_default(), created]
        })
        .collect();
    output::table(&["EMAIL", "ACCOUNT", "ROLE", "KEY", "CREATED"], &cells);
    Ok(Exit::Done)
}

async fn remove(args: ServiceAccountRemoveArgs) -> Result<Exit, Failure> {
    let (_, store) = open(&settings::load(&args.data)?)?;
    let email = args.email.clone();
    let removed = store
        .write(Durability::Synced, move |tx| service_accounts::remove(tx, &email, &local(), Timestamp::now()))
        .await
        .map_err(|e: StoreError| Failure::failed(e.to_string()))?;
    if removed == 0 {
        return Err(Failure::failed(format!("{} is not trusted", args.email))
            .hint("`tailerd service-account list` shows who is"));
    }
    if args.output.json {
        output::json(&json!({ "email": args.email, "removed": removed }));
    } else {
        output::line(format!("{} is no longer trusted", args.email));
    }
    Ok(Exit::Done)
}
