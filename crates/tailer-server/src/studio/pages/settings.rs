//! `/settings`: who one is and one's password; for administrators who has roles on the account: users, tokens, service accounts.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tailer_model::AccountId;

use crate::{
    access::Role,
    app::App,
    auth::{self, NewToken, People, people},
    errors::ApiError,
    studio::{SIGN_IN, error::PageError, filters, frame, frame::Frame, visitor::Visitor},
};

const SETTINGS: &str = "/settings";
/// Longest life of a token made here.
const MOST_DAYS: i64 = 3_650;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Asked {
    account: String,
}

/// Fields of all forms; each reads its own.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::studio) struct Fields {
    csrf: String,
    account: String,
    name: String,
    role: String,
    password: String,
    days: String,
    id: String,
    old: String,
    new: String,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    frame: Frame,
    /// Whether the visitor has a password here.
    local: bool,
    people: People,
    roles: [Role; 4],
    /// A token that was just made: shown this once.
    minted: Option<String>,
    /// How the issuer is called.
    issuer: Option<String>,
}

/// `GET /settings`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let account = filters::account(&visitor, &asked.account)?;
    shown(&app, &visitor, &account, None).await
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    account: &AccountId,
    minted: Option<String>,
) -> Result<Response, PageError> {
    let frame = Frame::new(visitor, "Settings", SETTINGS, account)?;
    let people = if frame.administers() {
        people::people(store(app), account, app.clock.now()).await?
    } else {
        People::default()
    };
    let local = visitor.principal.name.starts_with("user:");
    let issuer = app.oidc.as_ref().map(|oidc| oidc.settings.label.clone());
    Ok(frame::render(StatusCode::OK, &Settings { frame, local, people, roles: Role::ALL, minted, issuer }))
}

/// `POST /settings/{change}`: `password`, and for administrators `member`, `role`, `take`, `token`, `revoke`, `distrust`.
pub(in crate::studio) async fn change(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path(change): Path<String>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    visitor.genuine(&fields.csrf)?;
    let now = app.clock.now();
    if change == "password" {
        return Ok(own_password(&app, &visitor, &fields).await?.into_response());
    }
    let account = &filters::account(&visitor, &fields.account)?;
    visitor.require(Role::Admin, account, "changing who may do what")?;
    let role = filters::read::<Role>("role", &fields.role)?;
    let by = &visitor.actor();
    let needed = || role.ok_or_else(|| PageError::unreadable("role", "", "choose one"));
    match change.as_str() {
        "member" => {
            let who = (fields.name.as_str(), fields.password.as_str());
            people::add_member(store(&app), (account, needed()?), who, by, now).await?;
        }
        "role" => {
            not_oneself(&visitor, &fields.name)?;
            people::set_role(store(&app), account, &fields.name, Some(needed()?), by, now).await?;
        }
        "take" => {
            not_oneself(&visitor, &fields.name)?;
            people::set_role(store(&app), account, &fields.name, None, by, now).await?;
        }
        "token" => {
            let days = filters::read::<i64>("days", &fields.days)?.filter(|days| (1..=MOST_DAYS).contains(days));
            let days = days.ok_or_else(|| PageError::unreadable("days", &fields.days, "expected 1 to 3650"))?;
            let new = NewToken {
                account: account.clone(),
                role: needed()?,
                lifetime: SignedDuration::from_hours(24 * days),
                audience: app.settings.audience.clone(),
                by: by.clone(),
            };
            let minted = auth::mint(store(&app), &app.settings.keys, new, now).await;
            let minted = minted.map_err(|error| ApiError::internal(&error))?;
            app.engine.look_again();
            return shown(&app, &visitor, account, Some(minted.token)).await;
        }
        "revoke" => people::revoke_token(store(&app), account, &fields.id, by, now).await?,
        "distrust" => people::remove_service_account(store(&app), account, &fields.name, by, now).await?,
        _ => return Err(PageError::not_found("such change of the settings")),
    }
    app.engine.look_again();
    Ok(Redirect::to(&filters::address(SETTINGS, &[("account", account.as_str())])).into_response())
}

async fn own_password(app: &App, visitor: &Visitor, fields: &Fields) -> Result<Redirect, PageError> {
    let Some(name) = visitor.principal.name.strip_prefix("user:") else {
        let message = "there is no password to change: you did not sign in with one";
        return Err(PageError::new(StatusCode::BAD_REQUEST, message));
    };
    app.doorkeeper.attempt(name, app.clock.now())?;
    people::change_password(store(app), name, (&fields.old, &fields.new), &visitor.actor(), app.clock.now()).await?;
    Ok(Redirect::to(SIGN_IN))
}

/// Nobody locks themselves out: another administrator, or the command line, takes or lowers a role.
fn not_oneself(visitor: &Visitor, name: &str) -> Result<(), PageError> {
    if visitor.name == name {
        let message = "nobody changes their own role: ask another administrator, or use `tailerd user grant`";
        return Err(PageError::new(StatusCode::CONFLICT, message));
    }
    Ok(())
}

fn store(app: &App) -> &tailer_store::Store {
    app.sessions.store()
}

/// An instant to the minute, UTC.
fn minute(at: &Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}
