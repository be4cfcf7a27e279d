//! The log of a run as people read it: from its end, filtered, then what is new (the Studio). The API reads from the beginning.

use tailer_model::{RunId, TaskId, rfc3339_micros};
use tailer_store::logs::{self, LogFilter, LogLine};

use crate::{Engine, EngineError, LogView};

/// Which lines to read.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// Of this task only.
    pub task: Option<TaskId>,
    /// Of one of these levels only; of all when empty.
    pub levels: Vec<String>,
    /// The lines that follow this cursor; otherwise the last ones.
    pub after: Option<i64>,
    /// The last ones before this cursor.
    pub before: Option<i64>,
    pub limit: u32,
}

/// Lines in the order written.
#[derive(Debug, Clone, Default)]
pub struct LogTail {
    pub lines: Vec<LogView>,
    /// Whether more lines match before the first one. Not said of lines that follow a cursor.
    pub earlier: bool,
    /// Cursor of the first line; the one asked for when there is none.
    pub first: i64,
    /// Cursor of the last line: give it as `after` to read on.
    pub last: i64,
}

impl Engine {
    /// Lines of a run's log; none for a run that does not exist. The caller checks the account.
    ///
    /// # Errors
    /// What the store says.
    pub async fn run_log(&self, run: &RunId, query: LogQuery) -> Result<LogTail, EngineError> {
        let run = run.clone();
        self.0
            .parts
            .store
            .read(move |tx| {
                let filter = LogFilter { task: query.task, levels: query.levels };
                let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
                let (mut lines, earlier) = match query.after {
                    Some(after) => (logs::following(tx, &run, &filter, after, query.limit)?, false),
                    None => {
                        let lines = logs::tail(tx, &run, &filter, query.before, query.limit.saturating_add(1))?;
                        let earlier = lines.len() > limit;
                        (lines, earlier)
                    }
                };
                if earlier {
                    lines.remove(0);
                }
                let asked = query.after.unwrap_or(0);
                Ok(LogTail {
                    earlier,
                    first: lines.first().map_or(asked, |(cursor, _)| *cursor),
                    last: lines.last().map_or(asked, |(cursor, _)| *cursor),
                    lines: lines.into_iter().map(|(_, line)| view_of(line)).collect(),
                })
            })
            .await
    }
}

/// A line as the API shows it.
pub(crate) fn view_of(line: LogLine) -> LogView {
    LogView { date: rfc3339_micros(line.date), level: line.level, task_id: line.task_id, message: line.message }
}
