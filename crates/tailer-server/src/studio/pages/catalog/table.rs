//! `/catalog/{project}/{dataset}/{table}`: what it looks like, its first rows, who reads and writes it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use tailer_engine::{NoteSubject, Preview, TableDescription, TableDetails, TablePlace, TaskUse};
use tailer_model::{
    Environment,
    operation::ddl::{Field, Mode, PartitionUnit, Partitioning, TableDefinition},
};

use super::{Asked, Last, Place};
use crate::{
    app::App,
    studio::{
        charts, error::PageError, frame, frame::Frame, lineage, markdown, markdown::SafeHtml, notes, notes::Notes,
        numbers, values, visitor::Visitor,
    },
};

/// Rows that are shown.
const ROWS: usize = 10;

/// A column, or a field inside of one.
struct Column {
    /// What it is inside of, with a dot at the end.
    within: String,
    name: String,
    column_type: String,
    mode: &'static str,
    description: String,
}

/// A task that reads or writes the table.
struct Neighbour {
    path: String,
    of: TaskUse,
    /// What else it touches, with addresses where there are any.
    others: Vec<(String, Option<String>)>,
}

/// First rows: names of the columns and whether they hold numbers, and texts.
struct Rows {
    columns: Vec<(String, bool)>,
    rows: Vec<Vec<values::Shown>>,
}

