//! The server's key pairs for secrets, in the key folder: `secrets-private.pem` (0600) and `secrets-public.pem`.
//!
//! Rotation gives the old private key the name `secrets-private.<fingerprint>.pem` beside the new one: what was encrypted
//! for it still opens. At any moment of a rotation, also when it is cut off, every key that was ever published
//! opens.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rsa::{
    RsaPrivateKey, RsaPublicKey,
    pkcs1::{DecodeRsaPrivateKey as _, DecodeRsaPublicKey as _},
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding},
    rand_core::OsRng,
};
use sha2::{Digest as _, Sha256};

use super::{SecretError, envelope::to_hex};

const PRIVATE: &str = "secrets-private.pem";
const PUBLIC: &str = "secrets-public.pem";
const OLD_PREFIX: &str = "secrets-private.";

/// The folder that holds the keys; `DATA/keys`.
#[derive(Debug, Clone)]
pub(crate) struct KeyFolder(PathBuf);

/// A key pair that was made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) private_key: PathBuf,
    pub(crate) public_key: PathBuf,
    /// PEM of the public key.
    pub(crate) public_pem: String,
    pub(crate) fingerprint: String,
    /// Where the private key that was in use until now is, after a rotation.
    pub(crate) former: Option<PathBuf>,
}

impl KeyFolder {
    /// Length of the keys that are made.
    pub(crate) const BITS: usize = 2048;

    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Every private key: the current one first, then those of before. None when none was made.
    ///
    /// # Errors
    /// A key file that cannot be read or is no RSA key, by name.
    pub(super) fn private_keys(&self) -> Result<Vec<RsaPrivateKey>, SecretError> {
        let mut files = self.former_keys()?;
        let current = self.0.join(PRIVATE);
        if current.exists() {
            files.insert(0, current);
        }
        files.iter().map(|file| read_private_key(file)).collect()
    }

    /// The key to encrypt with; made from the private one where its own file is not there.
    ///
    /// # Errors
    /// [`SecretError::NoPair`]; a file that is no key, by name.
    pub(crate) fn public_key(&self) -> Result<RsaPublicKey, SecretError> {
        let path = self.0.join(PUBLIC);
        match fs::read_to_string(&path) {
            Ok(pem) => public_key_from_pem(&pem, &path),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let current = self.0.join(PRIVATE);
                if !current.exists() {
                    return Err(SecretError::NoPair(self.0.clone()));
                }
                Ok(read_private_key(&current)?.to_public_key())
            }
            Err(source) => Err(SecretError::KeyFile { path, source }),
        }
    }

    /// Makes a pair. With `rotate` it takes the place of one that is there, which is kept for decryption.
    ///
    /// # Errors
    /// [`SecretError::Exists`] without `rotate`; what the file system says.
    pub(crate) fn generate(&self, rotate: bool) -> Result<Made, SecretError> {
        let (private_key, public_key) = (self.0.join(PRIVATE), self.0.join(PUBLIC));
        let failed = |source| SecretError::KeyFile { path: private_key.clone(), source };
        let there = private_key.exists();
        if there && !rotate {
            return Err(SecretError::Exists(private_key));
        }
        let pair = NewPair::generate()?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(failed)?;
        let former = if there { Some(self.keep_current(&private_key)?) } else { None };
        let draft = self.draft(pair.private_pem.as_bytes(), 0o600).map_err(failed)?;
        let placed = if there { fs::rename(&draft, &private_key) } else { fs::hard_link(&draft, &private_key) };
        // Renamed already, or a second name of what stands in place or of what lost a race.
        let _ = fs::remove_file(&draft);
        placed.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => SecretError::Exists(private_key.clone()),
            _ => failed(error),
        })?;
        let draft = self.draft(pair.public_pem.as_bytes(), 0o644).map_err(failed)?;
        fs::rename(draft, &public_key).map_err(failed)?;
        fs::File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(Made { private_key, public_key, public_pem: pair.public_pem, fingerprint: pair.fingerprint, former })
    }

    /// A second name for the current key, before the first one goes to a new key.
    fn keep_current(&self, current: &Path) -> Result<PathBuf, SecretError> {
        let public = read_private_key(current)?.to_public_key();
        let kept = self.0.join(format!("{OLD_PREFIX}{}.pem", fingerprint(&public)?));
        match fs::hard_link(current, &kept) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(SecretError::KeyFile { path: kept, source: e }),
            _ => Ok(kept),
        }
    }

    fn draft(&self, content: &[u8], mode: u32) -> io::Result<PathBuf> {
        let path = self.0.join(format!(".draft-{}", uuid::Uuid::new_v4()));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        file.write_all(content).and_then(|()| file.sync_all())?;
        Ok(path)
    }

    fn former_keys(&self) -> Result<Vec<PathBuf>, SecretError> {
        let failed = |source| SecretError::KeyFile { path: self.0.clone(), source };
        let entries = match fs::read_dir(&self.0) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let is_key = name
                .to_str()
                .is_some_and(|name| name != PRIVATE && name.starts_with(OLD_PREFIX) && name.ends_with(".pem"));
            if is_key {
                found.push(self.0.join(name));
            }
        }
        found.sort();
        Ok(found)
    }
}

