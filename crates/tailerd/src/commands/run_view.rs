//! Runs as people read them: one line, a table, a list of fields.

use serde_json::{Value, json};
use tailer_model::RunId;

use crate::{
    client::{self, Client},
    failure::{Exit, Failure},
    output,
};

pub(crate) use crate::client::text;

/// Rejected lines that a person gets to see without asking for JSON.
const SHOWN_REJECTS: usize = 10;

/// A run with its tasks.
pub(crate) async fn details(client: &Client, run_id: &RunId) -> Result<Value, Failure> {
    let mut body = client.account_body("get_run_details")?;
    client::set(&mut body, "run_id", json!(run_id));
    let answer = client.call(client::STATUS, &body).await?;
    client::results(&answer).first().cloned().ok_or_else(|| Failure::server("the server's answer has no run"))
}

/// `2024-01-31T10:00:00.123456+00:00 INFO  extract: 12 rows`
pub(crate) fn log_line(entry: &Value) -> String {
    let (date, level, message) = (text(entry, "date"), text(entry, "level"), text(entry, "message"));
    match text(entry, "task_id") {
        "" => format!("{date} {level:5} {message}"),
        task => format!("{date} {level:5} {task}: {message}"),
    }
}

/// `SUCCESS` or `SUCCESS (WARNING)`: the finer status only where it says more.
pub(crate) fn state(run: &Value) -> String {
    let (status, sub_status) = (text(run, "status"), text(run, "sub_status"));
    if sub_status.is_empty() || sub_status == status { status.to_owned() } else { format!("{status} ({sub_status})") }
}

/// `SUCCESS in 0:00:01.234567`
pub(crate) fn outcome(run: &Value) -> String {
    match text(run, "error") {
        "" => format!("{} in {}", state(run), text(run, "duration")),
        error => format!("{} in {}: {error}", state(run), text(run, "duration")),
    }
}

/// Exit code of a run that ended, as `launch --wait` and `run` give it.
pub(crate) fn verdict(run: &Value) -> Result<Exit, Failure> {
    match text(run, "status") {
        "FAILED" => {
            let why = text(run, "error");
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            Err(Failure::failed(format!("run {} failed{why}", text(run, "run_id"))))
        }
        _ => Ok(Exit::Done),
    }
}

/// The run's fields, then its tasks.
pub(crate) fn print_details(run: &Value) {
    let mut fields = vec![
        ("run", text(run, "run_id").to_owned()),
        ("status", state(run)),
        ("operation", format!("{} {}", text(run, "configuration_type"), text(run, "configuration_id"))),
        ("account", format!("{} {}", text(run, "account"), text(run, "environment"))),
        ("job", text(run, "job_id").to_owned()),
        ("execution date", text(run, "execution_date").to_owned()),
        ("trigger", trigger(run)),
        ("started", text(run, "start_execution_date").to_owned()),
        ("duration", text(run, "duration").to_owned()),
    ];
    for (name, key) in [("waits for", "reason"), ("error", "error")] {
        if !text(run, key).is_empty() {
            fields.push((name, text(run, key).to_owned()));
        }
    }
    fields.extend(progress(run).map(|progress| ("copied", progress)));
    fields.extend(cost(run).map(|cost| ("cost", cost)));
    output::fields(&fields);
    print_tasks(run);
    print_alerts(run);
}

/// Who was told, and who is still to be told.
fn print_alerts(run: &Value) {
    let alerts = run.get("alerts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if alerts.is_empty() {
        return;
    }
    output::line("");
    let row = |alert: &Value| {
        let attempts = alert.get("attempts").and_then(Value::as_u64).unwrap_or_default();
        let shown = ["channel", "to", "status", "state", "date"].map(|key| text(alert, key).to_owned());
        [&shown[..], &[attempts.to_string(), text(alert, "error").to_owned()]].concat()
    };
    let rows: Vec<_> = alerts.iter().map(row).collect();
    output::table(&["ALERT", "TO", "OF", "STATE", "DATE", "ATTEMPTS", "WHY"], &rows);
}

