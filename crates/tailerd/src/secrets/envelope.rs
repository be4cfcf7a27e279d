//! The sealed form of a secret: `{"cipher_aes", "tag", "ciphertext", "enc_session_key"}`, all hexadecimal.
//!
//! A random 16-byte session key, encrypted with RSA-OAEP (SHA-1, MGF1 with SHA-1, no label); the message, base64-encoded
//! first, encrypted with AES-128 in EAX mode under that key: `cipher_aes` is the 16-byte nonce, `tag` the 16-byte tag,
//! no header. PyCryptodome's `PKCS1_OAEP` and `MODE_EAX` defaults are the same. RSA decryption is blinded.

use aes::Aes128;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use eax::{AeadInPlace as _, Eax, KeyInit as _};
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey, rand_core::OsRng, rand_core::RngCore as _};
use serde::Serialize;
use serde_json::{Map, Value};
use sha1::Sha1;
use tailer_model::Secret;

use super::SecretError;

/// Bytes. A secret is a credential, not a file to move around.
pub(super) const MAX_MESSAGE: usize = 1024 * 1024;

const BLOCK: usize = 16;

/// A sealed secret. Not secret itself, but nobody's business: it does not print.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Envelope {
    #[serde(serialize_with = "as_hex")]
    cipher_aes: Vec<u8>,
    #[serde(serialize_with = "as_hex")]
    tag: Vec<u8>,
    #[serde(serialize_with = "as_hex")]
    ciphertext: Vec<u8>,
    #[serde(serialize_with = "as_hex")]
    enc_session_key: Vec<u8>,
}

impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Envelope(***)")
    }
}

impl Envelope {
    /// Reads the four parts.
    ///
    /// # Errors
    /// Says which part is missing, is not hexadecimal or has a length that it cannot have.
    pub(super) fn parse(parts: &Map<String, Value>) -> Result<Self, SecretError> {
        let part = |name: &str| {
            let bad = |what: &str| SecretError::Part(format!("\"{name}\" {what}"));
            let text = parts.get(name).ok_or_else(|| bad("is missing"))?;
            let text = text.as_str().ok_or_else(|| bad("is not text"))?;
            from_hex(text).ok_or_else(|| bad("is not hexadecimal"))
        };
        let block = |name: &str| {
            let bytes = part(name)?;
            let expected = SecretError::Part(format!("\"{name}\" has {} bytes, not {BLOCK}", bytes.len()));
            if bytes.len() == BLOCK { Ok(bytes) } else { Err(expected) }
        };
        let (cipher_aes, tag) = (block("cipher_aes")?, block("tag")?);
        Ok(Self { cipher_aes, tag, ciphertext: part("ciphertext")?, enc_session_key: part("enc_session_key")? })
    }

    /// Seals a message for the owner of `key`. Twice the same message gives two different envelopes.
    ///
    /// # Errors
    /// [`SecretError::TooLarge`], or a key that cannot encrypt 16 bytes.
    pub(crate) fn seal(message: &[u8], key: &RsaPublicKey) -> Result<Self, SecretError> {
        if message.len() > MAX_MESSAGE {
            return Err(SecretError::TooLarge);
        }
        let (mut session_key, mut nonce) = ([0; BLOCK], [0; BLOCK]);
        OsRng.fill_bytes(&mut session_key);
        OsRng.fill_bytes(&mut nonce);
        let session_key = Secret::new(session_key);
        let mut ciphertext = STANDARD.encode(message).into_bytes();
        let tag = Eax::<Aes128>::new(session_key.expose().into())
            .encrypt_in_place_detached(&nonce.into(), &[], &mut ciphertext)
            .map_err(|_| SecretError::Crypto("cannot encrypt the message"))?;
        let enc_session_key = key
            .encrypt(&mut OsRng, Oaep::new::<Sha1>(), session_key.expose())
            .map_err(|_| SecretError::Crypto("the public key cannot encrypt: it is too short"))?;
        Ok(Self { cipher_aes: nonce.to_vec(), tag: tag.to_vec(), ciphertext, enc_session_key })
    }

    /// Opens the envelope.
    ///
    /// # Errors
    /// `Ok(None)` when it is for another key; [`SecretError::Damaged`] when it is for this one and was changed.
    pub(super) fn open(&self, key: &RsaPrivateKey) -> Result<Option<Secret<Vec<u8>>>, SecretError> {
        let Ok(session_key) = key.decrypt_blinded(&mut OsRng, Oaep::new::<Sha1>(), &self.enc_session_key) else {
            return Ok(None);
        };
        let session_key = Secret::new(session_key);
        let cipher = Eax::<Aes128>::new_from_slice(session_key.expose()).map_err(|_| SecretError::Damaged)?;
        let block = |bytes: &[u8]| <[u8; BLOCK]>::try_from(bytes).map_err(|_| SecretError::Damaged);
        let (nonce, tag) = (block(&self.cipher_aes)?, block(&self.tag)?);
        let mut text = self.ciphertext.clone();
        cipher
            .decrypt_in_place_detached(&nonce.into(), &[], &mut text, &tag.into())
            .map_err(|_| SecretError::Damaged)?;
        let text = Secret::new(text);
        let message = STANDARD.decode(text.expose()).map_err(|_| SecretError::Damaged)?;
        Ok(Some(Secret::new(message)))
    }
}

fn as_hex<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&to_hex(bytes))
}

/// Lower-case.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Either case; not empty.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_both_ways() {
        let check = |text: &str, expect: Option<&[u8]>| assert_eq!(from_hex(text).as_deref(), expect, "{text}");
        check("00ffAb", Some(&[0, 255, 0xab]));
        for bad in ["", "0", "0g", "é0", " 00", "+1"] {
            check(bad, None);
        }
        assert_eq!(to_hex(&[0, 255, 0xab]), "00ffab");
    }
}
