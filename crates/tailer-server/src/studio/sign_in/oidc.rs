//! Signing in through the OIDC issuer: `/sign-in/oidc` sends the browser there, `/sign-in/oidc/return` is where it comes back to.
//!
//! What began waits in a cookie of its own for each attempt, so that two tabs do not spoil each other's. Somebody whom the
//! issuer knows but who has no role here gets no session, and is told as whom they came.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use ring::hmac;
use serde::Deserialize;

use super::{form, go_to, is_secure, safe_path, set_cookie};
use crate::{
    app::App,
    auth::{CodeError, Oidc, Subject, Ticket},
    errors::ApiError,
    observe::Peer,
};

pub(crate) const BEGIN: &str = "/sign-in/oidc";
pub(crate) const RETURN: &str = "/sign-in/oidc/return";

/// How long, in seconds, a browser keeps the cookie of an attempt; the ticket in it says when it ends.
const KEPT: u32 = 900;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Begin {
    next: String,
}

/// What the issuer sends a browser back with.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Returned {
    state: String,
    code: String,
    iss: Option<String>,
    error: String,
    error_description: String,
}

/// `GET /sign-in/oidc?next=…`
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    Query(Begin { next }): Query<Begin>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Some(oidc) = &app.oidc else { return Err(not_there()) };
    let now = app.clock.now();
    let next = safe_path(&next).unwrap_or("");
    let ticket = Ticket::new(next, now)?;
    let place = match oidc.begin(&ticket, &redirect(&app), now).await {
        Ok(place) => place,
        Err(error) => return Ok(form(&app, error.status(), next, "", Some(&sentence(error.message())))),
    };
    let cookie = cookie(&ticket.state, &ticket.seal(&key(&app)), KEPT, secure(&app, &headers));
    Ok(go_to(&place, &cookie))
}

/// `GET /sign-in/oidc/return?code=…&state=…`
pub(crate) async fn finish(
    State(app): State<Arc<App>>,
    Query(returned): Query<Returned>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Some(oidc) = &app.oidc else { return Err(not_there()) };
    let now = app.clock.now();
    let name = cookie_name(&returned.state);
    let ticket = cookies(&headers).find(|(found, _)| *found == name);
    let ticket = ticket.and_then(|(_, value)| Ticket::open(value, &key(&app), now));
    let Some(ticket) = ticket.filter(|ticket| ticket.state == returned.state) else {
        let words = "This sign-in was not begun in this browser, or too long ago. Begin again.";
        return Ok(form(&app, StatusCode::BAD_REQUEST, "", "", Some(words)));
    };
    // A ticket is for one try, whatever comes of it.
    let spent = cookie(&ticket.state, "", 0, secure(&app, &headers));
    let refused = |status, words: &str| spend(form(&app, status, &ticket.next, "", Some(words)), &spent);
    if let Err(seconds) = app.doorkeeper.throttle.attempt("", peer.ip(), now) {
        let words = format!("Too many attempts. Try again in {seconds} seconds.");
        return Ok(refused(StatusCode::TOO_MANY_REQUESTS, &words));
    }
    if let Some(words) = refusal(oidc, &returned) {
        return Ok(refused(StatusCode::UNAUTHORIZED, &words));
    }
    let identity = match oidc.finish(&ticket, &returned.code, &redirect(&app), now).await {
        Ok(identity) => identity,
        Err(CodeError::Refused(words)) => {
            app.sessions.refused("", peer.ip()).await?;
            return Ok(refused(StatusCode::UNAUTHORIZED, &words));
        }
        Err(CodeError::Server(error)) => return Ok(refused(error.status(), &sentence(error.message()))),
    };
    let name = identity.name.clone();
    if !app.sessions.has_roles(&identity).await? {
        tracing::info!(%name, "sign-in through the issuer refused: no role on any account");
        app.sessions.refused("", peer.ip()).await?;
        let words = format!(
            "You are {name} at the issuer, but have no role on any account here. Ask an administrator for one."
        );
        return Ok(refused(StatusCode::FORBIDDEN, &words));
    }
    app.doorkeeper.throttle.forgive("", peer.ip());
    let session = app.sessions.begin(Subject::Oidc(identity), peer.ip()).await?;
    app.engine.look_again();
    let next = if ticket.next.is_empty() { "/" } else { &ticket.next };
    Ok(spend(go_to(next, &set_cookie(&session, secure(&app, &headers))), &spent))
}

/// What the issuer says against the sign-in.
fn refusal(oidc: &Oidc, returned: &Returned) -> Option<String> {
    if !returned.error.is_empty() {
        let detail = match returned.error_description.as_str() {
            "" => String::new(),
            description => format!(": {}", description.chars().take(200).collect::<String>()),
        };
        let error: String = returned.error.chars().take(50).collect();
        return Some(format!("The issuer refused: {error}{detail}."));
    }
    if returned.iss.as_ref().is_some_and(|iss| *iss != oidc.settings.issuer) {
        return Some("Another issuer sent this answer. Begin again.".to_owned());
    }
    returned.code.is_empty().then(|| "The issuer sent no code. Begin again.".to_owned())
}

/// Where the issuer sends browsers back to; registered there.
fn redirect(app: &App) -> String {
    format!("{}{RETURN}", app.settings.public_url)
}

fn secure(app: &App, headers: &HeaderMap) -> bool {
    is_secure(app, headers) || app.settings.public_url.starts_with("https://")
}

fn key(app: &App) -> hmac::Key {
    app.authenticator.cookie_key()
}

fn cookie_name(state: &str) -> String {
    let short: String = state.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    format!("tailerd_oidc_{short}")
}

fn cookie(state: &str, value: &str, seconds: u32, secure: bool) -> String {
    let name = cookie_name(state);
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path={BEGIN}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// The answer, which also takes the ticket's cookie away.
fn spend(mut response: Response, spent: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(spent) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(['.']).collect())
}

fn not_there() -> ApiError {
    let message = "this server trusts no OIDC issuer: the table [oidc] of the settings names one";
    ApiError::new(StatusCode::NOT_FOUND, "unknown_path", message)
}
