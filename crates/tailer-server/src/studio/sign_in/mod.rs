//! The way in and the way out: `/sign-in` with a password or an API token, or by the OIDC issuer ([`oidc`]), `/sign-out`.
//!
//! Whether a user exists is not to be learned here: a wrong name and a wrong password get the same words after the same work,
//! and guesses are counted alike ([`throttle`]). Passwords are verified on threads of their own, two at a time.

pub(super) mod oidc;
mod throttle;

use std::{net::IpAddr, sync::Arc};

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use tailer_store::users;
use tokio::sync::Semaphore;

use self::throttle::Throttle;
use super::{
    SIGN_IN,
    assets::{icon, style},
    frame,
    visitor::{Visitor, foreign_form, is_same_origin, safe_path},
};
use crate::{
    app::App,
    auth::{COOKIE, Subject, is_password, user_name},
    body::Incoming,
    errors::ApiError,
    observe::Peer,
};

/// Passwords verified at once: each takes a core and 19 MiB for a moment.
const AT_ONCE: usize = 2;
const FORM_LIMIT: usize = 32 << 10;
const WRONG: &str = "The name or the password is wrong.";

/// What is remembered between attempts.
#[derive(Debug)]
pub(crate) struct Doorkeeper {
    throttle: Throttle,
    verifying: Arc<Semaphore>,
}

