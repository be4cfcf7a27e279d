//! Rows of a result written to files here: pages go to a scratch file as JSON lines, from there to a table of an embedded
//! warehouse of their own, and that one exports it. So files are byte for byte what the embedded warehouse writes, in every
//! format, and memory holds one page.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde_json::Value;
use tailer_model::operation::{
    WriteDisposition,
    ddl::{FieldType, Mode},
    storage_to_tables::{LoadOptions, SourceFormat},
};

use super::{
    Inner, Submitted,
    export::{no_rows, own_table},
    read,
    tables::{self, field_type},
    wire::FieldSchema,
};
use crate::{
    Export, Job, Load, LoadSchema, Outcome, Query, Warehouse, WarehouseError, WarehouseJobId,
    embedded::{EmbeddedSettings, EmbeddedWarehouse, export::text},
};

/// Below the folder of the export, which goes with it.
const SCRATCH: &str = ".rows";

impl Inner {
    /// `ran`: the id of the job that has the rows.
    pub(super) async fn write_rows(
        &self,
        id: &WarehouseJobId,
        ran: &str,
        export: &Export,
        submitted: &Submitted,
    ) -> Result<Outcome, WarehouseError> {
        let folder = export.folder.join(SCRATCH);
        let made = self.write_in(id, ran, export, &folder, submitted).await;
        if let Err(error) = tokio::fs::remove_dir_all(&folder).await {
            tracing::debug!(%error, "the rows of an export were not removed");
        }
        made
    }

    async fn write_in(
        &self,
        id: &WarehouseJobId,
        ran: &str,
        export: &Export,
        folder: &Path,
        submitted: &Submitted,
    ) -> Result<Outcome, WarehouseError> {
        let lines = folder.join("rows.json");
        let fields = self.fetch(ran, &lines, submitted).await?;
        let home = folder.join("warehouse");
        // Several threads would load the lines in any order.
        let settings = EmbeddedSettings { threads: Some(1), ..EmbeddedSettings::default() };
        let open = move || EmbeddedWarehouse::open(home, settings);
        let warehouse = tokio::task::spawn_blocking(open).await.map_err(|error| failed(&error))??;
        let load = Load {
            files: vec![lines.clone()],
            objects: Vec::new(),
            table: own_table(),
            schema: LoadSchema::Given(fields.into_iter().map(loose).collect()),
            description: None,
            options: LoadOptions {
                source_format: SourceFormat::Json,
                write_disposition: WriteDisposition::Truncate,
                ..LoadOptions::default()
            },
            added_columns: Vec::new(),
        };
        run(&warehouse, &WarehouseJobId("rows".to_owned()), Job::Load(load)).await?;
        tokio::fs::remove_file(&lines).await.map_err(|error| failed(&error))?;
        submitted.check()?;
        let table = own_table();
        let sql = format!("SELECT * FROM `{}`.`{}`.`{}`", table.project, table.dataset, table.table);
        let query = Query { sql, project: table.project, dataset: None, destination: None, use_cache: None };
        // Under the same id, which some formats make their marks of.
        run(&warehouse, id, Job::Export(Export { query, bucket_folder: None, ..export.clone() })).await
    }

    /// Writes the rows of a finished query as JSON lines; its columns.
    async fn fetch(&self, id: &str, to: &Path, submitted: &Submitted) -> Result<Vec<FieldSchema>, WarehouseError> {
        let mut lines = Lines::create(to.to_owned()).await?;
        let mut fields = Vec::new();
        let mut token = None::<String>;
        loop {
            submitted.check()?;
            let page = self.page(id, token.as_deref(), read::PAGE).await?;
            if let Some(schema) = page.schema {
                fields = schema.fields;
            }
            if fields.is_empty() {
                return Err(no_rows());
            }
            (lines, fields) = lines.write(page.rows, fields).await?;
            token = page.page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                lines.close().await?;
                return Ok(fields);
            }
        }
    }
}

async fn run(warehouse: &EmbeddedWarehouse, id: &WarehouseJobId, job: Job) -> Result<Outcome, WarehouseError> {
    warehouse.submit(id, job).await?;
    warehouse.wait(id).await
}

/// A column of a result: any of its values may be NULL.
fn loose(field: FieldSchema) -> tailer_model::operation::ddl::Field {
    let inner = field.fields.clone();
    let mut field = tables::field(field);
    if field.mode == Mode::Required {
        field.mode = Mode::Nullable;
    }
    field.fields = inner.into_iter().map(loose).collect();
    field
}

