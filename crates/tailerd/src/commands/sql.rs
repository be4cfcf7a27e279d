//! `tailerd sql`: GoogleSQL against the embedded warehouse of the data folder, directly, or through the server that
//! holds it.

use std::{io::Read as _, time::Duration};

use serde_json::{Map, Value};
use tailer_warehouse::Rows;

use super::sql_batch;
use crate::{
    cli::{Format, SqlArgs},
    data_folder::DataFolder,
    failure::{Context as _, Exit, Failure},
    output, settings,
    wiring::{SqlAnswer, SqlRequest, ask, open_warehouse},
};

/// How long to wait for another `tailerd sql` on the same folder.
const PATIENCE: Duration = Duration::from_secs(10);

/// More rows than that in a table nobody reads.
const TABLE_ROWS: usize = 1000;

pub(crate) async fn run(args: SqlArgs) -> Result<Exit, Failure> {
    if args.batch {
        return sql_batch::run(&args).await;
    }
    let sql = match args.sql.as_deref() {
        Some("-") | None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
            text
        }
        Some(sql) => sql.to_owned(),
    };
    let settings = settings::load(&args.data)?;
    let folder = DataFolder::open(&settings.data)?;
    let project = args.project.clone().unwrap_or_else(|| default_project(&folder));
    let format = format(&args);
    let limit = limit(&args, format);
    // One more than shown tells whether there are more.
    let request = SqlRequest { project, dataset: args.dataset.clone(), sql, limit: limit.saturating_add(1) };
    match answer(&folder, &settings, request).await? {
        SqlAnswer::Rows(mut rows) => {
            let more = rows.rows.len() > limit;
            rows.rows.truncate(limit);
            print(&rows, format);
            if more {
                output::note(format!("only the first {limit} rows are shown (--limit shows more)"));
            }
            Ok(Exit::Done)
        }
        SqlAnswer::Error(message) => Err(Failure::failed(message)),
    }
}

/// Through the server that holds the folder, else directly.
async fn answer(folder: &DataFolder, settings: &settings::Settings, request: SqlRequest) -> Result<SqlAnswer, Failure> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let lock = match folder.lock("tailerd sql") {
            Ok(lock) => lock,
            Err(held) => {
                if let Some(answer) = ask(&folder.socket(), &request).await? {
                    return Ok(answer);
                }
                if std::time::Instant::now() > deadline {
                    return Err(held);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let warehouse = open_warehouse(folder.warehouse(), settings.warehouse.clone())?;
        let answer = request.run(warehouse.as_ref()).await;
        // The files are closed before the lock goes: the next process opens them at once.
        drop(warehouse);
        drop(lock);
        return Ok(answer);
    }
}

/// The only project of the warehouse, else `local`.
fn default_project(folder: &DataFolder) -> String {
    let names = std::fs::read_dir(folder.warehouse()).into_iter().flatten().flatten();
    let projects: Vec<String> =
        names.filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".duckdb").map(str::to_owned)).collect();
    match projects.as_slice() {
        [only] => only.clone(),
        _ => "local".to_owned(),
    }
}

/// Rows to show.
fn limit(args: &SqlArgs, format: Format) -> usize {
    match (args.limit, format) {
        (Some(limit), _) => usize::try_from(limit).unwrap_or(usize::MAX),
        (None, Format::Table) => TABLE_ROWS,
        (None, Format::Csv | Format::Json) => usize::MAX,
    }
}

fn format(args: &SqlArgs) -> Format {
    match args.format {
        Some(format) => format,
        None if args.json => Format::Json,
        None if output::is_terminal() => Format::Table,
        None => Format::Csv,
    }
}

fn print(rows: &Rows, format: Format) {
    if rows.columns.is_empty() && format != Format::Json {
        output::note("done");
        return;
    }
    match format {
        Format::Table => {
            let headers: Vec<&str> = rows.columns.iter().map(|c| c.name.as_str()).collect();
            let cells: Vec<Vec<String>> =
                rows.rows.iter().map(|row| row.iter().map(|v| cell(v, "NULL")).collect()).collect();
            output::table(&headers, &cells);
        }
        Format::Csv => {
            output::line(csv(rows.columns.iter().map(|c| c.name.clone())));
            rows.rows.iter().for_each(|row| output::line(csv(row.iter().map(|v| cell(v, "")))));
        }
        Format::Json => {
            let objects: Vec<Value> = rows
                .rows
                .iter()
                .map(|row| {
                    let fields = rows.columns.iter().zip(row).map(|(c, v)| (c.name.clone(), v.clone()));
                    Value::Object(fields.collect::<Map<_, _>>())
                })
                .collect();
            output::json(&objects);
        }
    }
}

/// Text as it is, everything else as JSON.
fn cell(value: &Value, null: &str) -> String {
    match value {
        Value::Null => null.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One line of RFC 4180.
fn csv(cells: impl Iterator<Item = String>) -> String {
    let quoted = cells.map(|cell| match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    });
    quoted.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_needs_it() {
        let check = |cells: &[&str], expect: &str| {
            assert_eq!(csv(cells.iter().map(|c| (*c).to_owned())), expect);
        };
        check(&["a", "b"], "a,b");
        check(&["a,b", "say \"x\"", "two\nlines", ""], "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",");
    }
}
