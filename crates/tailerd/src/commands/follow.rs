//! Following a run's log to the run's end, by long polls.

use serde_json::{Value, json};
use tailer_model::{RunId, TaskId};

use crate::{
    client::{self, Client},
    failure::Failure,
};

/// Seconds that the server may hold one question: well below the client's own limit.
const HOLD: u32 = 20;

/// Calls `show` with each log line until the run has ended and its last line was read.
pub(crate) async fn follow(
    client: &Client,
    run_id: &RunId,
    task: Option<&TaskId>,
    mut show: impl FnMut(&Value),
) -> Result<(), Failure> {
    let mut after = None;
    loop {
        // Asked before the lines are read: when it had ended by then, what is read now is the rest.
        let ended = status(client, run_id).await? != "RUNNING";
        let wait = if ended { 0 } else { HOLD };
        loop {
            let page = read(client, run_id, task, after.as_deref(), wait).await?;
            client::results(&page).iter().for_each(&mut show);
            let next = client::text(&page, "after").to_owned();
            let more = !client::results(&page).is_empty() && after.as_deref() != Some(next.as_str());
            after = (!next.is_empty()).then_some(next).or(after);
            if !(ended && more) {
                break;
            }
        }
        if ended {
            return Ok(());
        }
    }
}

/// Every line there is now.
pub(crate) async fn read_all(client: &Client, run_id: &RunId, task: Option<&TaskId>) -> Result<Vec<Value>, Failure> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = read(client, run_id, task, after.as_deref(), 0).await?;
        let lines = client::results(&page);
        let next = client::text(&page, "after").to_owned();
        if lines.is_empty() || after.as_deref() == Some(next.as_str()) {
            return Ok(all);
        }
        all.extend_from_slice(lines);
        after = Some(next);
    }
}

async fn read(
    client: &Client,
    run_id: &RunId,
    task: Option<&TaskId>,
    after: Option<&str>,
    wait: u32,
) -> Result<Value, Failure> {
    let mut body = client.account_body("get_run_logs")?;
    client::set(&mut body, "run_id", json!(run_id));
    client::set(&mut body, "wait_seconds", json!(wait));
    if let Some(task) = task {
        client::set(&mut body, "task_id", json!(task));
    }
    if let Some(after) = after {
        client::set(&mut body, "after", json!(after));
    }
    Ok(client.call(client::STATUS, &body).await?)
}

async fn status(client: &Client, run_id: &RunId) -> Result<String, Failure> {
    let mut body = client.account_body("check_run_status")?;
    client::set(&mut body, "run_id", json!(run_id));
    let answer = client.call(client::STATUS, &body).await?;
    Ok(client::results(&answer).first().map(|run| client::text(run, "status").to_owned()).unwrap_or_default())
}
