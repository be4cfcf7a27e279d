//! Parquet files, read by DuckDB: columns meet by name, values by the rules of a query into a table.

use std::{fs, path::PathBuf};

use tailer_model::operation::ddl::FieldType;

use super::{Loaded, destination, input};
use crate::{
    Load, LoadSchema, WarehouseError,
    embedded::{
        errors::{invalid, unsupported},
        instance::text,
        session::Session,
        tables,
        types::Type,
        write::{self, Source},
    },
    googlesql::quote,
};

pub(crate) fn load(session: &Session<'_>, load: &Load) -> Result<Loaded, WarehouseError> {
    let staged = Staged::new(session, load)?;
    let files: Vec<_> = staged.files.iter().map(|path| text(&path.to_string_lossy())).collect();
    let from = format!("read_parquet([{}])", files.join(", "));
    let stored = tables::describe(session, &format!("SELECT * FROM {from}"))?;
    let mut columns: Vec<_> = stored.into_iter().map(|column| (column.name, column.column_type)).collect();
    let fields = match &load.schema {
        LoadSchema::Given(fields) => fields.clone(),
        LoadSchema::Header => return Err(invalid("Parquet files have no header line: give a schema, or `autodetect`")),
        LoadSchema::Autodetect => columns.iter().map(|(name, column_type)| column_type.to_field(name)).collect(),
    };
    let known = |name: &str| fields.iter().any(|field| field.name.eq_ignore_ascii_case(name));
    if load.options.ignore_unknown_values {
        columns.retain(|(name, _)| known(name));
    }
    if let Some((name, column_type)) = columns.iter().find(|(_, t)| t.holds_nested(FieldType::BigNumeric)) {
        return Err(unsupported(format!("loading column `{name}` of type {column_type} from Parquet")));
    }
    // Parquet has decimals of DuckDB's kind, tables have units.
    let mut selected: Vec<_> = columns
        .iter()
        .map(|(name, column_type)| match column_type {
            Type::Scalar(FieldType::BigNumeric) => {
                format!("gs_string_to_bignumeric(CAST({0} AS VARCHAR)) AS {0}", quote(name))
            }
            _ => quote(name),
        })
        .collect();
    for (field, constant) in &load.added_columns {
        let column_type = Type::of_field(field);
        selected.push(format!("CAST({} AS {})", text(constant), column_type.to_duckdb()));
        columns.push((field.name.clone(), column_type));
    }
    let mut all = fields;
    all.extend(load.added_columns.iter().map(|(field, _)| field.clone()));
    let opened = super::target::open(session, load, &all)?;
    let sql = format!("SELECT {} FROM {from}", selected.join(", "));
    let rows = write::insert(session, &Source { sql: &sql, columns }, &opened, &load.table)?;
    write::finish(session, &opened, &destination(load))?;
    Ok(Loaded { rows, ..Loaded::default() })
}

/// The files under names inside the warehouse's folder, the only place where DuckDB may read.
struct Staged {
    folder: PathBuf,
    files: Vec<PathBuf>,
}

impl Staged {
    fn new(session: &Session<'_>, load: &Load) -> Result<Self, WarehouseError> {
        let folder = session.instance.scratch().join(uuid::Uuid::new_v4().to_string());
        fs::create_dir_all(&folder).map_err(|error| input::unreadable("the scratch folder", &error))?;
        let mut staged = Self { folder, files: Vec::new() };
        for (number, path) in load.files.iter().enumerate() {
            let name = input::file_name(path);
            if input::is_gzip(path).map_err(|error| input::unreadable(&name, &error))? {
                return Err(unsupported(format!("{name}: a Parquet file inside gzip")));
            }
            let inside = staged.folder.join(format!("{number}.parquet"));
            if fs::hard_link(path, &inside).is_err() {
                fs::copy(path, &inside).map_err(|error| input::unreadable(&name, &error))?;
            }
            staged.files.push(inside);
        }
        Ok(staged)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What stays behind is removed at the next start.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
