//! What the forms of a page carry, so that no other site can send one in somebody's name.
//!
//! Each answer has a token of its own: a random number, and its tag under the key of the session. Answers are compressed, and
//! what stands in all of them could be guessed from their lengths by somebody who has a say in their text and sees them pass (BREACH).

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};

/// Bytes of the random number.
const NONCE: usize = 16;

/// Makes and knows the tokens of one session; of a bearer token, which no other site can send, the empty one.
#[derive(Debug)]
pub(super) struct FormKey(Option<hmac::Key>);

impl FormKey {
    /// `secret` is the session's own.
    pub(super) fn of_session(secret: &str) -> Self {
        Self(Some(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())))
    }

    pub(super) fn of_bearer() -> Self {
        Self(None)
    }

    /// A token that no page has had. Without random bytes of the system none is made, and the page's forms are refused.
    pub(super) fn token(&self) -> String {
        let Some(key) = &self.0 else { return String::new() };
        let mut nonce = [0; NONCE];
        match SystemRandom::new().fill(&mut nonce) {
            Ok(()) => BASE64_URL_SAFE_NO_PAD.encode([&nonce, hmac::sign(key, &nonce).as_ref()].concat()),
            Err(_) => String::new(),
        }
    }

    /// Whether the token is one of these.
    pub(super) fn made(&self, token: &str) -> bool {
        let Some(key) = &self.0 else { return token.is_empty() };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        bytes.split_at_checked(NONCE).is_some_and(|(nonce, tag)| hmac::verify(key, nonce, tag).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_knows_its_own_tokens_and_no_other() {
        let (own, other, bearer) = (FormKey::of_session("a"), FormKey::of_session("b"), FormKey::of_bearer());
        let (one, two) = (own.token(), own.token());
        assert!(one != two && own.made(&one) && own.made(&two));
        assert!(!other.made(&one) && !bearer.made(&one));
        assert!(bearer.made(&bearer.token()) && !own.made(&bearer.token()));
        let forged = format!("{}{}", two.get(..20).unwrap(), one.get(20..).unwrap());
        for bad in ["", "AAAA", "not base64!", &one[1..], &forged] {
            assert!(!own.made(bad), "{bad:?}");
        }
    }
}
