//! A folder of a storage, as sources and destinations name it (`spec/data-operations.md`, storage-to-storage).

use serde_json::{Map, Value};

use crate::{names, reader::Fields, secret, text::text_enum};

text_enum! {
    /// Which service a storage is.
    pub enum StorageKind {
        Gcs = "gcs",
        S3 = "s3",
        Azure = "azure",
        Sftp = "sftp",
    }
}

/// A folder of a storage: what `Storages` in the engine's settings resolves to a real one.
#[derive(Clone, PartialEq)]
pub struct StorageAddress {
    pub kind: StorageKind,
    /// Bucket, container or host.
    pub bucket: String,
    /// Folder inside it, without leading or trailing slash; empty for the root.
    pub prefix: String,
    /// Whether the folder was written with a leading slash. On an SFTP server it then starts at the server's root, else where
    /// the server puts the user; elsewhere it makes no difference.
    pub absolute: bool,
    /// The credential parameters as written (secrets stay closed): `gcp_credentials_secret`, `sftp_password_secret`...
    pub credentials: Map<String, Value>,
}

impl std::fmt::Debug for StorageAddress {
    /// Without credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, bucket, prefix, .. } = self;
        write!(f, "StorageAddress({kind} {bucket:?} {prefix:?})")
    }
}

/// Whether files are taken from a storage or brought to it: the parameters have other names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Destination,
}

text_enum! {
    enum AuthenticationMethod {
        Password = "USERNAME_PASSWORD",
        PrivateKey = "PRIVATE_KEY",
    }
}

/// Parameters of one kind, on one side.
struct Names {
    /// `None` when the first part of the prefix is the bucket.
    bucket: Option<&'static str>,
    prefix: &'static str,
    plain: &'static [&'static str],
    secrets: &'static [&'static str],
}

impl StorageKind {
    fn names(self, side: Side) -> Names {
        let source = side == Side::Source;
        match self {
            Self::Gcs => Names {
                bucket: Some(if source { "gcs_source_bucket" } else { "gcs_destination_bucket" }),
                prefix: if source { "gcs_source_prefix" } else { "gcs_destination_prefix" },
                plain: &[],
                secrets: &["gcp_credentials_secret"],
            },
            Self::S3 => Names {
                bucket: Some(if source { "s3_source_bucket" } else { "s3_bucket" }),
                prefix: if source { "s3_source_prefix" } else { "s3_destination_prefix" },
                plain: &["aws_access_key", "aws_region"],
                secrets: &["aws_access_key_secret"],
            },
            Self::Azure => Names {
                bucket: source.then_some("azure_source_storage"),
                prefix: if source { "azure_source_prefix" } else { "azure_destination_prefix" },
                plain: &[],
                secrets: &["azure_connection_string_secret"],
            },
            Self::Sftp => Names {
                bucket: Some("sftp_host"),
                prefix: if source { "sftp_source_directory" } else { "sftp_destination_dir" },
                plain: &["sftp_userid"],
                secrets: &["sftp_password_secret", "sftp_private_key_secret", "sftp_private_key_passphrase_secret"],
            },
        }
    }
}

impl StorageAddress {
    /// Reads an address of a kind already read from `type`. Credentials may be absent: local stand-ins need none.
    pub(super) fn read(fields: &Fields<'_>, kind: StorageKind, side: Side) -> Option<Self> {
        // The vendor deploys its functions there; nothing here does.
        fields.ignore(&["gcp_project_id"]);
        let parameters = kind.names(side);
        let written = fields.optional_text(parameters.prefix);
        let absolute = written.as_ref().is_some_and(|text| text.trim_start().starts_with('/'));
        let mut prefix =
            if written.is_some() { fields.checked(parameters.prefix, names::folder) } else { Some(String::new()) };
        let bucket = match parameters.bucket {
            Some(name) => fields.required(name, |f, name| f.checked(name, names::bucket)),
            None => {
                let whole = fields.required(parameters.prefix, |f, name| f.checked(name, names::folder))?;
                let (container, folder) = whole.split_once('/').unwrap_or((&whole, ""));
                prefix = Some(folder.to_owned());
                match names::bucket(container) {
                    Ok(container) => Some(container),
                    Err(message) => {
                        fields.error(parameters.prefix, format!("expected container/path: {message}"));
                        None
                    }
                }
            }
        };
        let mut credentials = Map::new();
        for name in parameters.plain.iter().copied() {
            if let Some(value) = fields.text(name) {
                credentials.insert(name.to_owned(), Value::from(value));
            }
        }
        if kind == StorageKind::Sftp {
            read_sftp(fields, &mut credentials);
        }
        for name in parameters.secrets.iter().copied() {
            if let Some(value) = secret::read(fields, name) {
                credentials.insert(name.to_owned(), value);
            }
        }
        Some(Self { kind, bucket: bucket?, prefix: prefix?, absolute, credentials })
    }

    /// Whether two addresses are one folder.
    #[must_use]
    pub fn is_same_folder(&self, other: &Self) -> bool {
        (self.kind, &self.bucket, &self.prefix) == (other.kind, &other.bucket, &other.prefix)
    }
}

/// The port may be written as a number or as its digits: the vendor's documents show both.
fn read_sftp(fields: &Fields<'_>, credentials: &mut Map<String, Value>) {
    let port = match fields.value("sftp_port") {
        Some((path, Value::String(text))) => match text.trim().parse::<u16>() {
            Ok(port) if port > 0 => Some(i64::from(port)),
            _ => {
                fields.reader.error(path, "expected a whole number from 1 to 65535");
                None
            }
        },
        _ => fields.integer("sftp_port", 1, 65_535),
    };
    if let Some(port) = port {
        credentials.insert("sftp_port".to_owned(), Value::from(port));
    }
    if let Some(method) = fields.choice::<AuthenticationMethod>("sftp_authentication_method") {
        credentials.insert("sftp_authentication_method".to_owned(), Value::from(method.as_str()));
    }
}
