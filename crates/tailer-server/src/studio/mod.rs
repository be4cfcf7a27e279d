//! The Studio: the web interface for the people who operate pipelines (`docs/studio.md`).
//!
//! Pages are rendered here, one typed struct and one template each, and read the same engine functions as the API. They
//! work without JavaScript; one script adds news (`events`), the theme and keys. What changes something is a POST with
//! the visitor's CSRF token (`changes`). Nothing is loaded from elsewhere: see [`frame`] for the policy.

mod assets;
mod changes;
mod charts;
mod diff;
mod docs;
mod error;
mod events;
mod filters;
mod form_token;
mod frame;
mod highlight;
mod lineage;
mod markdown;
mod notes;
mod numbers;
mod pager;
mod pages;
mod plots;
mod sign_in;
mod values;
mod visitor;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use tailer_model::{Identity, RunId};
use tower_http::{CompressionLevel, compression::CompressionLayer};

use crate::app::App;

pub(crate) use sign_in::Doorkeeper;

pub(crate) const SIGN_IN: &str = "/sign-in";
pub(crate) const SIGN_OUT: &str = "/sign-out";

/// Where one data operation is shown; its changes are POSTs one segment below.
const OPERATION: &str = "/operations/{account}/{environment}/{kind}/{id}";

/// Where a run is shown.
#[must_use]
pub fn run_path(run: &RunId) -> String {
    format!("/runs/{run}")
}

/// Where a data operation is shown.
#[must_use]
pub fn operation_path(of: &Identity) -> String {
    pages::operations::path_of(of.account.as_str(), of.environment, of.configuration_type, &of.configuration_id)
}

/// All pages.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(pages::overview::page))
        .route("/operations", get(pages::operations::page))
        .route(OPERATION, get(pages::configuration::page))
        .route(&format!("{OPERATION}/versions"), get(pages::configuration::versions::page))
        .route(
            &format!("{OPERATION}/launch"),
            get(pages::configuration::launch::back).post(pages::configuration::launch::submit),
        )
        .route(&format!("{OPERATION}/notes"), post(notes::on_operation))
        .route(&format!("{OPERATION}/{{change}}"), post(changes::operation))
        .route("/runs", get(pages::runs::page))
        .route("/runs/checked", post(changes::checked))
        .route("/runs/{run}", get(pages::run::page))
        .route("/runs/{run}/log", get(pages::run::log::following))
        .route("/runs/{run}/log.txt", get(pages::run::log::text))
        .route("/runs/{run}/notes", post(notes::on_run))
        .route("/runs/{run}/{change}", post(changes::run))
        .route("/notes/{note}/{change}", post(notes::change))
        .route("/workflows", get(pages::workflows::page))
        .route("/catalog", get(pages::catalog::overview::page))
        .route("/catalog/{project}/{dataset}", get(pages::catalog::dataset::page))
        .route("/catalog/{project}/{dataset}/{table}", get(pages::catalog::table::page))
        .route(pages::audit::AUDIT, get(pages::audit::page))
        .route("/freshness", get(pages::freshness::page))
        .route("/quality", get(pages::quality::page))
        .route("/quality/{id}", get(pages::expectation::page))
        .route("/catalog/{project}/{dataset}/{table}/notes", post(notes::on_table))
        .route("/docs", get(docs::index))
        .route("/docs/api-reference", get(docs::api_reference))
        .route("/docs/{page}", get(docs::page))
        .route("/settings", get(pages::settings::page))
        .route("/settings/{change}", post(pages::settings::change))
        .route(SIGN_IN, get(sign_in::page).post(sign_in::sign_in))
        .route(sign_in::oidc::BEGIN, get(sign_in::oidc::begin))
        .route(sign_in::oidc::RETURN, get(sign_in::oidc::finish))
        .route(SIGN_OUT, post(sign_in::sign_out))
        .route("/events", get(events::stream))
        .route("/assets/{name}", get(assets::asset))
        // A list of fifty operations is a sixth of its length; a stream of events is left as it is.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
}
