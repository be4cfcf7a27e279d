//! Versions of an operation for people to read: one with all that came with it, all of them with what each changed, and two beside
//! each other.
//!
//! No secret leaves through here: documents are redacted, and files lose the secrets in clear text that the document holds or that
//! its context may have filled in.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;
use tailer_model::{
    ConfigurationType, Identity, Secret, TaskGraph,
    changes::{Change, What, changes},
    configuration::{FileKind, mentions},
    operation::{Definition, describe::Description},
    read_configuration, redact,
    secret::{clear_secrets, redact_after, redact_text},
};
use tailer_store::{
    Tx,
    configurations::{self, ConfigurationRow, ListFilter, VersionMark, VersionRow},
};

use crate::{
    ConfigurationDocument, ConfigurationRef, DeployedContext, Engine, EngineError,
    configurations::{document_of, resolve},
};

/// A version with all that came with it.
#[derive(Debug, Clone)]
pub struct VersionView {
    pub document: ConfigurationDocument,
    /// Empty for a version that this program cannot read any more.
    pub description: Description,
    /// Of an operation with tasks.
    pub graph: Option<TaskGraph>,
    /// In the order of their names.
    pub files: Vec<FileView>,
}

/// A file that came with a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileView {
    pub name: String,
    /// What the configuration names it for; none for one that it does not name any more.
    pub kind: Option<FileKind>,
    /// None when it is no text.
    pub text: Option<String>,
}

/// A version among others.
#[derive(Debug, Clone)]
pub struct VersionLine {
    pub version: u32,
    pub deployed: Timestamp,
    pub by: String,
    pub context: Option<DeployedContext>,
    /// What it changed, by name; none of the first version.
    pub changes: Vec<Change>,
}

/// Two versions beside each other.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub from: VersionLine,
    pub to: VersionLine,
    /// What [`compare_versions`](Engine::compare_versions) shows of each: the document first, then the files.
    pub texts: Vec<ComparedText>,
}

/// A text in both versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedText {
    /// None for the configuration itself.
    pub file: Option<String>,
    /// None where it is not there, or is no text.
    pub before: Option<String>,
    pub after: Option<String>,
    /// It differs in what is hidden, or in what is no text.
    pub differs_unseen: bool,
}

impl Engine {
    /// A version with all that came with it, the current one when none is named.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn version(
        &self,
        configuration: &ConfigurationRef,
        version: Option<u32>,
    ) -> Result<VersionView, EngineError> {
        let wanted = configuration.clone();
        self.0.parts.store.read(move |tx| resolve(tx, &wanted).and_then(|row| view(tx, row, version))).await
    }

    /// The versions below `before`, or all, newest first, each with what it changed.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn versions(
        &self,
        configuration: &ConfigurationRef,
        before: Option<u32>,
        limit: u32,
    ) -> Result<Vec<VersionLine>, EngineError> {
        let wanted = configuration.clone();
        self.0
            .parts
            .store
            .read(move |tx| {
                let row = resolve(tx, &wanted)?;
                let mut lines = Vec::new();
                let mut newer: Option<(VersionMark, VersionRow)> = None;
                // One more than asked for: what the last one changed.
                for mark in configurations::versions(tx, row.key, before, limit.saturating_add(1))? {
                    let found = version_of(tx, &row, mark.version)?;
                    if let Some((mark, newer)) = newer.take() {
                        lines.push(line(&mark, differences(&found, &newer)));
                    }
                    newer = Some((mark, found));
                }
                if let Some((mark, _)) = newer.filter(|(mark, _)| mark.version == 1)
                    && lines.len() < usize::try_from(limit).unwrap_or(usize::MAX)
                {
                    lines.push(line(&mark, Vec::new()));
                }
                Ok(lines)
            })
            .await
    }

    /// Two versions beside each other.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn compare_versions(
        &self,
        configuration: &ConfigurationRef,
        from: u32,
        to: u32,
    ) -> Result<Comparison, EngineError> {
        let wanted = configuration.clone();
        self.0
            .parts
            .store
            .read(move |tx| {
                let row = resolve(tx, &wanted)?;
                let (before, after) = (version_of(tx, &row, from)?, version_of(tx, &row, to)?);
                let mut secrets = secrets_of(tx, &row.identity, &before)?;
                secrets.extend(secrets_of(tx, &row.identity, &after)?);
                let mut texts = vec![documents(&before, &after)];
                let names: BTreeSet<&String> = before.files.keys().chain(after.files.keys()).collect();
                texts.extend(names.into_iter().map(|name| files(name, &before, &after, &secrets)));
                Ok(Comparison {
                    from: line(&mark_of(&before), Vec::new()),
                    to: line(&mark_of(&after), differences(&before, &after)),
                    texts,
                })
            })
            .await
    }
}

