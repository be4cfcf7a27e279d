//! What is needed to reach an SFTP server. Holds secrets, and prints none.

use std::time::Duration;

use tailer_model::Secret;

use super::host_keys::HostKeys;

/// An SFTP account and the folder in it that is the storage.
#[derive(Debug, Clone)]
pub struct SftpSettings {
    /// Name or address.
    pub host: String,
    /// What configurations call the host, when that is another name: messages say it.
    pub called: Option<String>,
    pub port: u16,
    pub user: String,
    pub credentials: SftpCredentials,
    pub host_keys: HostKeys,
    /// The folder that paths start from: `/` for the server's root, empty for the folder that the server puts the user in,
    /// anything else for a folder in one of these.
    pub start: String,
    /// For connecting, until the server has let the user in.
    pub connect: Duration,
    /// For each answer.
    pub timeout: Duration,
    /// An unused connection is closed after this.
    pub idle: Duration,
    /// Further attempts after a transient error.
    pub retries: u32,
}

/// How the user proves who they are. What is there is tried, the key first; a server that asks for both gets both.
#[derive(Debug, Clone, Default)]
pub struct SftpCredentials {
    pub password: Option<Secret<String>>,
    /// OpenSSH, PEM (PKCS#1, PKCS#8, SEC1) or PuTTY form; Ed25519, ECDSA or RSA.
    pub private_key: Option<Secret<String>>,
    /// Of the private key.
    pub passphrase: Option<Secret<String>>,
}

impl SftpSettings {
    pub const PORT: u16 = 22;
    pub const CONNECT: Duration = Duration::from_secs(20);
    pub const TIMEOUT: Duration = Duration::from_secs(60);
    pub const IDLE: Duration = Duration::from_secs(60);
    pub const RETRIES: u32 = 4;

    /// Settings with the usual port and times, for the folder that the server puts the user in.
    #[must_use]
    pub fn new(host: String, user: String, credentials: SftpCredentials, host_keys: HostKeys) -> Self {
        Self {
            host,
            called: None,
            port: Self::PORT,
            user,
            credentials,
            host_keys,
            start: String::new(),
            connect: Self::CONNECT,
            timeout: Self::TIMEOUT,
            idle: Self::IDLE,
            retries: Self::RETRIES,
        }
    }

    /// As people write it: `sftp://john@host/` and a path from the server's root, or `/~/` and a path from the user's folder.
    pub(super) fn display(&self) -> String {
        let port = if self.port == Self::PORT { String::new() } else { format!(":{}", self.port) };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let start = self.start.trim_end_matches('/');
        let start = match (self.start.starts_with('/'), start) {
            (true, _) => start.to_owned(),
            (false, "") => "/~".to_owned(),
            (false, _) => format!("/~/{start}"),
        };
        format!("sftp://{}@{host}{port}{start}", self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_tell_where_a_path_starts() {
        let check = |start: &str, port: u16, expect: &str| {
            let mut settings =
                SftpSettings::new("h".into(), "john".into(), SftpCredentials::default(), HostKeys::default());
            (settings.start, settings.port) = (start.into(), port);
            assert_eq!(settings.display(), expect);
        };
        check("", 22, "sftp://john@h/~");
        check("/", 22, "sftp://john@h");
        check("/srv/in/", 2222, "sftp://john@h:2222/srv/in");
        check("in", 2222, "sftp://john@h:2222/~/in");
    }
}
