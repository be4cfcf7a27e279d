//! `/catalog/{project}/{dataset}`: its tables, by name.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use tailer_engine::{CatalogTable, TablesQuery};
use tailer_model::Environment;

use super::{Asked, Last, Place};
use crate::{
    app::App,
    studio::{
        error::PageError,
        frame,
        frame::Frame,
        numbers,
        pager::{Beside, PAGE, Pager},
        visitor::Visitor,
    },
};

struct Row {
    path: String,
    rows: String,
    bytes: String,
    kind: &'static str,
    description: String,
    last: Option<Last>,
    /// Operations that write it: name and address.
    writers: Vec<(String, String)>,
    of: CatalogTable,
}

#[derive(Template)]
#[template(path = "catalog_dataset.html")]
struct Dataset {
    frame: Frame,
    asked: Asked,
    home: String,
    here: String,
    project: String,
    dataset: String,
    tables: Vec<Row>,
    total: usize,
    is_own: bool,
    trouble: Option<String>,
    beside: Beside,
    environments: [Environment; 4],
}

/// `GET /catalog/{project}/{dataset}`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((project, dataset)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let place = Place::of(&visitor, &asked)?;
    let frame = Frame::new(&visitor, format!("{project}.{dataset}"), "/catalog", &place.account)?;
    let pager = Pager::read(&asked.page, PAGE)?;
    let query = TablesQuery {
        project: project.clone(),
        dataset: dataset.clone(),
        search: asked.q.trim().to_owned(),
        skip: pager.skip(),
        limit: PAGE,
    };
    let found = app.engine.catalog_tables(&place.scope(), &query).await?;
    let address = |number: &str| place.address(&[&project, &dataset], &[("q", asked.q.trim()), ("page", number)]);
    let beside = pager.beside(found.total, address);
    let was_read = found.trouble.is_none();
    let tables = found.tables.into_iter().map(|table| row(&place, &project, &dataset, was_read, table)).collect();
    let page = Dataset {
        frame,
        home: place.address(&[], &[]),
        here: place.address(&[&project, &dataset], &[]),
        project,
        dataset,
        tables,
        total: found.total,
        is_own: found.is_own,
        trouble: found.trouble,
        beside,
        environments: Environment::ALL,
        asked,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

fn row(place: &Place, project: &str, dataset: &str, was_read: bool, of: CatalogTable) -> Row {
    let described = of.described.as_ref();
    let mut writers: Vec<(String, String)> = of
        .writers
        .iter()
        .map(|writer| (writer.operation.configuration_id.clone(), place.operation(&writer.operation)))
        .collect();
    writers.dedup();
    Row {
        path: place.address(&[project, dataset, &of.name], &[]),
        rows: numbers::count(described.and_then(|table| table.rows)),
        bytes: numbers::bytes(described.and_then(|table| table.bytes)),
        kind: match described {
            Some(table) => table.kind.as_str(),
            None if of.is_pattern => "by pattern",
            None if was_read => "not there",
            None => "",
        },
        description: described.and_then(|table| table.definition.description.clone()).unwrap_or_default(),
        last: of.last.as_ref().map(|last| Last::of(place, last)),
        writers,
        of,
    }
}
