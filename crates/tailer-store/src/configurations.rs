//! Data operations as deployed: what is true of them now, and every version that ever was.
//!
//! A configuration is created by its first deployment and never deleted; archiving hides it. Versions count from 1 without gaps
//! (unique: configuration + version). Slots and the head of the queue live on the same row but belong to [`crate::runs`].

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use tailer_model::{AccountId, ConfigurationType, Environment, Identity};

use crate::{
    StoreError, Tx,
    tx::{Row, Value},
};

/// Names a configuration within this database, shorter than its [`Identity`] and as lasting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConfigurationKey(pub i64);

/// A configuration as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationRow {
    pub key: ConfigurationKey,
    pub identity: Identity,
    /// The current version.
    pub version: u32,
    pub activated: bool,
    pub archived: bool,
    pub max_active_runs: u32,
    /// As in [`NewVersion::watched`].
    pub watched: Option<String>,
    /// As in [`NewVersion::roams`].
    pub roams: bool,
    pub created: Timestamp,
    /// Last change: a deployment, or a person's.
    pub updated: Timestamp,
    pub updated_by: String,
    /// When the current version was deployed.
    pub deployed: Timestamp,
    /// When it last began to be active: it was enabled, or deployed as active. Ticks before this are not made up for.
    pub activated_since: Timestamp,
}

/// What a deployment brings.
#[derive(Clone)]
pub struct NewVersion {
    pub identity: Identity,
    /// The configuration as it will be executed: JSON text.
    pub document: String,
    /// The files that it names, by the path as named.
    pub files: BTreeMap<String, Vec<u8>>,
    pub activated: bool,
    pub archived: bool,
    pub max_active_runs: u32,
    pub by: String,
    pub at: Timestamp,
    /// The context that it was deployed with, with its version.
    pub context: Option<String>,
    /// `gs://bucket/prefix` of an operation started by files. Among storage-to-tables operations there is one per address.
    pub watched: Option<String>,
    /// Whether any server that shares the store may execute it: nothing of it is a file of one server.
    pub roams: bool,
}

impl fmt::Debug for NewVersion {
    /// Without the document, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewVersion({} by {} at {})", self.identity, self.by, self.at)
    }
}

/// A version as it was deployed.
#[derive(Clone, PartialEq, Eq)]
pub struct VersionRow {
    pub configuration: ConfigurationKey,
    pub version: u32,
    pub document: String,
    pub files: BTreeMap<String, Vec<u8>>,
    pub by: String,
    pub at: Timestamp,
    pub context: Option<String>,
}

impl fmt::Debug for VersionRow {
    /// Without the document, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VersionRow({} version {} by {} at {})", self.configuration.0, self.version, self.by, self.at)
    }
}

/// A version without what was deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionMark {
    pub version: u32,
    pub by: String,
    pub at: Timestamp,
    pub context: Option<String>,
}

/// What a deployment did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    pub key: ConfigurationKey,
    pub version: u32,
    /// Another storage-to-tables operation that watched the same address: it is archived and disabled now.
    pub replaced: Option<Identity>,
}

/// Which configurations to list.
#[derive(Debug, Clone)]
pub struct ListFilter {
    pub account: AccountId,
    pub environment: Option<Environment>,
    pub configuration_type: Option<ConfigurationType>,
    pub archived: Option<bool>,
}

pub(crate) const COLUMNS: &str = "key, account, environment, configuration_type, configuration_id, version, activated, archived, \
                       max_active_runs, watched, roams, created, updated, updated_by, deployed, activated_since";

pub(crate) fn read(row: &Row<'_>) -> Result<ConfigurationRow, StoreError> {
    Ok(ConfigurationRow {
        key: row.take()?,
        identity: read_identity(row)?,
        version: row.take()?,
        activated: row.take()?,
        archived: row.take()?,
        max_active_runs: row.take()?,
        watched: row.take()?,
        roams: row.take()?,
        created: row.take()?,
        updated: row.take()?,
        updated_by: row.take()?,
        deployed: row.take()?,
        activated_since: row.take()?,
    })
}