fn view(tx: &mut Tx<'_>, row: ConfigurationRow, version: Option<u32>) -> Result<VersionView, EngineError> {
    let found = version_of(tx, &row, version.unwrap_or(row.version))?;
    let secrets = secrets_of(tx, &row.identity, &found)?;
    let value = parsed(&found);
    let named = mentions(&value);
    let kind = |name: &str| named.iter().find(|mention| mention.name == name).map(|mention| mention.kind);
    let files = found.files.iter().map(|(name, content)| FileView {
        name: name.clone(),
        kind: kind(name),
        text: std::str::from_utf8(content).ok().map(|text| redact_text(text, &secrets)),
    });
    let files = files.collect();
    let configuration = read_configuration(&value).0;
    let graph = configuration.as_ref().and_then(|read| match &read.definition {
        Definition::TableToTable(c) => Some(c.graph.clone()),
        Definition::TableToStorage(c) => Some(c.graph.clone()),
        _ => None,
    });
    Ok(VersionView {
        description: configuration.map(|read| read.describe(&redact(&value))).unwrap_or_default(),
        document: document_of(tx, row, found)?,
        graph,
        files,
    })
}

/// # Errors
/// [`EngineError::NotFound`] for a version that there is not.
pub(crate) fn version_of(tx: &mut Tx<'_>, row: &ConfigurationRow, version: u32) -> Result<VersionRow, EngineError> {
    configurations::version(tx, row.key, version)?.ok_or_else(|| {
        EngineError::not_found("unknown_version", format!("{} has versions 1 to {}", row.identity, row.version))
    })
}

fn parsed(version: &VersionRow) -> Value {
    serde_json::from_str(&version.document).unwrap_or_default()
}

fn mark_of(version: &VersionRow) -> VersionMark {
    VersionMark { version: version.version, by: version.by.clone(), at: version.at, context: version.context.clone() }
}

fn line(mark: &VersionMark, changes: Vec<Change>) -> VersionLine {
    VersionLine {
        version: mark.version,
        deployed: mark.at,
        by: mark.by.clone(),
        context: mark.context.as_deref().and_then(DeployedContext::read),
        changes,
    }
}

/// By name: parameters, then files.
fn differences(before: &VersionRow, after: &VersionRow) -> Vec<Change> {
    let mut found = changes(&parsed(before), &parsed(after));
    let change = |what, name: &String| Change { what, name: name.clone() };
    for (name, content) in &after.files {
        match before.files.get(name) {
            None => found.push(change(What::Added, name)),
            Some(old) if old != content => found.push(change(What::Changed, name)),
            Some(_) => {}
        }
    }
    found.extend(
        before.files.keys().filter(|name| !after.files.contains_key(*name)).map(|name| change(What::Removed, name)),
    );
    found
}

/// The secrets in clear text that may stand in the version's files.
fn secrets_of(tx: &mut Tx<'_>, of: &Identity, version: &VersionRow) -> Result<Vec<Secret<String>>, EngineError> {
    let mut secrets = clear_secrets(&parsed(version));
    let Some(context) = version.context.as_deref().and_then(DeployedContext::read) else { return Ok(secrets) };
    let filter = ListFilter {
        account: of.account.clone(),
        environment: None,
        configuration_type: Some(ConfigurationType::Context),
        archived: None,
    };
    for row in configurations::list(tx, &filter)? {
        if format!("{}_{}", of.account, row.identity.configuration_id) == context.id
            && let Some(found) = configurations::version(tx, row.key, context.version)?
        {
            secrets.extend(clear_secrets(&parsed(&found)));
        }
    }
    Ok(secrets)
}

fn documents(before: &VersionRow, after: &VersionRow) -> ComparedText {
    let (old, new) = (parsed(before), parsed(after));
    let pretty = |value: &Value| serde_json::to_string_pretty(value).ok();
    let (before, after) = (pretty(&redact(&old)), pretty(&redact_after(&old, &new)));
    ComparedText { file: None, differs_unseen: before == after && old != new, before, after }
}

fn files(name: &str, before: &VersionRow, after: &VersionRow, secrets: &[Secret<String>]) -> ComparedText {
    let (old, new) = (before.files.get(name), after.files.get(name));
    let text = |content: Option<&Vec<u8>>| {
        content.and_then(|bytes| std::str::from_utf8(bytes).ok()).map(|text| redact_text(text, secrets))
    };
    let (before, after) = (text(old), text(new));
    ComparedText { file: Some(name.to_owned()), differs_unseen: before == after && old != new, before, after }
}