#[derive(Template)]
#[template(path = "catalog_table.html")]
struct Table {
    frame: Frame,
    asked: Asked,
    home: String,
    above: String,
    here: String,
    project: String,
    dataset: String,
    table: String,
    kind: &'static str,
    description: String,
    /// Name and value of what is known of the table as a whole.
    facts: Vec<(&'static str, String)>,
    last: Option<Last>,
    columns: Vec<Column>,
    rows: Option<Rows>,
    /// Why no rows are shown, or not all columns.
    withheld: Option<String>,
    /// Tables that a pattern stands for: name and address.
    matching: Vec<(String, String)>,
    is_pattern: bool,
    writers: Vec<Neighbour>,
    readers: Vec<Neighbour>,
    /// Whose documentation, and its text.
    documentation: Vec<(String, SafeHtml)>,
    graph: String,
    trouble: Option<String>,
    environments: [Environment; 4],
    notes: Notes,
}

/// `GET /catalog/{project}/{dataset}/{table}`
pub(in crate::studio) async fn page(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Path((project, dataset, table)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
    Query(asked_notes): Query<notes::Asked>,
) -> Result<Response, PageError> {
    let place = Place::of(&visitor, &asked)?;
    let frame = Frame::new(&visitor, format!("{dataset}.{table}"), "/catalog", &place.account)?;
    let asks = app.settings.catalog_preview && frame.operates();
    let names = (project.as_str(), dataset.as_str(), table.as_str());
    let found = app.engine.catalog_table(&place.scope(), names, asks.then_some(ROWS)).await?;
    let subject = NoteSubject::Table(place.account.clone(), format!("{project}.{dataset}.{table}"));
    let notes = Notes::of(&app, &visitor, &subject, &asked_notes).await?;
    let (rows, withheld) = rows(&found.preview, app.settings.catalog_preview);
    let here = TablePlace { project: project.clone(), dataset: dataset.clone(), table: table.clone(), is_known: true };
    let graph = lineage::of_table(&place, &here, &found.writers, &found.readers);
    let documentation = documentation(&found.writers);
    let TableDetails { is_pattern, matching, described, last, writers, readers, trouble, .. } = found;
    let definition = described.as_ref().map(|table| table.definition.clone()).unwrap_or_default();
    let mut columns = Vec::new();
    definition.schema.iter().for_each(|field| column(field, "", &mut columns));
    let facts = described.as_ref().map(facts).unwrap_or_default();
    let page = Table {
        kind: described.as_ref().map_or(if is_pattern { "tables by pattern" } else { "" }, |table| table.kind.as_str()),
        description: definition.description.unwrap_or_default(),
        facts,
        last: last.as_ref().map(|last| Last::of(&place, last)),
        columns,
        rows,
        withheld,
        matching: matching
            .into_iter()
            .map(|name| (name.clone(), place.address(&[&project, &dataset, &name], &[])))
            .collect(),
        is_pattern,
        writers: writers.into_iter().map(|of| neighbour(&place, of, &here, true)).collect(),
        readers: readers.into_iter().map(|of| neighbour(&place, of, &here, false)).collect(),
        documentation,
        graph,
        trouble,
        environments: Environment::ALL,
        home: place.address(&[], &[]),
        above: place.address(&[&project, &dataset], &[]),
        here: place.address(&[&project, &dataset, &table], &[]),
        frame,
        asked,
        project,
        dataset,
        table,
        notes,
    };
    Ok(frame::render(StatusCode::OK, &page))
}

fn column(field: &Field, within: &str, into: &mut Vec<Column>) {
    let mode = match field.mode {
        Mode::Nullable => "",
        Mode::Required => "required",
        Mode::Repeated => "repeated",
    };
    into.push(Column {
        within: within.to_owned(),
        name: field.name.clone(),
        column_type: field.field_type.to_string(),
        mode,
        description: field.description.clone().unwrap_or_default(),
    });
    let within = format!("{within}{}.", field.name);
    field.fields.iter().for_each(|field| column(field, &within, into));
}

fn facts(table: &TableDescription) -> Vec<(&'static str, String)> {
    let at = |at: Option<jiff::Timestamp>| at.map(|at| charts::moment(&at.to_string()));
    let text = |count: String| Some(count).filter(|text| !text.is_empty());
    let TableDefinition { partitioning, clustering, require_partition_filter, .. } = &table.definition;
    let clustered = (!clustering.is_empty()).then(|| clustering.join(", "));
    let filter = require_partition_filter.then(|| "queries have to filter by partition".to_owned());
    let all = [
        ("Rows", text(numbers::count(table.rows))),
        ("Size", text(numbers::bytes(table.bytes))),
        ("Partitions", partitioning.as_ref().map(partitions)),
        ("Filter", filter),
        ("Clustered by", clustered),
        ("Created (UTC)", at(table.created)),
        ("Changed in the warehouse (UTC)", at(table.modified)),
        ("Expires (UTC)", at(table.expires)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn partitions(partitioning: &Partitioning) -> String {
    match partitioning {
        Partitioning::Time { field, unit, expiration_ms } => {
            let unit = match unit {
                PartitionUnit::Hour => "hour",
                PartitionUnit::Day => "day",
                PartitionUnit::Month => "month",
                PartitionUnit::Year => "year",
            };
            let of = field.as_ref().map_or("of arrival".to_owned(), |field| format!("of {field}"));
            let days = expiration_ms.map(|ms| format!("; each expires after {} days", ms / 86_400_000));
            format!("by {unit} {of}{}", days.unwrap_or_default())
        }
        Partitioning::Range { field, start, end, interval } => {
            format!("by {field} from {start} to {end} in steps of {interval}")
        }
    }
}

fn rows(preview: &Preview, is_on: bool) -> (Option<Rows>, Option<String>) {
    match preview {
        Preview::Rows { columns, rows, hidden } => {
            let shown = rows.iter().map(|row| {
                let pairs = row.iter().zip(columns);
                pairs.map(|(value, field)| values::shown(value, field)).collect()
            });
            let names = columns.iter().map(|field| (field.name.clone(), values::is_number(field))).collect();
            let left_out =
                (!hidden.is_empty()).then(|| format!("Not shown, because marked as sensitive: {}.", hidden.join(", ")));
            (Some(Rows { columns: names, rows: shown.collect() }), left_out)
        }
        Preview::Sensitive => (None, Some("Not shown: the table is marked as sensitive.".to_owned())),
        Preview::NoRows(kind) => (None, Some(format!("Not shown: only a query would tell the rows of a {kind}."))),
        Preview::NotAsked if is_on => (None, Some("Rows are shown to operators.".to_owned())),
        Preview::NotAsked => (None, Some("Not shown: this server shows no rows (catalog.preview).".to_owned())),
        Preview::NotRead => (None, None),
    }
}

/// Of each operation and task once.
fn documentation(writers: &[TaskUse]) -> Vec<(String, SafeHtml)> {
    let mut all: Vec<(String, SafeHtml)> = Vec::new();
    for writer in writers {
        for (file, text) in &writer.documentation {
            let title = format!("{}: {file}", writer.operation.configuration_id);
            if !all.iter().any(|(known, _)| *known == title) {
                let prefix = format!("doc{}-", all.len());
                // Relative links lead to files that were not deployed.
                let place = markdown::Place { top: 4, prefix: &prefix, relative: &|_| None };
                all.push((title, markdown::render_at(text, place).0));
            }
        }
    }
    all
}

fn neighbour(place: &Place, of: TaskUse, here: &TablePlace, is_writer: bool) -> Neighbour {
    let (tables, files) = if is_writer { (&of.reads, &of.files_read) } else { (&of.writes, &of.files_written) };
    let others = tables.iter().filter(|table| *table != here);
    let others = others.map(|table| {
        let address = table.is_known.then(|| place.address(&[&table.project, &table.dataset, &table.table], &[]));
        (format!("{}.{}.{}", table.project, table.dataset, table.table), address)
    });
    let others = others.chain(files.iter().map(|file| (file.clone(), None))).collect();
    Neighbour { path: place.operation(&of.operation), others, of }
}