/// Account, environment, configuration type, configuration id: the next four columns.
pub(crate) fn read_identity(row: &Row<'_>) -> Result<Identity, StoreError> {
    Ok(Identity {
        account: row.take()?,
        environment: row.take()?,
        configuration_type: row.take()?,
        configuration_id: row.take()?,
    })
}

/// Deploys: creates the configuration, or adds the next version to it. Its flags take the file's values.
///
/// # Errors
/// What the database says.
pub fn deploy(tx: &mut Tx<'_>, new: &NewVersion) -> Result<Deployed, StoreError> {
    let replaced = displace(tx, new)?;
    let Identity { account, environment, configuration_type, configuration_id } = &new.identity;
    let at = new.at;
    let (key, version) = tx
        .query_one(
            "INSERT INTO configurations (account, environment, configuration_type, configuration_id, version, activated, \
                 archived, max_active_runs, watched, created, updated, updated_by, deployed, activated_since, roams) \
             VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?9, ?9, ?11) \
             ON CONFLICT (account, environment, configuration_type, configuration_id) DO UPDATE SET \
                 version = configurations.version + 1, activated = excluded.activated, archived = excluded.archived, \
                 max_active_runs = excluded.max_active_runs, watched = excluded.watched, roams = excluded.roams, \
                 updated = excluded.updated, \
                 updated_by = excluded.updated_by, deployed = excluded.deployed, \
                 activated_since = CASE WHEN excluded.activated = 1 THEN excluded.deployed \
                                        ELSE configurations.activated_since END \
             RETURNING key, version",
            &[
                account.into(),
                (*environment).into(),
                (*configuration_type).into(),
                configuration_id.into(),
                new.activated.into(),
                new.archived.into(),
                new.max_active_runs.into(),
                new.watched.as_deref().into(),
                at.into(),
                (&new.by).into(),
                new.roams.into(),
            ],
            |row| Ok((row.take::<ConfigurationKey>()?, row.take::<u32>()?)),
        )?
        .ok_or_else(|| StoreError::Internal("a deployment answered no version".into()))?;
    tx.execute(
        "INSERT INTO versions (configuration, version, document, context, deployed, deployed_by) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &[
            key.into(),
            version.into(),
            (&new.document).into(),
            new.context.as_deref().into(),
            at.into(),
            (&new.by).into(),
        ],
    )?;
    for (path, content) in &new.files {
        tx.execute(
            "INSERT INTO version_files (configuration, version, path, content) VALUES (?1, ?2, ?3, ?4)",
            &[key.into(), version.into(), path.into(), content.as_slice().into()],
        )?;
    }
    Ok(Deployed { key, version, replaced })
}

/// Archives and disables another storage-to-tables operation that watches what the new one will.
fn displace(tx: &mut Tx<'_>, new: &NewVersion) -> Result<Option<Identity>, StoreError> {
    let Some(watched) = &new.watched else { return Ok(None) };
    if new.identity.configuration_type != ConfigurationType::StorageToTables || new.archived {
        return Ok(None);
    }
    let Some(other) = watching(tx, watched)? else { return Ok(None) };
    if other.identity == new.identity {
        return Ok(None);
    }
    set_flags(tx, other.key, Some(false), Some(true), &new.by, new.at)?;
    Ok(Some(other.identity))
}

/// The storage-to-tables operation that is not archived and watches this address: what a deployment to it would replace.
///
/// # Errors
/// What the database says.
pub fn watching(tx: &mut Tx<'_>, watched: &str) -> Result<Option<ConfigurationRow>, StoreError> {
    tx.query_one(
        &format!(
            "SELECT {COLUMNS} FROM configurations \
             WHERE watched = ?1 AND watched IS NOT NULL AND configuration_type = 'storage-to-tables' AND archived = 0"
        ),
        &[watched.into()],
        read,
    )
}

