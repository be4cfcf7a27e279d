//! Which host keys are trusted: those of a `known_hosts` file, or given by fingerprint. Any other is refused.
//!
//! Nothing is ever learnt by itself: the first connection is when a wrong host would go unnoticed. Certificates of hosts
//! (`@cert-authority`) are not supported.

use std::{fmt::Write as _, path::PathBuf};

use ring::hmac;
use russh::keys::{
    Algorithm, HashAlg, PublicKey,
    ssh_key::{
        Fingerprint,
        known_hosts::{Entry, HostPatterns, Marker},
    },
};

use super::failure::Failure;

/// The trusted keys. By default none is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostKeys {
    known_hosts: Option<PathBuf>,
    fingerprints: Vec<Fingerprint>,
}

/// What is known of one host at the moment of connecting.
#[derive(Debug, Clone)]
pub(super) struct Known {
    host: String,
    port: u16,
    /// The name of its settings.
    called: String,
    trusted: Vec<Trusted>,
    revoked: Vec<PublicKey>,
    file: Option<PathBuf>,
}

#[derive(Debug, Clone)]
enum Trusted {
    Fingerprint(Fingerprint),
    Line(usize, PublicKey),
}

impl HostKeys {
    /// `known_hosts`: a file as OpenSSH keeps it, read at each connection. `keys`: fingerprints such as `SHA256:…`, or whole
    /// public keys such as `ssh-ed25519 AAAA…`.
    ///
    /// # Errors
    /// Names the key that is neither.
    pub fn new(known_hosts: Option<PathBuf>, keys: &[String]) -> Result<Self, String> {
        let fingerprints = keys.iter().map(|key| fingerprint(key.trim())).collect::<Result<_, _>>()?;
        Ok(Self { known_hosts, fingerprints })
    }

    /// What is known of a host now.
    pub(super) fn of(&self, host: &str, port: u16, called: &str) -> Result<Known, Failure> {
        let mut known = Known {
            host: host.to_owned(),
            port,
            called: called.to_owned(),
            trusted: self.fingerprints.iter().copied().map(Trusted::Fingerprint).collect(),
            revoked: Vec::new(),
            file: self.known_hosts.clone(),
        };
        if let Some(file) = &self.known_hosts {
            let text = std::fs::read_to_string(file)
                .map_err(|e| Failure::Denied(format!("cannot read known_hosts file {}: {e}", file.display())))?;
            known.read(&text);
        }
        Ok(known)
    }
}

fn fingerprint(key: &str) -> Result<Fingerprint, String> {
    if let Ok(fingerprint) = key.trim_end_matches('=').parse() {
        return Ok(fingerprint);
    }
    PublicKey::from_openssh(key).map(|key| key.fingerprint(HashAlg::Sha256)).map_err(|_| {
        format!(
            "{key:?} is not a host key: expected its fingerprint (\"SHA256:\" and 43 characters, as `ssh-keygen -l` prints it) or \
             the key itself (\"ssh-ed25519 AAAA…\")"
        )
    })
}

impl Known {
    /// Takes the lines of a `known_hosts` file that concern the host. Lines that cannot be read are passed over, as `ssh` does.
    fn read(&mut self, text: &str) {
        let name = if self.port == 22 { self.host.clone() } else { format!("[{}]:{}", self.host, self.port) };
        let name = name.to_ascii_lowercase();
        for (number, line) in (1..).zip(text.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.first().is_none_or(|word| word.starts_with('#')) {
                continue;
            }
            let Ok(entry) = words.join(" ").parse::<Entry>() else {
                tracing::debug!(line = number, "a line of known_hosts was passed over");
                continue;
            };
            if !names_host(entry.host_patterns(), &name) {
                continue;
            }
            match entry.marker() {
                None => self.trusted.push(Trusted::Line(number, entry.public_key().clone())),
                Some(Marker::Revoked) => self.revoked.push(entry.public_key().clone()),
                Some(Marker::CertAuthority) => {}
            }
        }
    }

