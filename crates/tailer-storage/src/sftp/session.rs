//! One SFTP session on one connection, and what its server can do.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use russh::{Disconnect, client::Handle};
use russh_sftp::{
    client::{RawSftpSession, rawsession::Limits},
    extensions::HardlinkExtension,
    protocol::{FileAttributes, OpenFlags, Packet, StatusCode},
};

use super::{connect::Client, failure::Failure};

/// Bytes of one read or write where the server sets no limit.
const USUAL_BLOCK: u64 = 32 * 1024;
/// Larger ones gain nothing.
const LARGEST_BLOCK: u64 = 128 * 1024;

/// A session. Its connection ends with it.
pub(super) struct Session {
    pub(super) sftp: RawSftpSession,
    ssh: Handle<Client>,
    abilities: Abilities,
    /// Where paths start, absolute; `/` is empty.
    root: String,
    leases: AtomicUsize,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("abilities", &self.abilities).field("root", &self.root).finish_non_exhaustive()
    }
}

/// What the server says that it can do beyond the protocol.
#[derive(Debug, Clone, Copy)]
struct Abilities {
    posix_rename: bool,
    fsync: bool,
    copy_data: bool,
    read_block: u32,
    write_block: usize,
}

impl Session {
    /// Greets the server, and finds out what it can do and where it has put the user.
    pub(super) async fn open(mut sftp: RawSftpSession, ssh: Handle<Client>, start: &str) -> Result<Self, Failure> {
        let version = sftp.init().await.map_err(|error| match Failure::from(error) {
            // Also what a server says that has no SFTP: it closes the channel.
            Failure::Transient(_) => Failure::Transient("the server does not start SFTP for this user".to_owned()),
            other => other,
        })?;
        let has = |name: &str| version.extensions.contains_key(name);
        let mut limits = Limits::default();
        if has(russh_sftp::extensions::LIMITS) {
            limits = Limits::from(sftp.limits().await?);
            sftp.set_limits(limits);
        }
        let block = |limit: Option<u64>| limit.unwrap_or(USUAL_BLOCK).clamp(1, LARGEST_BLOCK);
        let abilities = Abilities {
            posix_rename: has("posix-rename@openssh.com"),
            fsync: has(russh_sftp::extensions::FSYNC),
            copy_data: has("copy-data"),
            read_block: u32::try_from(block(limits.read_len)).unwrap_or(u32::MAX),
            write_block: usize::try_from(block(limits.write_len)).unwrap_or(usize::MAX),
        };
        let absolute = start.starts_with('/');
        let start = start.trim_end_matches('/');
        let mut session = Self { sftp, ssh, abilities, root: start.to_owned(), leases: AtomicUsize::new(0) };
        if !absolute {
            let home = session.real_path(".").await?;
            let home = home.trim_end_matches('/');
            session.root = if start.is_empty() { home.to_owned() } else { format!("{home}/{start}") };
        }
        Ok(session)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.ssh.is_closed()
    }

    /// Where a path of the storage is on the server.
    pub(super) fn full(&self, path: &str) -> String {
        match (self.root.as_str(), path) {
            ("", "") => "/".to_owned(),
            (root, "") => root.to_owned(),
            (root, path) => format!("{root}/{path}"),
        }
    }

    pub(super) fn read_block(&self) -> u32 {
        self.abilities.read_block
    }

    pub(super) fn write_block(&self) -> usize {
        self.abilities.write_block
    }

    pub(super) fn can_copy(&self) -> bool {
        self.abilities.copy_data
    }

    pub(super) async fn real_path(&self, full: &str) -> Result<String, Failure> {
        let names = self.sftp.realpath(full).await?;
        names.files.into_iter().next().map(|file| file.filename).ok_or(Failure::Missing)
    }

