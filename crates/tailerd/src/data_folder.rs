//! The data folder: where things are in it, its permissions, and the lock that keeps two servers apart.
//!
//! `tailerd.db` (metadata), `buckets/<bucket>/…`, `warehouse/<project>.duckdb`, `keys/`, `secrets/`, `scratch/`, `tailerd.lock`,
//! `tailerd.sock`. The lock is an advisory lock of the operating system on an open file: it ends with its process, also
//! by `kill -9`, so that it is never stale.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::failure::{Context as _, Failure};

/// A data folder that exists.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder(PathBuf);

/// Holds the folder's warehouse and buckets for this process until dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its Drop")] File);

impl DataFolder {
    /// Opens the folder, creating it with mode 0700. A folder that holds nothing yet gets that mode too; one that holds
    /// other things but no metadata keeps its mode, since it may be somebody else's.
    ///
    /// # Errors
    /// Names the folder and why it cannot be used.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).context(format!("cannot create {shown}"))?;
        let path = path.canonicalize().context(format!("cannot open {shown}"))?;
        let first_use = fs::read_dir(&path).context(format!("cannot read {shown}"))?.next().is_none();
        if first_use || path.join("tailerd.db").exists() {
            let private = fs::Permissions::from_mode(0o700);
            fs::set_permissions(&path, private).context(format!("cannot make {shown} private"))?;
        }
        let folder = Self(path);
        private_folder(&folder.keys())?;
        Ok(folder)
    }

    /// A folder that is there, as it is: nothing is made or changed.
    ///
    /// # Errors
    /// Names the folder and why it cannot be used.
    pub(crate) fn existing(path: &Path) -> Result<Self, Failure> {
        path.canonicalize().map(Self).context(format!("cannot open {}", path.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The metadata store.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("tailerd.db")
    }

    /// Signing and encryption keys; mode 0700.
    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// Files that configurations may name as secrets, put there by the server's owner.
    pub(crate) fn secrets(&self) -> PathBuf {
        self.0.join("secrets")
    }

    /// One folder a bucket.
    pub(crate) fn buckets(&self) -> PathBuf {
        self.0.join("buckets")
    }

    /// One database a project.
    pub(crate) fn warehouse(&self) -> PathBuf {
        self.0.join("warehouse")
    }

    /// For files of unfinished work.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }

    /// Where a running server answers `tailerd sql`.
    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("tailerd.sock")
    }

    /// As [`Self::lock`], waiting so long for a holder that is nearly done.
    ///
    /// # Errors
    /// Those of [`Self::lock`].
    pub(crate) async fn lock_within(&self, patience: Duration, holder: &str) -> Result<Lock, Failure> {
        let deadline = Instant::now() + patience;
        loop {
            match self.lock(holder) {
                Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(50)).await,
                other => return other,
            }
        }
    }

    /// Takes the folder for this process, `holder` telling others what holds it.
    ///
    /// # Errors
    /// Exit code 1, naming the holder, when another process has it.
    pub(crate) fn lock(&self, holder: &str) -> Result<Lock, Failure> {
        let path = self.0.join("tailerd.lock");
        let shown = path.display();
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).context(&shown)?;
        match file.try_lock() {
            Ok(()) => {
                let text = format!("{holder}, process {}\n", std::process::id());
                write_holder(&mut file, &text).context(&shown)?;
                Ok(Lock(file))
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { "another process" } else { holder };
                Err(Failure::failed(format!("the data folder {} is in use by {holder}", self.0.display())))
            }
            Err(TryLockError::Error(error)) => Err(error).context(&shown),
        }
    }
}

fn write_holder(file: &mut File, text: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

fn private_folder(path: &Path) -> Result<(), Failure> {
    let doing = || format!("cannot create {}", path.display());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).context(doing())?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).context(doing())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn new_folders_are_private_and_others_are_left_alone() {
        let base = tempfile::tempdir().unwrap();
        let fresh = base.path().join("a/b");
        let folder = DataFolder::open(&fresh).unwrap();
        assert_eq!((mode(&fresh), mode(&folder.keys())), (0o700, 0o700));

        let shared = base.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::write(shared.join("other"), "").unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).unwrap();
        DataFolder::open(&shared).unwrap();
        assert_eq!(mode(&shared), 0o755);
    }

    #[test]
    fn one_holder_at_a_time_and_the_second_learns_who() {
        let base = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(base.path()).unwrap();
        let lock = folder.lock("tailerd serve").unwrap();
        let refused = folder.lock("tailerd serve").unwrap_err();
        assert!(refused.message.contains("in use by tailerd serve, process "), "{}", refused.message);
        drop(lock);
        folder.lock("tailerd sql").unwrap();
    }
}
