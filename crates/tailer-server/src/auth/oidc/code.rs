//! Signing in through the issuer: authorization code with PKCE (RFC 6749, RFC 7636, OpenID Connect Core 1.0, 3.1).
//!
//! What a sign-in has begun with travels in a signed cookie, so that any server of a shared store can finish it and only the
//! browser that began it can: [`Ticket`]. The code is exchanged by this server; the browser never sees a token.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use reqwest::RequestBuilder;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Identity, IssuerError, Oidc,
    issuer::{Metadata, read},
};
use crate::errors::ApiError;

/// How long somebody may take at the issuer.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// A sign-in that has begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) state: String,
    nonce: String,
    verifier: String,
    /// Where to go afterwards.
    pub(crate) next: String,
    /// Unix seconds.
    expires: i64,
}

/// Why a sign-in did not come to its end.
#[derive(Debug)]
pub(crate) enum CodeError {
    /// In words for the visitor.
    Refused(String),
    Server(ApiError),
}

impl From<ApiError> for CodeError {
    fn from(error: ApiError) -> Self {
        Self::Server(error)
    }
}

impl From<IssuerError> for CodeError {
    fn from(error: IssuerError) -> Self {
        Self::Server(error.into())
    }
}

impl Ticket {
    /// # Errors
    /// The system has no random bytes.
    pub(crate) fn new(next: &str, now: Timestamp) -> Result<Self, ApiError> {
        let random = || {
            let mut bytes = [0; 32];
            SystemRandom::new().fill(&mut bytes).map_err(|e| ApiError::internal(&e))?;
            Ok::<_, ApiError>(BASE64_URL_SAFE_NO_PAD.encode(bytes))
        };
        let expires = now.checked_add(PATIENCE).map_err(|e| ApiError::internal(&e))?.as_second();
        Ok(Self { state: random()?, nonce: random()?, verifier: random()?, next: next.to_owned(), expires })
    }

    /// The value of its cookie.
    pub(crate) fn seal(&self, key: &hmac::Key) -> String {
        let text = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default());
        let tag = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(key, signed(&text).as_bytes()));
        format!("{text}.{tag}")
    }

    /// The ticket of a cookie that this server sealed, while it holds.
    pub(crate) fn open(cookie: &str, key: &hmac::Key, now: Timestamp) -> Option<Self> {
        let (text, tag) = cookie.split_once('.')?;
        let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(key, signed(text).as_bytes(), &tag).ok()?;
        let ticket: Self = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        (ticket.expires > now.as_second()).then_some(ticket)
    }
}

/// A session's cookie never passes for a ticket, nor the other way round.
fn signed(text: &str) -> String {
    format!("oidc:{text}")
}

impl Oidc {
    /// Where to send the browser.
    ///
    /// # Errors
    /// The issuer cannot be asked.
    pub(crate) async fn begin(&self, ticket: &Ticket, redirect: &str, now: Timestamp) -> Result<String, ApiError> {
        let endpoint = self.issuer.metadata(now).await?.authorization_endpoint.clone();
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&ticket.verifier));
        let parameters = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", &self.settings.scopes)
            .append_pair("state", &ticket.state)
            .append_pair("nonce", &ticket.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{joint}{parameters}"))
    }

    /// Exchanges the code for an ID token and checks it.
    ///
    /// # Errors
    /// The issuer cannot be asked, refuses the code, or gives a token that is none of this sign-in.
    pub(crate) async fn finish(
        &self,
        ticket: &Ticket,
        code: &str,
        redirect: &str,
        now: Timestamp,
    ) -> Result<Identity, CodeError> {
        let refused = |why: &str| CodeError::Refused(format!("The issuer's answer cannot be used: {why}."));
        let answer = self.exchange(ticket, code, redirect, now).await?;
        let token = answer["id_token"].as_str().unwrap_or_default();
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused("its ID token is not a JWT"))?;
        let audience = [self.settings.client_id.as_str()];
        let mut claims = match self.check(token, &header, &audience, Some(&ticket.nonce), now).await? {
            Ok((claims, _)) => claims,
            Err(refusal) => {
                tracing::warn!(%refusal, "an ID token of the issuer was refused");
                return Err(refused(&refusal.to_string().replace("bearer token", "ID token")));
            }
        };
        // Some issuers keep their ID tokens short and tell the rest to whoever asks with the access token.
        if let Some(access) = answer["access_token"].as_str().filter(|_| self.misses(&claims)) {
            let told = self.issuer.user_info(access, now).await?;
            if told.get("sub") == claims.get("sub") {
                for (claim, value) in told {
                    claims.entry(claim).or_insert(value);
                }
            }
        }
        Ok(self.identity(claims))
    }

    /// The issuer's answer to the code, with an ID token.
    async fn exchange(&self, ticket: &Ticket, code: &str, redirect: &str, now: Timestamp) -> Result<Value, CodeError> {
        let metadata = self.issuer.metadata(now).await?;
        let request = self.token_request(ticket, code, redirect, &metadata);
        let (status, body) = read(&metadata.token_endpoint, request.send().await).await?;
        let body = body.unwrap_or_default();
        if status.is_success() && body["id_token"].is_string() {
            return Ok(body);
        }
        let error = body["error"].as_str().unwrap_or("no ID token");
        tracing::warn!(%status, error, description = body["error_description"].as_str(), "the issuer refused a code");
        if status.is_server_error() {
            return Err(IssuerError(format!("{} answered {status}", metadata.token_endpoint)).into());
        }
        let words = match error {
            "invalid_client" | "unauthorized_client" => "it does not accept this server's client_id and client_secret",
            "invalid_grant" => "the sign-in took too long or was used already; sign in again",
            _ => "it gave no ID token; the server's log tells more",
        };
        Err(CodeError::Refused(format!("The issuer refused: {words}.")))
    }

    fn token_request(&self, ticket: &Ticket, code: &str, redirect: &str, metadata: &Metadata) -> RequestBuilder {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect)
            .append_pair("code_verifier", &ticket.verifier);
        let mut request = self.issuer.http().post(&metadata.token_endpoint).header("accept", "application/json");
        let client = self.settings.client_id.as_str();
        match &self.settings.client_secret {
            Some(secret) if !metadata.takes_secret_in_form() => {
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                request = request.basic_auth(encoded(client), Some(encoded(secret.expose())));
            }
            Some(secret) => {
                form.append_pair("client_id", client).append_pair("client_secret", secret.expose());
            }
            None => {
                form.append_pair("client_id", client);
            }
        }
        request.header("content-type", "application/x-www-form-urlencoded").body(form.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_known_again_by_its_seal_and_for_a_while() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"a key of the data folder");
        let now = Timestamp::UNIX_EPOCH;
        let ticket = Ticket::new("/runs", now).unwrap();
        let sealed = ticket.seal(&key);
        let open = |sealed: &str, minutes| Ticket::open(sealed, &key, now + SignedDuration::from_mins(minutes));
        assert_eq!(open(&sealed, 14).map(|t| (t.state, t.next)), Some((ticket.state.clone(), "/runs".to_owned())));
        assert!(open(&sealed, 15).is_none());
        assert!(open(&format!("x{sealed}"), 0).is_none());
        let other = hmac::Key::new(hmac::HMAC_SHA256, b"another");
        assert!(Ticket::open(&sealed, &other, now).is_none());
        assert_ne!(Ticket::new("/", now).unwrap().state, ticket.state);
    }
}
