//! What stands behind each bucket, container and SFTP host that configurations name (`spec/data-operations.md`, Where data
//! lives): tables `[storage.<kind>."<bucket>"]`, where `"*"` stands for every bucket of the kind without a table of its
//! own. Without any table everything is local.
//!
//! Nothing is opened here: secrets stay as they were written.

mod keys;
mod layers;
mod print;
#[cfg(test)]
mod tests;

pub(crate) use keys::ANY;
use keys::KEYS;
use layers::{Table, quoted};

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde_json::Value;
use tailer_model::operation::storage_to_storage::StorageKind;
use tailer_storage::sftp::HostKeys;

pub(super) use layers::StorageLayers;
pub(super) use print::{to_json, to_toml};

use crate::cli::Span;

/// The tables of all kinds.
#[derive(Debug, Clone, Default)]
pub(crate) struct StorageSettings {
    tables: BTreeMap<(StorageKind, String), Place>,
}

/// What stands behind a bucket.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A folder; below the data folder's `buckets/` when unset.
    Local(Option<PathBuf>),
    /// The service of the bucket's kind.
    Service(Box<Service>),
}

/// How a service is reached. Which values can be there depends on the kind: see [`KEYS`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Service {
    pub(crate) bucket: Option<String>,
    pub(crate) endpoint: Option<String>,
    /// Host and, when given, port.
    pub(crate) address: Option<(String, Option<u16>)>,
    pub(crate) region: Option<String>,
    pub(crate) path_style: Option<bool>,
    pub(crate) access_key: Option<String>,
    pub(crate) anonymous: bool,
    pub(crate) account: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) host_keys: HostKeys,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: Option<u32>,
    secrets: BTreeMap<&'static str, Closed>,
}

/// A secret as it was written. Does not print.
#[derive(Clone)]
struct Closed(Value);

impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Service {
    /// A secret of the settings, as it was written, for the opener.
    pub(crate) fn secret(&self, key: &str) -> Option<&Value> {
        self.secrets.get(key).map(|closed| &closed.0)
    }
}

impl StorageSettings {
    /// Types what was written. What is wrong goes to `problems`.
    pub(super) fn from_layers(layers: &StorageLayers, problems: &mut Vec<String>) -> Self {
        problems.extend(layers.problems.iter().cloned());
        let mut tables = BTreeMap::new();
        for (kind, bucket, table) in layers.tables() {
            match place(kind, table) {
                Ok(place) => {
                    tables.insert((kind, bucket.to_owned()), place);
                }
                Err(problem) => problems.push(format!("[storage.{kind}.{}]: {problem}", quoted(bucket))),
            }
        }
        Self { tables }
    }

    /// Every table: kind, bucket or [`ANY`], and what stands behind it.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (StorageKind, &str, &Place)> {
        self.tables.iter().map(|((kind, bucket), place)| (*kind, bucket.as_str(), place))
    }

    /// What stands behind a bucket; `true` when its own table says so, and not the one of all. `None`: a local folder.
    pub(crate) fn of(&self, kind: StorageKind, bucket: &str) -> Option<(&Place, bool)> {
        let own = self.tables.get(&(kind, bucket.to_owned())).map(|place| (place, true));
        own.or_else(|| self.tables.get(&(kind, ANY.to_owned())).map(|place| (place, false)))
    }
}

fn place(kind: StorageKind, table: &Table) -> Result<Place, String> {
    let text = |key: &str| table.get(key).and_then(|written| written.value.as_str()).map(|text| text.trim().to_owned());
    let flag = |key: &str| table.get(key).and_then(|written| written.value.as_bool());
    let local = text("service").is_none_or(|service| service == "local");
    if local {
        if let Some(key) =
            KEYS.iter().find(|key| !["service", "folder"].contains(&key.name) && table.contains_key(key.name))
        {
            return Err(format!("\"{}\" needs service = \"{kind}\"", key.name));
        }
        return Ok(Place::Local(text("folder").map(PathBuf::from)));
    }
    if table.contains_key("folder") {
        return Err("\"folder\" needs service = \"local\"".to_owned());
    }
    let pairs = [("access_key", "secret_key"), ("secret_key", "access_key"), ("passphrase", "private_key")];
    for (key, other) in pairs {
        if table.contains_key(key) && !table.contains_key(other) {
            return Err(format!("\"{key}\" needs \"{other}\""));
        }
    }
    let host_keys = match table.get("host_key").map(|written| &written.value) {
        Some(Value::Array(keys)) => keys.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(key)) => vec![key.clone()],
        _ => Vec::new(),
    };
    let secrets = KEYS.iter().filter(|key| key.form == keys::Form::Secret);
    Ok(Place::Service(Box::new(Service {
        bucket: text("bucket"),
        endpoint: text("endpoint").map(|url| url.trim_end_matches('/').to_owned()),
        address: text("address").and_then(|text| address(&text)),
        region: text("region"),
        path_style: flag("path_style"),
        access_key: text("access_key"),
        anonymous: flag("anonymous").unwrap_or_default(),
        account: text("account"),
        user: text("user"),
        host_keys: HostKeys::new(text("known_hosts").map(PathBuf::from), &host_keys)
            .map_err(|problem| format!("host_key: {problem}"))?,
        connect_timeout: text("connect_timeout").and_then(|text| time(&text)),
        timeout: text("timeout").and_then(|text| time(&text)),
        retries: table.get("retries").and_then(|written| written.value.as_u64()).and_then(|n| u32::try_from(n).ok()),
        secrets: secrets.filter_map(|key| Some((key.name, Closed(table.get(key.name)?.value.clone())))).collect(),
    })))
}

fn time(text: &str) -> Option<Duration> {
    text.trim().parse::<Span>().ok().map(|span| span.0)
}

/// `host`, `host:port`, `[::1]:port` or `::1`.
fn address(text: &str) -> Option<(String, Option<u16>)> {
    let text = text.trim();
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port > 0)?),
        None => None,
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (!host.is_empty() && host.chars().all(fits)).then(|| (host.to_owned(), port))
}
