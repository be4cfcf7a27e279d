//! The key pair that signs minted tokens: Ed25519, in `<data>/keys/token-signing.pem`, made on first use.
//!
//! The folder is 0700 and the file 0600. The command line and the server may make it at the same time: the file is written
//! under another name and linked into place, so one of them wins and both use the winner's key.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::hmac;
use sha2::{Digest, Sha256};

const FILE: &str = "token-signing.pem";

/// The key that signs minted tokens could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot make or read the signing key {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is not an Ed25519 private key in PKCS#8 PEM; move it away and a new one is made (tokens minted so far then stop working)", .0.display())]
    NotAKey(PathBuf),
    #[error("the system has no random bytes to give")]
    Random,
}

/// Both halves, ready for use, and the name that tokens carry as `kid`.
pub(super) struct SigningKeys {
    pub(super) sign: EncodingKey,
    pub(super) verify: DecodingKey,
    pub(super) id: String,
    /// Signs what browsers keep for us.
    pub(super) cookies: hmac::Key,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeys").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SigningKeys {
    /// Reads the key of the folder, or makes folder and key.
    pub(super) fn open(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(FILE);
        let failed = |source| KeyError::File { path: path.clone(), source };
        let pem = match fs::read_to_string(&path) {
            Ok(pem) => pem,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                make_folder(folder).map_err(failed)?;
                let pem = generate()?;
                put(folder, &path, &pem).map_err(failed)?;
                fs::read_to_string(&path).map_err(failed)?
            }
            Err(e) => return Err(failed(e)),
        };
        let key = SigningKey::from_pkcs8_pem(&pem).map_err(|_| KeyError::NotAKey(path.clone()))?;
        let der = key.to_pkcs8_der().map_err(|_| KeyError::NotAKey(path))?;
        let public = key.verifying_key();
        // A key of its own, though kept in the same file: a signature under one says nothing under the other.
        let seed = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let cookies = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&seed, b"tailerd session cookies").as_ref());
        Ok(Self {
            sign: EncodingKey::from_ed_der(der.as_bytes()),
            verify: DecodingKey::from_ed_der(public.as_bytes()),
            cookies,
            id: Sha256::digest(public.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    /// An audience that only this data folder has. Minted tokens carry it beside the configured audience, because the
    /// command line mints them without knowing at which address the server will listen.
    pub(super) fn audience(&self) -> String {
        format!("urn:tailerd:{}", self.id)
    }
}

fn generate() -> Result<String, KeyError> {
    let mut seed = [0; 32];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut seed).map_err(|_| KeyError::Random)?;
    let pem = SigningKey::from_bytes(&seed).to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Random)?;
    Ok(pem.to_string())
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Puts the key in place unless somebody else was faster, which is just as well.
fn put(folder: &Path, path: &Path, pem: &str) -> io::Result<()> {
    let draft = folder.join(format!(".{FILE}.{}", uuid::Uuid::new_v4()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let written = file.write_all(pem.as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&draft)?;
    linked?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("keys");
        let ids: Vec<_> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| SigningKeys::open(&folder).unwrap().id)).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no drafts left");
    }

    #[test]
    fn a_file_that_is_no_key_is_named() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(FILE), "nonsense").unwrap();
        let error = SigningKeys::open(data.path()).unwrap_err().to_string();
        assert!(error.contains(FILE) && error.contains("Ed25519"), "{error}");
    }
}
