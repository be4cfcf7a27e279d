//! Names and passwords of local users: argon2id with the parameters that OWASP names first (19 MiB, two passes), kept as PHC
//! strings, so that stronger parameters later leave old hashes readable.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};

/// The name or the password cannot be used. Says never what the password was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    #[error("a user's name has 1 to 128 letters, digits or any of . _ - + @, such as ana@example.com")]
    Name,
    #[error("a password has 8 to 1024 characters")]
    Password,
    #[error("the system has no random bytes to give")]
    Random,
}

/// A user's name as it is kept: in lower case.
///
/// # Errors
/// [`CredentialError::Name`].
pub fn user_name(given: &str) -> Result<String, CredentialError> {
    let name = given.trim().to_lowercase();
    let fine = |c: char| c.is_alphanumeric() || "._-+@".contains(c);
    if (1..=128).contains(&name.chars().count()) && name.chars().all(fine) {
        Ok(name)
    } else {
        Err(CredentialError::Name)
    }
}

/// Hashes a password with a fresh salt. Takes some tens of milliseconds and 19 MiB: not for an async thread.
///
/// # Errors
/// It is too short or too long, or the system has no randomness.
pub fn hash_password(password: &str) -> Result<String, CredentialError> {
    if !(8..=1024).contains(&password.chars().count()) {
        return Err(CredentialError::Password);
    }
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| CredentialError::Random)?;
    let params = Params::default();
    let hash = derive(password, &salt, params.clone()).ok_or(CredentialError::Random)?;
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    let [salt, hash] = [&salt[..], &hash[..]].map(|bytes| BASE64_STANDARD_NO_PAD.encode(bytes));
    Ok(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}"))
}

/// Whether the password is the one that was hashed. Without a hash it takes as long, and is never.
pub(crate) fn is_password(password: &str, phc: Option<&str>) -> bool {
    let Some((params, salt, expected)) = phc.and_then(parse) else {
        _ = derive(password, b"nobody's salt...", Params::default());
        return false;
    };
    let found = derive(password, &salt, params);
    found.is_some_and(|found| {
        found.len() == expected.len() && found.iter().zip(&expected).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    })
}

fn derive(password: &str, salt: &[u8], params: Params) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.as_bytes(), salt, &mut hash).ok()?;
    Some(hash)
}

/// Parameters, salt and hash of a PHC string.
fn parse(phc: &str) -> Option<(Params, Vec<u8>, Vec<u8>)> {
    let mut parts = phc.strip_prefix("$argon2id$v=19$")?.split('$');
    let (params, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
    let mut costs = params.split(',').zip(["m=", "t=", "p="]).map(|(cost, name)| cost.strip_prefix(name)?.parse().ok());
    let params = Params::new(costs.next()??, costs.next()??, costs.next()??, None).ok()?;
    let decode = |text| BASE64_STANDARD_NO_PAD.decode(text).ok();
    Some((params, decode(salt)?, decode(hash)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_salted() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash_password("correct horse").unwrap(), hash);
        assert!(is_password("correct horse", Some(&hash)));
        for wrong in ["correct hors", "", "Correct horse"] {
            assert!(!is_password(wrong, Some(&hash)), "{wrong}");
        }
        assert!(!is_password("correct horse", None));
        assert!(!is_password("correct horse", Some("$argon2id$v=19$m=x,t=2,p=1$$")));
        assert_eq!(hash_password("short"), Err(CredentialError::Password));
    }

    #[test]
    fn names_are_folded_and_plain() {
        assert_eq!(user_name(" Ana@Example.com "), Ok("ana@example.com".into()));
        for wrong in ["", " ", "a b", "a\nb", "<script>", &"x".repeat(129)] {
            assert_eq!(user_name(wrong), Err(CredentialError::Name), "{wrong:?}");
        }
    }
}
