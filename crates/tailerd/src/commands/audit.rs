//! `tailerd audit`: who changed what, newest first. A server answers for one account, by its roles; `--local` reads the data folder, like
//! `tailerd token list`, and shows all accounts and what belongs to none.

use serde_json::{Value, json};
use tailer_model::{Moment, rfc3339_micros};
use tailer_store::{
    StoreError,
    audit::{self, AuditFilter, AuditRow},
};

use super::token::open;
use crate::{
    cli::AuditArgs,
    client::{self, Client, text},
    failure::{Exit, Failure},
    output, settings,
};

pub(crate) async fn run(args: AuditArgs) -> Result<Exit, Failure> {
    let entries = if args.local { from_folder(&args).await? } else { from_server(&args).await? };
    if args.output.json {
        output::json(&entries);
    } else if entries.is_empty() {
        output::note("no changes");
    } else {
        let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
        output::table(&["DATE", "WHO", "VIA", "ACTION", "TARGET", "CHANGES"], &rows);
    }
    Ok(Exit::Done)
}

async fn from_server(args: &AuditArgs) -> Result<Vec<Value>, Failure> {
    let client = Client::new(&args.server)?;
    let mut body = client.account_body("get_audit_log")?;
    let given = [
        ("who", args.who.as_ref().map(|who| json!(who))),
        ("audit_action", args.action.map(|action| json!(action))),
        ("target", args.target.as_ref().map(|target| json!(target))),
        ("from", args.from.map(|from| json!(from))),
        ("to", args.to.map(|to| json!(to))),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            client::set(&mut body, name, value);
        }
    }
    let wanted = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut entries = Vec::new();
    // A page may hold fewer than there are.
    loop {
        client::set(&mut body, "limit", json!(wanted - entries.len()));
        let answer = client.call(client::AUDIT, &body).await?;
        entries.extend_from_slice(client::results(&answer));
        match answer.get("after").filter(|after| !after.is_null()) {
            Some(after) if entries.len() < wanted => client::set(&mut body, "after", after.clone()),
            _ => return Ok(entries),
        }
    }
}

async fn from_folder(args: &AuditArgs) -> Result<Vec<Value>, Failure> {
    let (_, store) = open(&settings::load(&args.data)?)?;
    let mut filter = AuditFilter {
        account: args.server.account.clone(),
        who: args.who.clone(),
        action: args.action,
        from: args.from.map(Moment::begin),
        to: args.to.map(Moment::end),
        limit: args.limit,
        ..AuditFilter::default()
    };
    match args.target.as_deref().and_then(audit::read_operation) {
        Some((environment, kind, id)) => filter.operation = Some(format!("{environment}/{kind}/{id}")),
        None => filter.target.clone_from(&args.target),
    }
    let rows = store.read(move |tx| audit::list(tx, &filter)).await;
    let rows = rows.map_err(|e: StoreError| Failure::failed(e.to_string()))?;
    Ok(rows.iter().map(shown).collect())
}

/// As the API answers it.
fn shown(entry: &AuditRow) -> Value {
    json!({
        "date": rfc3339_micros(entry.at), "who": entry.who, "via": entry.via, "account": entry.account, "action": entry.action,
        "target_kind": entry.action.target_kind(), "target": entry.target, "operation": entry.operation,
        "before": entry.before, "after": entry.after,
    })
}

fn row(entry: &Value) -> Vec<String> {
    let second = text(entry, "date").split('.').next().unwrap_or_default().replace('T', " ");
    let of =
        Some(text(entry, "operation")).filter(|operation| !operation.is_empty() && *operation != text(entry, "target"));
    let target = match of {
        Some(operation) => format!("{} of {operation}", text(entry, "target")),
        None => text(entry, "target").to_owned(),
    };
    let field = |name: &str| text(entry, name).to_owned();
    vec![second, field("who"), field("via"), field("action"), target, changes(entry)]
}

/// `key: before -> after`, what there is of it.
fn changes(entry: &Value) -> String {
    let side = |name: &str| entry.get(name).and_then(Value::as_object);
    let (before, after) = (side("before"), side("after"));
    let added = after.into_iter().flatten().filter(|(key, _)| !before.is_some_and(|before| before.contains_key(*key)));
    let keys = before.into_iter().flatten().chain(added).map(|(key, _)| key);
    let told = |side: Option<&serde_json::Map<String, Value>>, key: &str| {
        side.and_then(|side| side.get(key)).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let all = keys.map(|key| match (told(before, key), told(after, key)) {
        (Some(old), Some(new)) => format!("{key}: {old} -> {new}"),
        (Some(old), None) => format!("{key}: {old} -> nothing"),
        (None, new) => format!("{key}: {}", new.unwrap_or_default()),
    });
    all.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line() {
        let entry = json!({
            "date": "2024-04-30T12:00:00.123456+00:00", "who": "user:ana", "via": "studio", "action": "run_cancel",
            "target": "run", "operation": "DEV/gbq-to-gbq/x_DEV",
            "before": {"sub_status": "RUNNING", "gone": 1}, "after": {"sub_status": "CANCELLED", "new": [true]},
        });
        assert_eq!(
            row(&entry),
            [
                "2024-04-30 12:00:00",
                "user:ana",
                "studio",
                "run_cancel",
                "run of DEV/gbq-to-gbq/x_DEV",
                "sub_status: RUNNING -> CANCELLED, gone: 1 -> nothing, new: [true]",
            ]
        );
        assert_eq!(changes(&json!({"before": null, "after": null})), "");
    }
}