    /// Of the entry itself, links not followed; `None` when there is none.
    pub(super) async fn entry(&self, full: &str) -> Result<Option<FileAttributes>, Failure> {
        match self.sftp.lstat(full).await.map_err(Failure::from) {
            Ok(attributes) => Ok(Some(attributes.attrs)),
            Err(Failure::Missing) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Links followed.
    pub(super) async fn target(&self, full: &str) -> Result<Option<FileAttributes>, Failure> {
        match self.sftp.stat(full).await.map_err(Failure::from) {
            Ok(attributes) => Ok(Some(attributes.attrs)),
            Err(Failure::Missing) => Ok(None),
            Err(other) => Err(other),
        }
    }

    pub(super) async fn open_file(&self, full: &str, flags: OpenFlags) -> Result<String, Failure> {
        Ok(self.sftp.open(full, flags, FileAttributes::empty()).await?.handle)
    }

    /// Without the answer: of a file that was read, or whose write has failed already.
    pub(super) fn close_later(self: &Arc<Self>, handle: String) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let session = Arc::clone(self);
            runtime.spawn(async move { session.sftp.close(handle).await });
        }
    }

    /// Makes content survive a crash of the server, where the server can.
    pub(super) async fn sync(&self, handle: &str) -> Result<(), Failure> {
        if self.abilities.fsync {
            self.sftp.fsync(handle).await?;
        }
        Ok(())
    }

    /// Gives a file another name; what has it already is replaced, in one step where the server can.
    pub(super) async fn rename(&self, from: &str, to: &str) -> Result<(), Failure> {
        if self.abilities.posix_rename {
            // The two names are written as in the request for a hard link.
            let names = HardlinkExtension { oldpath: from.to_owned(), newpath: to.to_owned() };
            let data: Vec<u8> = names.try_into().map_err(|_| Failure::Refused("the name is too long".to_owned()))?;
            return status(self.sftp.extended("posix-rename@openssh.com", data).await?);
        }
        match self.sftp.rename(from, to).await.map_err(Failure::from) {
            Ok(_) => Ok(()),
            // The protocol's own rename replaces nothing. For a moment there is no file of that name.
            Err(Failure::Server(_)) if self.entry(to).await?.is_some_and(|there| !is_folder(&there)) => {
                self.sftp.remove(to).await?;
                Ok(self.sftp.rename(from, to).await.map(|_| ())?)
            }
            Err(other) => Err(other),
        }
    }

    /// Copies bytes from one open file into another on the server (`draft-ietf-secsh-filexfer-extensions-00`, copy-data).
    pub(super) async fn copy_data(&self, from: &str, to: &str, offset: u64, length: u64) -> Result<(), Failure> {
        let mut data = Vec::with_capacity(64);
        for (handle, numbers) in [(from, &[offset, length][..]), (to, &[offset][..])] {
            let handle_length = u32::try_from(handle.len()).unwrap_or(u32::MAX);
            data.extend_from_slice(&handle_length.to_be_bytes());
            data.extend_from_slice(handle.as_bytes());
            for number in numbers {
                data.extend_from_slice(&number.to_be_bytes());
            }
        }
        status(self.sftp.extended("copy-data", data).await?)
    }

    /// Says goodbye. Whoever still has a lease sees a lost connection.
    pub(super) async fn close(&self) {
        let _ = self.sftp.close_session();
        let _ = self.ssh.disconnect(Disconnect::ByApplication, "", "").await;
    }

    pub(super) fn leases(&self) -> &AtomicUsize {
        &self.leases
    }

    pub(super) fn is_unused(&self) -> bool {
        self.leases.load(Ordering::Acquire) == 0
    }
}

fn status(packet: Packet) -> Result<(), Failure> {
    match packet {
        Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
        Packet::Status(status) => Err(russh_sftp::client::error::Error::Status(status).into()),
        _ => Err(Failure::Transient("the server's answer is none to the question".to_owned())),
    }
}

pub(super) fn is_folder(attributes: &FileAttributes) -> bool {
    attributes.file_type().is_dir()
}

pub(super) fn is_link(attributes: &FileAttributes) -> bool {
    attributes.file_type().is_symlink()
}

/// A regular file, or something of which the server does not say what it is.
pub(super) fn is_file(attributes: &FileAttributes) -> bool {
    attributes.permissions.is_none() || attributes.file_type().is_file()
}
