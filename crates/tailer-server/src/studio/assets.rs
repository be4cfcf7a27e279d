//! Style and script, part of the binary. Their names carry a hash of the content, so that browsers keep them for good.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

struct Asset {
    name: String,
    media_type: &'static str,
    content: &'static str,
}

/// One sheet for all pages, a file a concern. What only some pages use goes into a file of its own.
const SHEETS: &str = concat!(
    include_str!("../../assets/css/base.css"),
    include_str!("../../assets/css/frame.css"),
    include_str!("../../assets/css/parts.css"),
    include_str!("../../assets/css/stack.css"),
    include_str!("../../assets/css/charts.css"),
    include_str!("../../assets/css/markdown.css"),
    include_str!("../../assets/css/catalog.css"),
    include_str!("../../assets/css/quality.css"),
    include_str!("../../assets/css/audit.css"),
    include_str!("../../assets/css/operation.css"),
    include_str!("../../assets/css/runs.css"),
    include_str!("../../assets/css/notes.css"),
    include_str!("../../assets/css/docs.css"),
);

/// One script likewise; each file is a function of its own.
const SCRIPTS: &str = concat!(
    include_str!("../../assets/studio.js"),
    include_str!("../../assets/live.js"),
    include_str!("../../assets/log.js"),
);

static STYLE: LazyLock<Asset> = LazyLock::new(|| asset_of("css", "text/css; charset=utf-8", SHEETS));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| asset_of("js", "text/javascript; charset=utf-8", SCRIPTS));

static ICON: LazyLock<Asset> =
    LazyLock::new(|| asset_of("svg", "image/svg+xml", include_str!("../../assets/icon.svg")));

fn asset_of(ending: &str, media_type: &'static str, content: &'static str) -> Asset {
    let hash: String = Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Asset { name: format!("studio-{hash}.{ending}"), media_type, content }
}

/// Path of the style sheet.
pub(super) fn style() -> String {
    format!("/assets/{}", STYLE.name)
}

/// Path of the script.
pub(super) fn script() -> String {
    format!("/assets/{}", SCRIPT.name)
}

/// Path of the icon that browsers show beside the title.
pub(super) fn icon() -> String {
    format!("/assets/{}", ICON.name)
}

/// `GET /assets/{name}`, for anybody.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let Some(found) = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, found.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, found.content).into_response()
}
