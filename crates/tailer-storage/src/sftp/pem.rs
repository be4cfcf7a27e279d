//! The older encryption of PEM files (RFC 1421, as OpenSSL and `ssh-keygen -m PEM` write it): `DEK-Info: AES-128-CBC,<salt>`.
//!
//! Opened here and handed on as plain PEM: the key library knows it for one kind of key and one cipher only. The older
//! ciphers (DES) are refused by name.

use aes::cipher::{BlockDecrypt, BlockSizeUser, KeyInit, consts::U16};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use tailer_model::Secret;

const INFO: &str = "DEK-Info:";
const BLOCK: usize = 16;

/// Whether a PEM text is encrypted in this way.
pub(super) fn is_encrypted(pem: &str) -> bool {
    pem.lines().any(|line| line.starts_with(INFO))
}

/// The same key as plain PEM.
///
/// # Errors
/// What is wrong, without anything of the key.
pub(super) fn decrypt(pem: &str, passphrase: &str) -> Result<Secret<String>, String> {
    let broken = || "it is no private key in PEM form".to_owned();
    let lines = || pem.lines().map(str::trim);
    let begin = lines().find(|line| line.starts_with("-----BEGIN ")).ok_or_else(broken)?;
    let info = lines().find_map(|line| line.strip_prefix(INFO)).ok_or_else(broken)?;
    let (cipher, salt) = info.trim().split_once(',').ok_or_else(broken)?;
    let salt = u128::from_str_radix(salt.trim(), 16).map_err(|_| broken())?.to_be_bytes();
    let body: String = lines()
        .skip_while(|line| *line != begin)
        .skip(1)
        .take_while(|line| !line.starts_with("-----END "))
        .filter(|line| !line.contains(':'))
        .collect();
    let mut content = STANDARD.decode(body).map_err(|_| broken())?;
    let opened = match cipher.trim() {
        "AES-128-CBC" => cbc::<aes::Aes128>(&derive(passphrase, &salt, 16), salt, &mut content),
        "AES-192-CBC" => cbc::<aes::Aes192>(&derive(passphrase, &salt, 24), salt, &mut content),
        "AES-256-CBC" => cbc::<aes::Aes256>(&derive(passphrase, &salt, 32), salt, &mut content),
        other => {
            return Err(format!(
                "it is encrypted with {other}, which is not supported: `ssh-keygen -p` writes it anew"
            ));
        }
    };
    let content = Secret::new(content);
    let length = opened.ok_or("the passphrase is wrong")?;
    let plain = STANDARD.encode(content.expose().get(..length).unwrap_or_default());
    let end = begin.replacen("BEGIN", "END", 1);
    Ok(Secret::new(format!("{begin}\n{plain}\n{end}\n")))
}

/// MD5 over and over, with the first half of the salt, until there are enough bytes.
fn derive(passphrase: &str, salt: &[u8; BLOCK], length: usize) -> Vec<u8> {
    let (salt, _) = salt.split_at(8);
    let mut key: Vec<u8> = Vec::with_capacity(2 * BLOCK);
    let mut last = Vec::new();
    while key.len() < length {
        last = Md5::new().chain_update(&last).chain_update(passphrase).chain_update(salt).finalize().to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

/// Decrypts in place, and gives the length without padding; `None` when the padding is not right.
fn cbc<C: BlockDecrypt + KeyInit + BlockSizeUser<BlockSize = U16>>(
    key: &[u8],
    salt: [u8; BLOCK],
    content: &mut [u8],
) -> Option<usize> {
    let cipher = C::new_from_slice(key).ok()?;
    let mut previous = salt;
    let (blocks, []) = content.as_chunks_mut::<BLOCK>() else { return None };
    for block in blocks {
        let encrypted = *block;
        cipher.decrypt_block(block.into());
        for (byte, mask) in block.iter_mut().zip(previous) {
            *byte ^= mask;
        }
        previous = encrypted;
    }
    let padding = usize::from(*content.last()?);
    let length = content.len().checked_sub(padding)?;
    let right = (1..=BLOCK).contains(&padding);
    let all = content.get(length..)?.iter().all(|byte| usize::from(*byte) == padding);
    (right && all).then_some(length)
}