impl Default for Doorkeeper {
    fn default() -> Self {
        Self { throttle: Throttle::default(), verifying: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Doorkeeper {
    /// Counts an attempt at a password of somebody who is signed in, wherever they are.
    ///
    /// # Errors
    /// 429 after too many.
    pub(super) fn attempt(&self, name: &str, now: Timestamp) -> Result<(), ApiError> {
        let nowhere = IpAddr::from([0; 4]);
        let counted = self.throttle.attempt(name, nowhere, now);
        counted.map_err(|seconds| ApiError::too_many_requests("too many attempts at this password", seconds))
    }
}

/// `GET /sign-in?next=…`: the form, or who is signed in and the way out.
pub(crate) async fn page(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Result<Response, ApiError> {
    if let Some(visitor) = Visitor::signed_in(&app, &headers).await? {
        let door = Door { visitor: Some(&visitor), ..Door::default() };
        return Ok(frame::render(StatusCode::OK, &door));
    }
    let mut query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let next = query.find(|(name, _)| name == "next").map_or_else(String::new, |(_, value)| value.into_owned());
    Ok(form(&app, StatusCode::OK, safe_path(&next).unwrap_or(""), "", None))
}

/// `POST /sign-in`: fields `name` and `password`, or `token`; `next`.
pub(crate) async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let (headers, fields) = form_fields(&app, request).await?;
    if !is_same_origin(&headers) {
        return Err(foreign_form());
    }
    let address = peer.ok_or_else(|| ApiError::internal(&"a request without a peer"))?;
    let field = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str());
    let next = safe_path(field("next")).unwrap_or("");
    let refused = |status, words: &str| form(&app, status, next, field("name"), Some(words));
    let attempt = match field("token").trim() {
        "" => by_password(&app, field("name"), field("password"), address).await?,
        token => by_token(&app, token, address).await?,
    };
    let subject = match attempt {
        Attempt::Right(subject) => subject,
        Attempt::Wrong(words) => return Ok(refused(StatusCode::UNAUTHORIZED, words)),
        Attempt::TooMany(seconds) => {
            let words = format!("Too many attempts. Try again in {seconds} seconds.");
            let mut response = refused(StatusCode::TOO_MANY_REQUESTS, &words);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            return Ok(response);
        }
    };
    let cookie = app.sessions.begin(subject, address).await?;
    app.engine.look_again();
    let secure = is_secure(&app, &headers);
    Ok(go_to(if next.is_empty() { "/" } else { next }, &set_cookie(&cookie, secure)))
}

/// `POST /sign-out`: field `csrf`.
pub(crate) async fn sign_out(State(app): State<Arc<App>>, request: Request) -> Result<Response, ApiError> {
    let (headers, fields) = form_fields(&app, request).await?;
    if let Some(visitor) = Visitor::signed_in(&app, &headers).await? {
        let csrf = fields.iter().find(|(name, _)| name == "csrf").map_or("", |(_, value)| value.as_str());
        visitor.genuine(csrf)?;
        visitor.sign_out(&app).await?;
    }
    let gone = format!("{}; Max-Age=0", set_cookie("", is_secure(&app, &headers)));
    Ok(go_to(SIGN_IN, &gone))
}

enum Attempt {
    Right(Subject),
    Wrong(&'static str),
    /// Seconds until the next.
    TooMany(u64),
}

async fn by_password(app: &App, name: &str, password: &str, address: IpAddr) -> Result<Attempt, ApiError> {
    // A name that no user can have is guessed at like any other.
    let name = user_name(name).unwrap_or_default();
    if let Err(seconds) = app.doorkeeper.throttle.attempt(&name, address, app.clock.now()) {
        return Ok(Attempt::TooMany(seconds));
    }
    let hash = {
        let name = name.clone();
        app.sessions.store().read(move |tx| users::password(tx, &name)).await?
    };
    let turn = Arc::clone(&app.doorkeeper.verifying).acquire_owned().await.map_err(|e| ApiError::internal(&e))?;
    let password = password.to_owned();
    let right = tokio::task::spawn_blocking(move || {
        let right = is_password(&password, hash.as_deref());
        drop(turn);
        right
    });
    if !right.await.map_err(|e| ApiError::internal(&e))? {
        tracing::info!(%address, "sign-in refused");
        app.sessions.refused(&name, address).await?;
        return Ok(Attempt::Wrong(WRONG));
    }
    app.doorkeeper.throttle.forgive(&name, address);
    Ok(Attempt::Right(Subject::User(name)))
}

async fn by_token(app: &App, token: &str, address: IpAddr) -> Result<Attempt, ApiError> {
    if let Err(seconds) = app.doorkeeper.throttle.attempt("", address, app.clock.now()) {
        return Ok(Attempt::TooMany(seconds));
    }
    let principal = match app.authenticator.authenticate_token(token, &app.limiter).await {
        Ok(principal) => principal,
        Err(error) if error.status() == StatusCode::UNAUTHORIZED => {
            app.sessions.refused("", address).await?;
            return Ok(Attempt::Wrong("The token is not valid here, or not any more."));
        }
        Err(error) => return Err(error),
    };
    app.doorkeeper.throttle.forgive("", address);
    Ok(match principal.name.strip_prefix("token:") {
        Some(id) => Attempt::Right(Subject::Token(id.to_owned())),
        None => Attempt::Wrong("Only tokens that this server made can sign in; `tailerd token create` makes one."),
    })
}

/// The fields of a form, in order.
///
/// # Errors
/// 415 for anything but a form of a browser; whatever is wrong with the body.
async fn form_fields(app: &App, request: Request) -> Result<(HeaderMap, Vec<(String, String)>), ApiError> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        let message = "this takes a form: `content-type: application/x-www-form-urlencoded`";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message));
    }
    let body = Incoming::new(&parts.headers, body).read(FORM_LIMIT, app.settings.timeouts.body).await?;
    Ok((parts.headers, form_urlencoded::parse(&body).into_owned().collect()))
}

/// Whether the browser reached us by https: here, or at a proxy in front.
fn is_secure(app: &App, headers: &HeaderMap) -> bool {
    app.settings.tls.is_some() || headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https")
}

fn set_cookie(value: &str, secure: bool) -> String {
    format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax{}", if secure { "; Secure" } else { "" })
}

fn go_to(path: &str, cookie: &str) -> Response {
    let headers = [(header::LOCATION, path), (header::SET_COOKIE, cookie), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// The form, or who is signed in and the way out.
#[derive(Default, Template)]
#[template(path = "sign_in.html")]
struct Door<'a> {
    visitor: Option<&'a Visitor>,
    next: &'a str,
    name: &'a str,
    wrong: Option<&'a str>,
    /// The way through the OIDC issuer, and its name.
    issuer: Option<(String, &'a str)>,
}

fn form(app: &App, status: StatusCode, next: &str, name: &str, wrong: Option<&str>) -> Response {
    let issuer = app.oidc.as_ref().map(|oidc| {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        (format!("{}?next={next}", oidc::BEGIN), oidc.settings.label.as_str())
    });
    frame::render(status, &Door { visitor: None, next, name, wrong, issuer })
}
