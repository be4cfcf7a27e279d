//! storage-to-storage: files copied to other storages, then archived (`spec/data-operations.md`, storage-to-storage).

use serde_json::Value;

use crate::template::FilenameTemplate;

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

#[derive(Debug, Clone, PartialEq)]
pub struct FileTemplate {
    pub template: FilenameTemplate,
    pub description: Option<String>,
}

/// A folder of a storage: what `Storages` in the engine's settings resolves to a real one.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageAddress {
    pub kind: StorageKind,
    /// Bucket, container or host.
    pub bucket: String,
    /// Folder inside it, without leading or trailing slash; empty for the root.
    pub prefix: String,
    /// The credential parameters as written (secrets stay closed): `gcp_credentials_secret`, `sftp_password_secret`...
    pub credentials: serde_json::Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StorageKind {
    Gcs,
    S3,
    Azure,
    Sftp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    pub address: StorageAddress,
    pub create_directory: bool,
    pub top_file: Option<TopFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopFile {
    ReplaceExtension,
    AddExtension,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyFilePolicy {
    #[default]
    None,
    Process,
    TriggerFailedStatus,
    TriggerSuccessStatus,
}