fn failed(error: &dyn std::fmt::Display) -> WarehouseError {
    WarehouseError::Internal(format!("the rows of an export cannot be kept: {error}"))
}

/// The scratch file, written outside the threads that must not wait.
struct Lines(BufWriter<File>);

impl Lines {
    async fn create(path: PathBuf) -> Result<Self, WarehouseError> {
        let open = move || {
            if let Some(folder) = path.parent() {
                // What a dead server left.
                match fs::remove_dir_all(folder) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => fs::create_dir_all(folder)?,
                }
            }
            File::create(path)
        };
        let file = tokio::task::spawn_blocking(open).await.map_err(|error| failed(&error))?;
        Ok(Self(BufWriter::with_capacity(1 << 18, file.map_err(|error| failed(&error))?)))
    }

    async fn write(
        mut self,
        rows: Vec<Value>,
        fields: Vec<FieldSchema>,
    ) -> Result<(Self, Vec<FieldSchema>), WarehouseError> {
        let write = move || {
            let mut line = Vec::new();
            for row in &rows {
                line.clear();
                object(row, &fields, &mut line);
                line.push(b'\n');
                self.0.write_all(&line)?;
            }
            Ok::<_, io::Error>((self, fields))
        };
        let written = tokio::task::spawn_blocking(write).await.map_err(|error| failed(&error))?;
        written.map_err(|error| failed(&error))
    }

    async fn close(mut self) -> Result<(), WarehouseError> {
        let closed = tokio::task::spawn_blocking(move || self.0.flush()).await.map_err(|error| failed(&error))?;
        closed.map_err(|error| failed(&error))
    }
}

/// `{"f": [{"v": …}, …]}` as an object with names.
fn object(row: &Value, fields: &[FieldSchema], out: &mut Vec<u8>) {
    let cells = row.get("f").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    out.push(b'{');
    for (index, (cell, field)) in cells.iter().zip(fields).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(&field.name, out);
        out.push(b':');
        match cell.get("v") {
            Some(Value::Array(items)) if field.mode.as_deref() == Some("REPEATED") => array(items, field, out),
            found => value(found.unwrap_or(&Value::Null), field, out),
        }
    }
    out.push(b'}');
}

fn array(items: &[Value], field: &FieldSchema, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        value(item.get("v").unwrap_or(&Value::Null), field, out);
    }
    out.push(b']');
}

fn value(written: &Value, field: &FieldSchema, out: &mut Vec<u8>) {
    let Some(found) = written.as_str() else {
        match written {
            Value::Object(_) => object(written, &field.fields, out),
            other => out.extend_from_slice(other.to_string().as_bytes()),
        }
        return;
    };
    match field_type(&field.field_type) {
        // A document stands as it is: a string in it would be taken for text.
        FieldType::Json => document(found, out),
        FieldType::Timestamp => match read::microseconds(found) {
            Some(micros) => {
                out.push(b'"');
                text::moment(micros, b' ', out);
                out.extend_from_slice(b" UTC\"");
            }
            None => string(found, out),
        },
        _ => string(found, out),
    }
}

/// A JSON document on one line.
fn document(json: &str, out: &mut Vec<u8>) {
    // Between the tokens of a document a space is as good as a line's end; inside of strings there is none.
    out.extend(json.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(Value::from(text).to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_become_objects() {
        let field = |name: &str, field_type: &str, mode: &str| FieldSchema {
            name: name.to_owned(),
            field_type: field_type.to_owned(),
            mode: Some(mode.to_owned()),
            ..FieldSchema::default()
        };
        let mut inner = field("s", "RECORD", "NULLABLE");
        inner.fields = vec![field("x", "STRING", "NULLABLE")];
        let fields = [
            field("n", "INTEGER", "NULLABLE"),
            field("at", "TIMESTAMP", "NULLABLE"),
            field("j", "JSON", "NULLABLE"),
            field("a", "STRING", "REPEATED"),
            inner,
            field("none", "STRING", "NULLABLE"),
        ];
        let row = json!({"f": [
            {"v": "7"}, {"v": "253402300799999999"}, {"v": "{\"a\":\n[1, \"b\"]}"}, {"v": [{"v": "p\"q"}, {"v": "r"}]},
            {"v": {"f": [{"v": "y"}]}}, {"v": null},
        ]});
        let mut out = Vec::new();
        object(&row, &fields, &mut out);
        let expect = concat!(
            r#"{"n":"7","at":"9999-12-31 23:59:59.999999 UTC","j":{"a": [1, "b"]},"a":["p\"q","r"],"#,
            r#""s":{"x":"y"},"none":null}"#
        );
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }
}