/// `1048576 of 2097152 bytes (50 %)`
fn progress(run: &Value) -> Option<String> {
    let progress = run.get("progress")?;
    let (bytes, total) = (progress.get("bytes")?.as_u64()?, progress.get("total")?.as_u64()?);
    let percent = (bytes.saturating_mul(100)).checked_div(total).unwrap_or(100);
    Some(format!("{bytes} of {total} bytes ({percent} %)"))
}

/// `0.0125`, in the currency of the setting.
fn cost(run: &Value) -> Option<String> {
    Some(format!("{:.4}", run.get("cost")?.as_f64()?))
}

/// A table of the tasks with their statistics, if there are any.
pub(crate) fn print_tasks(run: &Value) {
    let tasks = run.get("tasks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if tasks.is_empty() {
        return;
    }
    output::line("");
    let rows: Vec<Vec<String>> = tasks
        .iter()
        .map(|task| {
            let attempt = task.get("attempt").and_then(Value::as_u64).unwrap_or_default();
            vec![
                text(task, "task_id").to_owned(),
                text(task, "task_type").to_owned(),
                text(task, "status").to_owned(),
                text(task, "criticality").to_owned(),
                attempt.to_string(),
                statistics(task),
                text(task, "error").to_owned(),
            ]
        })
        .collect();
    output::table(&["TASK", "TYPE", "STATUS", "CRITICALITY", "ATTEMPT", "STATISTICS", "ERROR"], &rows);
    tasks.iter().for_each(print_attempts);
    tasks.iter().for_each(print_rejected);
}

/// What became of the attempts before, and when the next one begins.
fn print_attempts(task: &Value) {
    let attempts = task.get("attempts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if attempts.is_empty() {
        return;
    }
    output::line("");
    let line = |attempt: &Value| {
        let number = attempt.get("attempt").and_then(Value::as_u64).unwrap_or_default();
        vec![
            format!("{} {number}", text(task, "task_id")),
            text(attempt, "end_date").to_owned(),
            text(attempt, "error").to_owned(),
        ]
    };
    output::table(&["ATTEMPT", "FAILED", "ERROR"], &attempts.iter().map(line).collect::<Vec<_>>());
    match text(task, "due_date") {
        "" => {}
        due => output::line(format!("the next attempt begins at {due}")),
    }
}

/// The first lines that a load left out; `--json` has up to a hundred.
fn print_rejected(task: &Value) {
    let rejected =
        task.pointer("/statistics/rejected").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if rejected.is_empty() {
        return;
    }
    output::line("");
    let line = |line: &Value| {
        let number = line.get("line").and_then(Value::as_u64).unwrap_or_default();
        vec![
            number.to_string(),
            text(line, "column").to_owned(),
            text(line, "reason").to_owned(),
            text(line, "text").to_owned(),
        ]
    };
    let rows: Vec<_> = rejected.iter().take(SHOWN_REJECTS).map(line).collect();
    output::table(&["REJECTED LINE", "COLUMN", "REASON", "TEXT"], &rows);
}

/// `rows 12, bytes 340, seconds 0.2`: the numbers of a task's statistics, by name.
fn statistics(task: &Value) -> String {
    let Some(Value::Object(statistics)) = task.get("statistics") else { return String::new() };
    let numbers = statistics
        .iter()
        .filter(|(name, value)| value.is_number() && !(name.starts_with("rejected") && **value == json!(0)));
    numbers.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

fn trigger(run: &Value) -> String {
    let Some(trigger) = run.get("trigger") else { return String::new() };
    let source = ["file", "workflow", "by"].into_iter().map(|key| text(trigger, key)).find(|t| !t.is_empty());
    match source {
        Some(source) => format!("{} ({source})", text(trigger, "type")),
        None => text(trigger, "type").to_owned(),
    }
}

/// Runs, one a line.
pub(crate) fn print_list(runs: &[Value]) {
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            vec![
                text(run, "run_id").to_owned(),
                state(run),
                text(run, "configuration_type").to_owned(),
                text(run, "configuration_id").to_owned(),
                text(run, "execution_date").to_owned(),
                text(run, "start_execution_date").to_owned(),
                text(run, "duration").to_owned(),
            ]
        })
        .collect();
    output::table(&["RUN", "STATUS", "TYPE", "ID", "DATE", "STARTED", "DURATION"], &rows);
}
