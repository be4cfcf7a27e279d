//! `tailerd sql --batch`: JSON lines in, JSON lines out, for conformance tests.
//!
//! `{"id", "setup": [sql…], "sql", "readonly"?, "time_zone"?}` in; `{"id", "columns": [{name, type}], "rows": [[…]]}` or
//! `{"id", "error"}` out. Each line sees only its own setup: a warehouse in a folder of its own, thrown away afterwards.
//! With `readonly` the tables of an identical setup are kept for the next lines. Whatever a line does, the
//! next one is answered: bad JSON, a failing setup, a statement that takes too long are answers with `error`.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tailer_warehouse::{Column, Warehouse, embedded::EmbeddedSettings};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::{
    cli::SqlArgs,
    failure::{Context as _, Exit, Failure},
    output,
    wiring::{SqlAnswer, SqlRequest, open_warehouse},
};

/// For one line, setup included.
const LINE_LIMIT: Duration = Duration::from_secs(60);

/// Rows that one line may answer.
const ROW_LIMIT: usize = 1_000_000;

#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    setup: Vec<String>,
    sql: String,
    #[serde(default)]
    readonly: bool,
    #[serde(default)]
    time_zone: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Rows { id: Value, columns: Vec<Column>, rows: Vec<Vec<Value>> },
    Error { id: Value, error: String },
}

/// A warehouse in a folder of its own.
#[derive(Debug)]
struct Scratch {
    warehouse: Arc<dyn Warehouse>,
    /// After the warehouse, which has files in it.
    _folder: TempDir,
}

/// What the lines share: names of the default project and dataset, and the tables of the last read-only setup.
struct Batch {
    project: String,
    dataset: String,
    kept: Option<(Vec<String>, Arc<Scratch>)>,
}

pub(crate) async fn run(args: &SqlArgs) -> Result<Exit, Failure> {
    let mut batch = Batch {
        project: args.project.clone().unwrap_or_else(|| "local".into()),
        dataset: args.dataset.clone().unwrap_or_else(|| "batch".into()),
        kept: None,
    };
    let mut lines = BufReader::new(tokio::io::stdin()).split(b'\n');
    while let Some(bytes) = lines.next_segment().await.context("cannot read standard input")? {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        output::json_line(&batch.answer(&bytes).await);
    }
    Ok(Exit::Done)
}

impl Batch {
    async fn answer(&mut self, bytes: &[u8]) -> Answer {
        let line: Line = match serde_json::from_slice(bytes) {
            Ok(line) => line,
            Err(error) => {
                let value: Option<Value> = serde_json::from_slice(bytes).ok();
                let id = value.and_then(|v| v.get("id").cloned()).unwrap_or_default();
                return Answer::Error { id, error: format!("not a line of this protocol: {error}") };
            }
        };
        let id = line.id.clone();
        match tokio::time::timeout(LINE_LIMIT, self.execute(line)).await {
            Ok(Ok(SqlAnswer::Rows(rows))) => Answer::Rows { id, columns: rows.columns, rows: rows.rows },
            Ok(Ok(SqlAnswer::Error(error)) | Err(error)) => Answer::Error { id, error },
            Err(_) => {
                // Its statement may still be running there.
                self.kept = None;
                Answer::Error { id, error: format!("no answer within {} seconds", LINE_LIMIT.as_secs()) }
            }
        }
    }

    async fn execute(&mut self, line: Line) -> Result<SqlAnswer, String> {
        // UTC is what there is without asking.
        let zone = line.time_zone.filter(|zone| zone != "UTC");
        let zoned = |sql: &String| match &zone {
            Some(zone) => format!("SET @@time_zone = {}; {sql}", json!(zone)),
            None => sql.clone(),
        };
        let setup: Vec<String> = line.setup.iter().map(zoned).collect();
        let scratch = match &self.kept {
            Some((kept, scratch)) if line.readonly && *kept == setup => Arc::clone(scratch),
            _ => {
                let scratch = Arc::new(self.prepare(&setup).await?);
                self.kept = line.readonly.then(|| (setup, Arc::clone(&scratch)));
                scratch
            }
        };
        self.statement(&scratch, zoned(&line.sql)).await
    }

    async fn prepare(&self, setup: &[String]) -> Result<Scratch, String> {
        let folder = tempfile::tempdir().map_err(|e| format!("cannot make a scratch folder: {e}"))?;
        let warehouse = open_warehouse(folder.path().to_owned(), EmbeddedSettings::default()).map_err(|e| e.message)?;
        let scratch = Scratch { warehouse, _folder: folder };
        for (i, sql) in setup.iter().enumerate() {
            if let SqlAnswer::Error(error) = self.statement(&scratch, sql.clone()).await? {
                return Err(format!("setup statement {}: {error}", i + 1));
            }
        }
        Ok(scratch)
    }

    /// In a task of its own, so that a panic ends the statement and not the batch.
    async fn statement(&self, scratch: &Scratch, sql: String) -> Result<SqlAnswer, String> {
        let request =
            SqlRequest { project: self.project.clone(), dataset: Some(self.dataset.clone()), sql, limit: ROW_LIMIT };
        let warehouse = Arc::clone(&scratch.warehouse);
        tokio::spawn(async move { request.run(warehouse.as_ref()).await })
            .await
            .map_err(|_| "internal error: the statement could not be run to its end".to_owned())
    }
}
