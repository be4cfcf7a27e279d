//! Every key of a `[storage.<kind>."<bucket>"]` table: for which kinds it is, and what it means. The one place to add one.

use tailer_model::operation::storage_to_storage::StorageKind::{self, Azure, Gcs, S3, Sftp};

/// The bucket's name that stands for every other one of the kind.
pub(crate) const ANY: &str = "*";

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `local`, or the kind's own service.
    Service,
    Text,
    /// One text or a list of them.
    Texts,
    Path,
    /// `http://host:port` or `https://host`.
    Url,
    /// `host` or `host:port`.
    Address,
    Time,
    /// From zero on.
    Number,
    Flag,
    /// Text, `{ env = "NAME" }`, `{ file = "path" }` or an encrypted secret. Never printed, except for the names.
    Secret,
}

impl Form {
    /// For messages.
    pub(super) fn expected(self, kind: StorageKind) -> String {
        match self {
            Self::Service => return format!("expected \"local\" or \"{kind}\""),
            Self::Text => "expected text",
            Self::Texts => "expected text or a list of texts",
            Self::Path => "expected a path",
            Self::Url => "expected an address such as \"http://127.0.0.1:9000\"",
            Self::Address => "expected a host or host:port",
            Self::Time => "expected a length of time, such as \"30s\"",
            Self::Number => "expected a whole number",
            Self::Flag => "expected true or false",
            Self::Secret => {
                "expected { env = \"NAME\" }, { file = \"path\" }, an encrypted secret (`tailerd encrypt`) or plain text"
            }
        }
        .to_owned()
    }
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) kinds: &'static [StorageKind],
    pub(crate) help: &'static str,
}

const fn key(name: &'static str, form: Form, kinds: &'static [StorageKind], help: &'static str) -> Key {
    Key { name, form, kinds, help }
}

const ALL: &[StorageKind] = &[Gcs, S3, Azure, Sftp];
const CLOUD: &[StorageKind] = &[Gcs, S3, Azure];

/// In the order in which they are printed.
pub(crate) const KEYS: &[Key] = &[
    key("service", Form::Service, ALL, "what stands behind: local (a folder), or the service itself"),
    key(
        "folder",
        Form::Path,
        ALL,
        "local: the folder that is the bucket; for \"*\", the one that holds a folder for each",
    ),
    key("bucket", Form::Text, CLOUD, "its name at the service, when configurations call it otherwise"),
    key("endpoint", Form::Url, CLOUD, "address of a compatible server instead of the cloud's own"),
    key("address", Form::Address, &[Sftp], "where the host is reached, when configurations call it otherwise"),
    key("region", Form::Text, &[S3], "region of the bucket; that of the configuration, or us-east-1, when unset"),
    key("path_style", Form::Flag, &[S3], "the bucket in the path of addresses instead of in the host's name"),
    key("access_key", Form::Text, &[S3], "access key id, together with secret_key"),
    key("secret_key", Form::Secret, &[S3], "secret access key"),
    key("session_token", Form::Secret, &[S3], "of temporary credentials"),
    key("credentials", Form::Secret, &[Gcs], "JSON key of a service account"),
    key("anonymous", Form::Flag, &[Gcs], "ask without credentials: public buckets and emulators"),
    key("connection_string", Form::Secret, &[Azure], "connection string of the account"),
    key("account", Form::Text, &[Azure], "storage account, where the identity of this machine lets us in"),
    key("user", Form::Text, &[Sftp], "user name"),
    key("password", Form::Secret, &[Sftp], "password"),
    key("private_key", Form::Secret, &[Sftp], "private key, in OpenSSH or PEM form"),
    key("passphrase", Form::Secret, &[Sftp], "passphrase of the private key"),
    key(
        "host_key",
        Form::Texts,
        &[Sftp],
        "fingerprint (SHA256:…) of the host's key, or the key itself; several in a list",
    ),
    key("known_hosts", Form::Path, &[Sftp], "file of trusted host keys, as OpenSSH keeps it"),
    key("connect_timeout", Form::Time, ALL, "longest wait for a connection; 10s, for SFTP 20s, when unset"),
    key("timeout", Form::Time, ALL, "longest wait for an answer, or without a byte; 60s when unset"),
    key("retries", Form::Number, ALL, "further attempts after a transient error; 6, for SFTP 4, when unset"),
];

/// The key of a kind.
pub(super) fn find(kind: StorageKind, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name && key.kinds.contains(&kind))
}
