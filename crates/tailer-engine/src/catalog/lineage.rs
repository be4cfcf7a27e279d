//! A task that reads or writes a table, as it is shown: with what else it touches, and what is written about it.

use tailer_model::Identity;
use tailer_warehouse::googlesql::TablePath;

use super::{index::Use, pattern};

/// A table as a configuration names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TablePlace {
    pub project: String,
    pub dataset: String,
    pub table: String,
    /// Whether it is known which dataset is meant.
    pub is_known: bool,
}

impl TablePlace {
    fn of(path: &TablePath) -> Self {
        let is_known = pattern::is_exact(&path.project) && pattern::is_exact(&path.dataset);
        Self { project: path.project.clone(), dataset: path.dataset.clone(), table: path.table.clone(), is_known }
    }
}

/// A task of a data operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskUse {
    pub operation: Identity,
    pub task: String,
    pub task_type: String,
    pub short_description: Option<String>,
    /// What the operation says of itself.
    pub about: Option<String>,
    /// Markdown of the operation and of the task: where it comes from, and the text.
    pub documentation: Vec<(String, String)>,
    pub reads: Vec<TablePlace>,
    pub writes: Vec<TablePlace>,
    pub files_read: Vec<String>,
    pub files_written: Vec<String>,
    /// What cannot be told of its SQL.
    pub unclear: Vec<String>,
}

impl TaskUse {
    pub(super) fn of(found: Use<'_>) -> Self {
        let Use { identity, loaded, trace } = found;
        let header = &loaded.configuration.header;
        let files = header.doc_md.iter().chain(&trace.doc_md);
        let text = |file: &String| Some((file.clone(), loaded.text(file).ok()?.to_owned()));
        Self {
            operation: identity.clone(),
            task: trace.task.clone(),
            task_type: trace.task_type.clone(),
            short_description: trace.short_description.clone(),
            about: header.short_description.clone(),
            documentation: files.filter_map(text).collect(),
            reads: trace.reads.iter().map(TablePlace::of).collect(),
            writes: trace.writes.iter().map(TablePlace::of).collect(),
            files_read: trace.files_read.clone(),
            files_written: trace.files_written.clone(),
            unclear: trace.unclear.clone(),
        }
    }
}