struct NewPair {
    private_pem: rsa::pkcs8::der::zeroize::Zeroizing<String>,
    public_pem: String,
    fingerprint: String,
}

impl NewPair {
    fn generate() -> Result<Self, SecretError> {
        let private =
            RsaPrivateKey::new(&mut OsRng, KeyFolder::BITS).map_err(|_| SecretError::Crypto("cannot make a key"))?;
        let public = private.to_public_key();
        let cannot_write = |_| SecretError::Crypto("cannot write the key as PEM");
        let private_pem = private.to_pkcs8_pem(LineEnding::LF).map_err(cannot_write)?;
        let public_pem = public
            .to_public_key_pem(LineEnding::LF)
            .map_err(|_| SecretError::Crypto("cannot write the public key as PEM"))?;
        Ok(Self { private_pem, public_pem, fingerprint: fingerprint(&public)? })
    }
}

/// First 8 bytes of the SHA-256 of the public key's DER form, in hexadecimal.
fn fingerprint(key: &RsaPublicKey) -> Result<String, SecretError> {
    let der = key.to_public_key_der().map_err(|_| SecretError::Crypto("cannot write the public key as DER"))?;
    Ok(to_hex(Sha256::digest(der.as_bytes()).get(..8).unwrap_or_default()))
}

/// Reads a public key, PKCS#8 or PKCS#1; `path` for errors.
///
/// # Errors
/// [`SecretError::NotAKey`].
pub(crate) fn public_key_from_pem(pem: &str, path: &Path) -> Result<RsaPublicKey, SecretError> {
    RsaPublicKey::from_public_key_pem(pem).or_else(|_| RsaPublicKey::from_pkcs1_pem(pem)).map_err(|_| {
        let what = if pem.contains("PRIVATE KEY") {
            "this is a private key; the public one is needed here, and the private one should never leave its server"
        } else {
            "expected an RSA public key in PEM (\"-----BEGIN PUBLIC KEY-----\")"
        };
        SecretError::NotAKey { path: path.to_owned(), what }
    })
}

fn read_private_key(path: &Path) -> Result<RsaPrivateKey, SecretError> {
    let pem = fs::read_to_string(path).map_err(|source| SecretError::KeyFile { path: path.to_owned(), source })?;
    let pem = tailer_model::Secret::new(pem);
    RsaPrivateKey::from_pkcs8_pem(pem.expose()).or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem.expose())).map_err(|_| {
        let what = "expected an RSA private key in PEM without passphrase; put it right or move it away";
        SecretError::NotAKey { path: path.to_owned(), what }
    })
}
