//! storage-to-storage: files copied to other storages, then archived (`spec/data-operations.md`, storage-to-storage).

mod describe;

use serde_json::Value;

pub(super) use describe::describe_source;

use super::storage_address::Side;
pub use super::storage_address::{StorageAddress, StorageKind};
use crate::{json::describe, names, reader::Fields, template::FilenameTemplate, text::text_enum};

/// What a storage-to-storage configuration does.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageToStorage {
    /// In file order; `"*"` is one template that matches any name.
    pub filename_templates: Vec<FileTemplate>,
    pub source: StorageAddress,
    pub archive_prefix: Option<String>,
    /// `sftp_source_filename`, when given.
    pub source_filename: Option<FilenameTemplate>,
    pub destinations: Vec<Destination>,
    pub empty_file_policy: EmptyFilePolicy,
}

/// Which files are taken.
#[derive(Debug, Clone, PartialEq)]
pub struct FileTemplate {
    pub template: FilenameTemplate,
    pub description: Option<String>,
}

/// Where files are brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    pub address: StorageAddress,
    /// Whether a missing folder is made (`sftp_destination_dir_create`; the other kinds have no folders to make).
    pub create_directory: bool,
    pub top_file: Option<TopFile>,
}

text_enum! {
    /// The name of the empty file that says that a copy is complete.
    pub enum TopFile {
        /// `a.csv` gives `a.top`.
        ReplaceExtension = "REPLACE_EXTENSION",
        /// `a.csv` gives `a.csv.top`.
        AddExtension = "ADD_EXTENSION",
    }
}

text_enum! {
    /// What happens to a file of 0 bytes.
    #[derive(Default)]
    pub enum EmptyFilePolicy {
        /// It is left where it is.
        #[default]
        None = "NONE",
        Process = "PROCESS",
        TriggerFailedStatus = "TRIGGER_FAILED_STATUS",
        TriggerSuccessStatus = "TRIGGER_SUCCESS_STATUS",
    }
}

/// Names of the archive folder, the specification's first; the others are older.
pub(super) const ARCHIVE_PREFIXES: &[&str] =
    &["archive_prefix", "gcs_archive_prefix", "s3_archive_prefix", "azure_archive_prefix", "sftp_archive_prefix"];

impl StorageToStorage {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let filename_templates = read_templates(fields);
        let empty_file_policy = fields.choice("empty_file_policy").unwrap_or_default();
        let source = fields.required("source", Fields::object).and_then(|source| {
            let Some(kind) = source.required("type", Fields::choice::<StorageKind>) else {
                // The kind says which parameters there are.
                return None;
            };
            let address = StorageAddress::read(&source, kind, Side::Source);
            let archive = read_archive(&source, address.as_ref());
            let filename = read_source_filename(&source, kind);
            source.finish();
            Some((address?, archive?, filename?))
        });
        let destinations = fields.required("destinations", Fields::objects);
        let destinations: Option<Vec<Option<Destination>>> =
            destinations.map(|all| all.iter().map(Destination::read).collect());
        let (source, archive_prefix, source_filename) = source?;
        let destinations = destinations?.into_iter().collect::<Option<Vec<_>>>()?;
        if destinations.iter().any(|destination| destination.address.is_same_folder(&source)) {
            fields.error(
                "destinations",
                "a destination is the source folder itself: its files would come again and again",
            );
        }
        let filename_templates = filename_templates?;
        Some(Self { filename_templates, source, archive_prefix, source_filename, destinations, empty_file_policy })
    }
}

/// The archive folder; `Some(None)` when there is none.
pub(super) fn read_archive(source: &Fields<'_>, address: Option<&StorageAddress>) -> Option<Option<String>> {
    for name in ARCHIVE_PREFIXES.iter().copied() {
        if source.optional_text(name).is_some() {
            source.ignore(ARCHIVE_PREFIXES);
            let folder = source.checked(name, names::folder)?;
            if folder.is_empty() || address.is_some_and(|address| address.prefix == folder) {
                source.error(name, "the archive must be a folder of its own, not the source folder or the root");
                return None;
            }
            return Some(Some(folder));
        }
    }
    Some(None)
}

fn read_source_filename(source: &Fields<'_>, kind: StorageKind) -> Option<Option<FilenameTemplate>> {
    const NAME: &str = "sftp_source_filename";
    if kind != StorageKind::Sftp {
        source.meaningless(&[NAME], &format!("for a source of type {kind}"));
        return Some(None);
    }
    if source.optional_text(NAME).is_none() {
        return Some(None);
    }
    source.checked(NAME, FilenameTemplate::parse).map(Some)
}

/// `"*"`, `["*"]` or a list of objects.
fn read_templates(fields: &Fields<'_>) -> Option<Vec<FileTemplate>> {
    const NAME: &str = "filename_templates";
    let any = || FileTemplate { template: FilenameTemplate::any(), description: None };
    fields.required(NAME, |fields, _| {
        if let Some((_, Value::String(text))) = fields.value(NAME) {
            if text == "*" {
                return Some(vec![any()]);
            }
            fields.error(
                NAME,
                format!("expected \"*\" or a list of templates, found {}", describe(&Value::from(text.as_str()))),
            );
            return None;
        }
        let items = fields.list(NAME)?;
        if items.is_empty() {
            fields.error(NAME, "must have at least one entry");
            return None;
        }
        let read = items.iter().enumerate().map(|(i, item)| match item {
            Value::String(text) if text == "*" => Some(any()),
            item => read_template(&fields.entry(format!("{}[{i}]", fields.path_of(NAME)), item)?),
        });
        let templates = read.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>()?;
        warn_of_repeats(fields, NAME, templates.iter().map(|t| t.template.as_str()));
        Some(templates)
    })
}

fn read_template(entry: &Fields<'_>) -> Option<FileTemplate> {
    let template = entry.required("filename_template", |f, name| f.checked(name, FilenameTemplate::parse));
    let description = entry.optional_text("file_description");
    entry.finish();
    Some(FileTemplate { template: template?, description })
}

/// A template given twice never matches the second time: the first in file order is taken.
pub(super) fn warn_of_repeats<'t>(fields: &Fields<'_>, name: &'static str, templates: impl Iterator<Item = &'t str>) {
    let mut seen = std::collections::BTreeSet::new();
    for template in templates {
        if !seen.insert(template) {
            fields.warn(name, format!("\"{template}\" is given more than once: only the first one is ever taken"));
        }
    }
}

impl Destination {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let kind = fields.required("type", Fields::choice::<StorageKind>)?;
        let address = StorageAddress::read(fields, kind, Side::Destination);
        let create_directory = fields.boolean("sftp_destination_dir_create");
        let top_file =
            if fields.optional_text("generate_top_file").is_some() { fields.choice("generate_top_file") } else { None };
        fields.finish();
        let create_directory = create_directory.unwrap_or(kind != StorageKind::Sftp);
        Some(Self { address: address?, create_directory, top_file })
    }
}