    /// The kinds of key to ask the host for, best first: of those that are known, so that it shows one that can be
    /// compared; then the others.
    pub(super) fn preferred(&self, all: &[Algorithm]) -> Vec<Algorithm> {
        let is_known = |algorithm: &&Algorithm| {
            self.trusted.iter().any(|trusted| match trusted {
                Trusted::Fingerprint(_) => false,
                Trusted::Line(_, key) => same_kind(&key.algorithm(), algorithm),
            })
        };
        let (known, others): (Vec<&Algorithm>, Vec<&Algorithm>) = all.iter().partition(is_known);
        known.into_iter().chain(others).cloned().collect()
    }

    /// Whether a key of another kind than the one shown may be the trusted one: fingerprints do not tell their kind.
    pub(super) fn may_have_other_kinds(&self) -> bool {
        self.trusted.iter().any(|trusted| matches!(trusted, Trusted::Fingerprint(_)))
    }

    /// # Errors
    /// The key is revoked, is not the known one, or the host is not known at all; the message shows its fingerprint.
    pub(super) fn check(&self, key: &PublicKey) -> Result<(), Failure> {
        let host = &self.host;
        let shown = format!("{} ({})", key.fingerprint(HashAlg::Sha256), key.algorithm());
        if self.revoked.iter().any(|revoked| revoked.key_data() == key.key_data()) {
            return Err(Failure::Denied(format!(
                "the host key of {host}, {shown}, is marked as revoked in {}: nothing was sent",
                self.shown_file()
            )));
        }
        let is_this = |trusted: &Trusted| match trusted {
            Trusted::Fingerprint(fingerprint) => key.fingerprint(HashAlg::Sha256) == *fingerprint,
            Trusted::Line(_, known) => known.key_data() == key.key_data(),
        };
        if self.trusted.iter().any(is_this) {
            return Ok(());
        }
        if self.trusted.is_empty() {
            return Err(Failure::Denied(format!(
                "the host key of {host} is not known: it shows {shown}. If that is the key that its administrator names, put \
                 host_key = \"{}\" under [storage.sftp.\"{}\"] of the server's settings{}. Nothing was sent",
                key.fingerprint(HashAlg::Sha256),
                self.called,
                self.file.as_ref().map_or_else(String::new, |file| format!(", or the key into {}", file.display())),
            )));
        }
        let mut expected = String::new();
        for trusted in &self.trusted {
            let _ = match trusted {
                Trusted::Fingerprint(fingerprint) => write!(expected, ", {fingerprint} (setting host_key)"),
                Trusted::Line(line, key) => write!(
                    expected,
                    ", {} ({}, line {line} of {})",
                    key.fingerprint(HashAlg::Sha256),
                    key.algorithm(),
                    self.shown_file()
                ),
            };
        }
        Err(Failure::Denied(format!(
            "THE HOST KEY OF {host} HAS CHANGED: it shows {shown} where {} is known. Somebody may be posing as the host: ask its \
             administrator, and correct the known key only if they confirm the new one. Nothing was sent",
            expected.trim_start_matches(", "),
        )))
    }

    fn shown_file(&self) -> String {
        self.file.as_ref().map_or_else(|| "known_hosts".to_owned(), |file| file.display().to_string())
    }
}

/// RSA keys are one kind whatever the hash of their signatures.
pub(super) fn same_kind(one: &Algorithm, other: &Algorithm) -> bool {
    one == other || matches!((one, other), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}

fn names_host(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, name.as_bytes(), hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let mut named = false;
            for pattern in patterns {
                let pattern = pattern.to_ascii_lowercase();
                match pattern.strip_prefix('!') {
                    Some(not) if matches(not.as_bytes(), name.as_bytes()) => return false,
                    Some(_) => {}
                    None => named = named || matches(pattern.as_bytes(), name.as_bytes()),
                }
            }
            named
        }
    }
}

/// `*` is any characters, `?` is one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => matches(rest, name) || matches!(name, [_, tail @ ..] if matches(pattern, tail)),
        ([b'?', rest @ ..], [_, tail @ ..]) => matches(rest, tail),
        ([first, rest @ ..], [same, tail @ ..]) if first == same => matches(rest, tail),
        _ => false,
    }
}