/// The operations that watch this address now: enabled, and not archived.
///
/// # Errors
/// What the database says.
pub fn watchers(tx: &mut Tx<'_>, watched: &str) -> Result<Vec<ConfigurationRow>, StoreError> {
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM configurations WHERE watched = ?1 AND activated = 1 AND archived = 0 ORDER BY key"
        ),
        &[watched.into()],
        read,
    )
}

/// A configuration by its key.
///
/// # Errors
/// What the database says.
pub fn get(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<Option<ConfigurationRow>, StoreError> {
    tx.query_one(&format!("SELECT {COLUMNS} FROM configurations WHERE key = ?1"), &[key.into()], read)
}

/// A configuration by exactly this identity, archived ones too.
///
/// # Errors
/// What the database says.
pub fn find(tx: &mut Tx<'_>, identity: &Identity) -> Result<Option<ConfigurationRow>, StoreError> {
    let Identity { account, environment, configuration_type, configuration_id } = identity;
    tx.query_one(
        &format!(
            "SELECT {COLUMNS} FROM configurations \
             WHERE account = ?1 AND environment = ?2 AND configuration_type = ?3 AND configuration_id = ?4"
        ),
        &[account.into(), (*environment).into(), (*configuration_type).into(), configuration_id.into()],
        read,
    )
}

/// A configuration as a request names it (`spec/api.md`, Identity): the id as given first, then with the environment as
/// suffix, then without it.
///
/// # Errors
/// What the database says.
pub fn resolve(
    tx: &mut Tx<'_>,
    account: &AccountId,
    environment: Environment,
    configuration_type: ConfigurationType,
    id: &str,
) -> Result<Option<ConfigurationRow>, StoreError> {
    let suffix = format!("_{environment}");
    let spellings = [Some(id.to_owned()), Some(format!("{id}{suffix}")), id.strip_suffix(&suffix).map(str::to_owned)];
    for configuration_id in spellings.into_iter().flatten() {
        let identity = Identity { account: account.clone(), environment, configuration_type, configuration_id };
        if let Some(found) = find(tx, &identity)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Who deployed a version, and when.
///
/// # Errors
/// What the database says.
pub fn deployed(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    version: u32,
) -> Result<Option<(String, Timestamp)>, StoreError> {
    tx.query_one(
        "SELECT deployed_by, deployed FROM versions WHERE configuration = ?1 AND version = ?2",
        &[key.into(), version.into()],
        |row| Ok((row.take()?, row.take()?)),
    )
}

/// A version with its files.
///
/// # Errors
/// What the database says.
pub fn version(tx: &mut Tx<'_>, key: ConfigurationKey, version: u32) -> Result<Option<VersionRow>, StoreError> {
    let of_version: [Value<'_>; 2] = [key.into(), version.into()];
    let found = tx.query_one(
        "SELECT document, deployed_by, deployed, context FROM versions WHERE configuration = ?1 AND version = ?2",
        &of_version,
        |row| {
            Ok(VersionRow {
                configuration: key,
                version,
                files: BTreeMap::new(),
                document: row.take()?,
                by: row.take()?,
                at: row.take()?,
                context: row.take()?,
            })
        },
    )?;
    let Some(mut found) = found else { return Ok(None) };
    let files = tx.query(
        "SELECT path, content FROM version_files WHERE configuration = ?1 AND version = ?2",
        &of_version,
        |row| Ok((row.take()?, row.take()?)),
    )?;
    found.files.extend(files);
    Ok(Some(found))
}

/// The context that a version was deployed with, without its document and files.
///
/// # Errors
/// What the database says.
pub fn context(tx: &mut Tx<'_>, key: ConfigurationKey, version: u32) -> Result<Option<String>, StoreError> {
    let found = tx.query_one(
        "SELECT context FROM versions WHERE configuration = ?1 AND version = ?2",
        &[key.into(), version.into()],
        |row| row.take::<Option<String>>(),
    )?;
    Ok(found.flatten())
}

/// The versions below `before`, or all, newest first, at most `limit`.
///
/// # Errors
/// What the database says.
pub fn versions(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    before: Option<u32>,
    limit: u32,
) -> Result<Vec<VersionMark>, StoreError> {
    tx.query(
        "SELECT version, deployed_by, deployed, context FROM versions WHERE configuration = ?1 AND version < ?2 \
         ORDER BY version DESC LIMIT ?3",
        &[key.into(), before.unwrap_or(u32::MAX).into(), limit.into()],
        |row| Ok(VersionMark { version: row.take()?, by: row.take()?, at: row.take()?, context: row.take()? }),
    )
}

/// The configurations of an account whose current version was deployed with a context, archived ones too, each with that context.
///
/// # Errors
/// What the database says.
pub fn with_context(tx: &mut Tx<'_>, account: &AccountId) -> Result<Vec<(Identity, String)>, StoreError> {
    tx.query(
        "SELECT c.account, c.environment, c.configuration_type, c.configuration_id, v.context \
         FROM configurations c JOIN versions v ON v.configuration = c.key AND v.version = c.version \
         WHERE c.account = ?1 AND v.context IS NOT NULL ORDER BY c.configuration_type, c.configuration_id, c.environment",
        &[account.into()],
        |row| Ok((read_identity(row)?, row.take()?)),
    )
}

/// The configurations of an account, ordered by type, id and environment.
///
/// # Errors
/// What the database says.
pub fn list(tx: &mut Tx<'_>, filter: &ListFilter) -> Result<Vec<ConfigurationRow>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM configurations WHERE account = ?1");
    let mut params: Vec<Value<'_>> = vec![(&filter.account).into()];
    let conditions = [
        ("environment", filter.environment.map(Value::from)),
        ("configuration_type", filter.configuration_type.map(Value::from)),
        ("archived", filter.archived.map(Value::from)),
    ];
    for (column, value) in conditions {
        if let Some(value) = value {
            params.push(value);
            sql.push_str(&format!(" AND {column} = ?{}", params.len()));
        }
    }
    sql.push_str(" ORDER BY configuration_type, configuration_id, environment");
    tx.query(&sql, &params, read)
}

/// Every configuration that is not archived, ordered by key: for the reconcilers.
///
/// # Errors
/// What the database says.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<ConfigurationRow>, StoreError> {
    tx.query(&format!("SELECT {COLUMNS} FROM configurations WHERE archived = 0 ORDER BY key"), &[], read)
}

/// Enables, disables, archives or un-archives; `None` leaves a flag as it is. Enabling what is disabled starts
/// `activated_since` anew; what is so already is left as it is.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such configuration; [`StoreError::Conflict`] when un-archiving a
/// storage-to-tables operation whose address another one watches by now.
pub fn set_flags(
    tx: &mut Tx<'_>,
    key: ConfigurationKey,
    activated: Option<bool>,
    archived: Option<bool>,
    by: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(now) = get(tx, key)? else { return Err(StoreError::Missing(format!("configuration {}", key.0))) };
    if now.archived
        && archived == Some(false)
        && now.identity.configuration_type == ConfigurationType::StorageToTables
        && let Some(watched) = &now.watched
        && let Some(other) = watching(tx, watched)?
    {
        return Err(StoreError::Conflict(format!("{watched} is watched by {} by now", other.identity)));
    }
    let (after, hidden) = (activated.unwrap_or(now.activated), archived.unwrap_or(now.archived));
    if (after, hidden) == (now.activated, now.archived) {
        return Ok(());
    }
    let activated_since = if after && !now.activated { at } else { now.activated_since };
    tx.execute(
        "UPDATE configurations SET activated = ?2, archived = ?3, activated_since = ?4, updated = ?5, updated_by = ?6 \
         WHERE key = ?1",
        &[key.into(), after.into(), hidden.into(), activated_since.into(), at.into(), by.into()],
    )?;
    Ok(())
}
