//! What a failed task does to its run (`spec/semantics.md`, Criticality).
//!
//! | criticality | dependants | others | run |
//! | --- | --- | --- | --- |
//! | critical | stop | the run stops | FAILED |
//! | warning | go on | go on | SUCCESS (WARNING) |
//! | transparent | go on | go on | SUCCESS |
//! | break | skipped | go on | SUCCESS (BREAK) |
//! | stop | skipped | go on | SUCCESS (STOP), does not count for workflows |

use crate::{
    Problems, RunStatus, SubStatus, TaskGraph,
    text::{as_text, text_enum},
};

text_enum! {
    /// How much a task's failure matters.
    #[derive(Default)]
    pub enum Criticality {
        /// The run stops and fails: running tasks finish, nothing new starts.
        #[default]
        Critical = "critical",
        /// Everything goes on; the run shows a warning.
        Warning = "warning",
        /// Everything goes on, as if the task had succeeded.
        Transparent = "transparent",
        /// The task's dependants are skipped; the run succeeds.
        Break = "break",
        /// Like break, and the run does not count for workflows.
        Stop = "stop",
    }
}
as_text!(Criticality);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub status: RunStatus,
    pub sub_status: SubStatus,
    /// Whether the run counts as a success for workflows.
    pub counts: bool,
}

impl Criticality {
    /// Whether tasks that wait for a failed task of this kind run all the same.
    #[must_use]
    pub fn dependants_go_on(self) -> bool {
        matches!(self, Self::Warning | Self::Transparent)
    }

    /// Whether a failed task of this kind stops the whole run.
    #[must_use]
    pub fn stops_run(self) -> bool {
        self == Self::Critical
    }

    /// Higher is worse: FAILED, then STOP, BREAK, WARNING.
    fn severity(self) -> u8 {
        match self {
            Self::Transparent => 0,
            Self::Warning => 1,
            Self::Break => 2,
            Self::Stop => 3,
            Self::Critical => 4,
        }
    }

    fn verdict(self) -> Verdict {
        let (status, sub_status, counts) = match self {
            Self::Transparent => (RunStatus::Success, SubStatus::Success, true),
            Self::Warning => (RunStatus::Success, SubStatus::Warning, true),
            Self::Break => (RunStatus::Success, SubStatus::Break, true),
            Self::Stop => (RunStatus::Success, SubStatus::Stop, false),
            Self::Critical => (RunStatus::Failed, SubStatus::Failed, false),
        };
        Verdict { status, sub_status, counts }
    }
}

/// How a run ended whose failed tasks had these criticalities (none: success). The worst wins.
#[must_use]
pub fn verdict(failed: impl IntoIterator<Item = Criticality>) -> Verdict {
    failed.into_iter().max_by_key(|c| c.severity()).unwrap_or(Criticality::Transparent).verdict()
}

/// The rule at deploy: a warning or transparent task must not have a critical child, for the child would run on what
/// the failed task left. An order that the file does not state (tasks in the order written) only gets a warning.
///
/// `criticalities` is in the order of the graph; `path_of` gives the JSON path of a task.
pub(crate) fn check_children(
    graph: &TaskGraph,
    criticalities: &[Criticality],
    order_is_stated: bool,
    path_of: impl Fn(usize) -> String,
    problems: &mut Problems,
) {
    let at = |i: usize| criticalities.get(i).copied().unwrap_or_default();
    for (child, (id, parents)) in graph.ids.iter().zip(&graph.parents).enumerate() {
        if at(child) != Criticality::Critical {
            continue;
        }
        for &parent in parents.iter().filter(|&&p| at(p).dependants_go_on()) {
            let Some(parent_id) = graph.ids.get(parent) else { continue };
            let kind = at(parent);
            if order_is_stated {
                problems.error(
                    format!("{}.criticality", path_of(parent)),
                    format!(
                        "task \"{parent_id}\" is {kind} but task \"{id}\", which waits for it, is critical: make \
                         \"{parent_id}\" critical, or \"{id}\" not critical"
                    ),
                );
            } else {
                problems.warn(
                    format!("{}.criticality", path_of(parent)),
                    format!("task \"{parent_id}\" is {kind}: critical task \"{id}\" runs after it even when it failed"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use Criticality::{Break, Critical, Stop, Transparent, Warning};

    use super::*;

    #[test]
    fn the_table_of_the_specification() {
        let check = |criticality: Criticality, go_on, stops, status, sub_status, counts| {
            assert_eq!(criticality.dependants_go_on(), go_on, "{criticality}");
            assert_eq!(criticality.stops_run(), stops, "{criticality}");
            assert_eq!(verdict([criticality]), Verdict { status, sub_status, counts }, "{criticality}");
            assert_eq!(criticality.as_str().parse(), Ok(criticality));
        };
        check(Critical, false, true, RunStatus::Failed, SubStatus::Failed, false);
        check(Warning, true, false, RunStatus::Success, SubStatus::Warning, true);
        check(Transparent, true, false, RunStatus::Success, SubStatus::Success, true);
        check(Break, false, false, RunStatus::Success, SubStatus::Break, true);
        check(Stop, false, false, RunStatus::Success, SubStatus::Stop, false);
    }

    #[test]
    fn the_worst_wins() {
        let worst_first = [Critical, Stop, Break, Warning, Transparent];
        for (i, worst) in worst_first.into_iter().enumerate() {
            assert_eq!(verdict(worst_first[i..].iter().rev().copied()), verdict([worst]));
        }
        assert_eq!(verdict([]).sub_status, SubStatus::Success);
    }

    #[test]
    fn a_critical_child_is_refused_with_both_names() {
        let ids = ["load", "report"].map(|id| id.parse().unwrap()).to_vec();
        let graph = TaskGraph::chain(ids);
        for (parent, child, errors) in
            [(Warning, Critical, 1), (Transparent, Critical, 1), (Warning, Warning, 0), (Break, Critical, 0)]
        {
            let mut problems = Problems::default();
            check_children(&graph, &[parent, child], true, |i| format!("$.workflow[{i}]"), &mut problems);
            assert_eq!(problems.errors.len(), errors, "{parent} {child}");
            for problem in problems.errors {
                assert_eq!(problem.path, "$.workflow[0].criticality");
                assert!(problem.message.contains("\"load\"") && problem.message.contains("\"report\""));
            }
        }
    }
}
