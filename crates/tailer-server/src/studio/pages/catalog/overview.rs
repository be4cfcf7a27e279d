//! `/catalog`: the projects and datasets that the account's data operations read and write.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use tailer_engine::{CatalogDataset, Tables};
use tailer_model::Environment;

use super::{Asked, Place};
use crate::{
    app::App,
    studio::{error::PageError, frame, frame::Frame, visitor::Visitor},
};

struct Project {
    name: String,
    datasets: Vec<Dataset>,
}

struct Dataset {
    of: CatalogDataset,
    path: String,
    tables: String,
}

#[derive(Template)]
#[template(path = "catalog.html")]
struct Catalog {
    frame: Frame,
    asked: Asked,
    projects: Vec<Project>,
    troubles: Vec<String>,
    environments: [Environment; 4],
}

/// `GET /catalog`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let place = Place::of(&visitor, &asked)?;
    let frame = Frame::new(&visitor, "Catalog", "/catalog", &place.account)?;
    let (datasets, troubles) = app.engine.catalog(&place.scope()).await?;
    let mut projects: Vec<Project> = Vec::new();
    for of in datasets {
        let path = place.address(&[&of.project, &of.dataset], &[]);
        if projects.last().is_none_or(|project| project.name != of.project) {
            projects.push(Project { name: of.project.clone(), datasets: Vec::new() });
        }
        if let Some(project) = projects.last_mut() {
            project.datasets.push(Dataset { tables: tables(of.tables), of, path });
        }
    }
    let page = Catalog { frame, asked, projects, troubles, environments: Environment::ALL };
    Ok(frame::render(StatusCode::OK, &page))
}

fn tables(tables: Tables) -> String {
    match tables {
        Tables::Counted(count) => count.to_string(),
        Tables::NoDataset => "not there yet".to_owned(),
        Tables::NotRead => "not read".to_owned(),
    }
}
