//! Task dependencies: the grammar `a >> b`, `a, b`, `[a, b] >> c` and the graph it makes
//! (`spec/data-operations.md`, table-to-table).

use crate::TaskId;

/// Which tasks wait for which. Indices are positions in `ids`, which keeps the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskGraph {
    pub ids: Vec<TaskId>,
    /// `parents[i]`: the tasks that task `i` waits for, ascending, without repeats.
    pub parents: Vec<Vec<usize>>,
}

// CONTRACT:
// impl TaskGraph {
//     /// Tasks one after the other, in the order given.
//     pub fn chain(ids: Vec<TaskId>) -> Self
//     /// Parses dependency lines; problems carry `$.task_dependencies[i]`. Unknown ids, cycles (printed), bad syntax are errors.
//     pub fn parse(ids: Vec<TaskId>, lines: &[String], path: &str, problems: &mut Problems) -> Option<Self>
//     pub fn children(&self, i: usize) -> impl Iterator<Item = usize>
// }
