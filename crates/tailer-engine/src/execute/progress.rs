//! How far a run has come: which task may start, which are skipped, when it is over. Pure: the driver asks and tells.

use std::collections::BTreeSet;

use tailer_model::{
    Criticality, RunStatus, SubStatus, TaskGraph, TaskStatus,
    criticality::{Verdict, verdict},
};

/// The states of the tasks of one run, under the rules of `spec/semantics.md`, Criticality.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    graph: TaskGraph,
    criticality: Vec<Criticality>,
    status: Vec<TaskStatus>,
    /// Tasks that wait for their next attempt.
    held: BTreeSet<usize>,
    /// Why nothing new starts any more: `CANCELLED` or `TIMED_OUT`.
    stopped: Option<SubStatus>,
}

impl Progress {
    pub(crate) fn new(graph: TaskGraph, criticality: Vec<Criticality>) -> Self {
        let status = vec![TaskStatus::Pending; criticality.len()];
        Self { graph, criticality, status, held: BTreeSet::new(), stopped: None }
    }

    pub(crate) fn set(&mut self, task: usize, status: TaskStatus) {
        if let Some(slot) = self.status.get_mut(task) {
            *slot = status;
        }
    }

    /// Nothing new starts any more, for this reason; the first one holds.
    pub(crate) fn stop(&mut self, why: SubStatus) {
        self.stopped.get_or_insert(why);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// A task that failed waits for its next attempt, and takes no slot meanwhile.
    pub(crate) fn hold(&mut self, task: usize) {
        self.set(task, TaskStatus::Pending);
        self.held.insert(task);
    }

    /// The next attempt may begin.
    pub(crate) fn release(&mut self, task: usize) {
        self.held.remove(&task);
    }

    fn failed(&self) -> impl Iterator<Item = Criticality> + '_ {
        self.status.iter().zip(&self.criticality).filter(|(s, _)| **s == TaskStatus::Failed).map(|(_, c)| *c)
    }

    /// Whether a critical failure or a cancellation keeps further tasks from starting.
    pub(crate) fn halted(&self) -> bool {
        self.stopped.is_some() || self.failed().any(Criticality::stops_run)
    }

    fn running(&self) -> usize {
        self.status.iter().filter(|s| **s == TaskStatus::Running).count()
    }

    /// Whether a task's parent keeps it from ever running.
    fn is_barred(&self, parent: usize) -> bool {
        match self.status.get(parent) {
            Some(TaskStatus::Skipped | TaskStatus::Cancelled) => true,
            Some(TaskStatus::Failed) => !self.criticality.get(parent).is_some_and(|c| c.dependants_go_on()),
            _ => false,
        }
    }

    fn is_done(&self, task: usize) -> bool {
        !matches!(self.status.get(task), Some(TaskStatus::Pending | TaskStatus::Running))
    }

    pub(crate) fn is_pending(&self, task: usize) -> bool {
        self.status.get(task) == Some(&TaskStatus::Pending)
    }

    /// Marks as skipped what can never run now; answers which.
    pub(crate) fn skip(&mut self) -> Vec<usize> {
        let mut skipped = Vec::new();
        loop {
            let halted = self.halted();
            let next: Vec<usize> = (0..self.status.len())
                .filter(|i| self.status.get(*i) == Some(&TaskStatus::Pending))
                .filter(|i| halted || self.parents(*i).iter().any(|p| self.is_barred(*p)))
                .collect();
            if next.is_empty() {
                return skipped;
            }
            for task in next {
                self.set(task, TaskStatus::Skipped);
                skipped.push(task);
            }
        }
    }

    fn parents(&self, task: usize) -> &[usize] {
        self.graph.parents.get(task).map_or(&[], Vec::as_slice)
    }

    /// Tasks that may start now, in the order of the file, at most so many that `concurrency` run.
    pub(crate) fn ready(&self, concurrency: usize) -> Vec<usize> {
        if self.halted() {
            return Vec::new();
        }
        (0..self.status.len())
            .filter(|i| self.status.get(*i) == Some(&TaskStatus::Pending))
            .filter(|i| !self.held.contains(i) && self.parents(*i).iter().all(|p| self.is_done(*p)))
            .take(concurrency.saturating_sub(self.running()))
            .collect()
    }

    pub(crate) fn is_over(&self) -> bool {
        (0..self.status.len()).all(|i| self.is_done(i))
    }

    /// How the run ended. Ask once it is over.
    pub(crate) fn verdict(&self) -> Verdict {
        if let Some(sub_status) = self.stopped {
            return Verdict { status: RunStatus::Failed, sub_status, counts: false };
        }
        verdict(self.failed())
    }
}

#[cfg(test)]
mod tests {
    use tailer_model::{Problems, TaskId};

    use super::*;

    fn progress(ids: &str, lines: &[&str], criticality: &[(usize, Criticality)]) -> Progress {
        let ids: Vec<TaskId> = ids.split(' ').map(|id| id.parse().unwrap()).collect();
        let lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        let mut problems = Problems::default();
        let mut each = vec![Criticality::Critical; ids.len()];
        for (i, c) in criticality {
            each[*i] = *c;
        }
        Progress::new(TaskGraph::parse(ids, &lines, "$", &mut problems).unwrap(), each)
    }

    /// Runs all tasks in waves; those in `failing` fail. Answers the states and the verdict.
    fn play(mut p: Progress, failing: &[usize]) -> (String, Verdict) {
        while !p.is_over() {
            let ready = p.ready(usize::MAX);
            assert!(!ready.is_empty(), "stuck: {p:?}");
            for task in &ready {
                p.set(*task, TaskStatus::Running);
            }
            for task in ready {
                let status = if failing.contains(&task) { TaskStatus::Failed } else { TaskStatus::Success };
                p.set(task, status);
            }
            p.skip();
        }
        let letters =
            p.status.iter().map(|s| s.as_str().chars().next().unwrap()).map(|c| if c == 'S' { 'S' } else { c });
        let states: String = letters.collect();
        (states, p.verdict())
    }

    #[test]
    fn each_criticality_has_its_effect() {
        use Criticality::{Break, Critical, Stop, Transparent, Warning};
        // a >> b >> c, and d on its own after x; a fails. SKIPPED and SUCCESS both begin with S: sub_status tells.
        for (criticality, sub_status, counts, c_runs) in [
            (Warning, SubStatus::Warning, true, true),
            (Transparent, SubStatus::Success, true, true),
            (Break, SubStatus::Break, true, false),
            (Stop, SubStatus::Stop, false, false),
            (Critical, SubStatus::Failed, false, false),
        ] {
            let mut p = progress("a b c x d", &["a >> b >> c", "x >> d"], &[(0, criticality)]);
            p.set(0, TaskStatus::Failed);
            p.skip();
            assert_eq!(p.status[2] == TaskStatus::Pending, c_runs, "{criticality}");
            assert_eq!(p.status[4] == TaskStatus::Pending, criticality != Critical, "{criticality}");
            let (_, verdict) = play(p, &[]);
            assert_eq!((verdict.sub_status, verdict.counts), (sub_status, counts), "{criticality}");
        }
    }

    #[test]
    fn the_worst_wins() {
        let p = progress(
            "a b c",
            &["a, b, c"],
            &[(0, Criticality::Warning), (1, Criticality::Stop), (2, Criticality::Break)],
        );
        assert_eq!(play(p, &[0, 1, 2]).1.sub_status, SubStatus::Stop);
    }

    #[test]
    fn concurrency_bounds_what_starts() {
        let mut p = progress("a b c", &["a, b, c"], &[]);
        assert_eq!(p.ready(2), [0, 1]);
        p.set(0, TaskStatus::Running);
        p.set(1, TaskStatus::Running);
        assert!(p.ready(2).is_empty());
        p.set(0, TaskStatus::Success);
        assert_eq!(p.ready(2), [2]);
    }

    #[test]
    fn a_cancelled_run_starts_nothing_and_counts_for_nothing() {
        let mut p = progress("a b", &["a >> b"], &[]);
        p.stop(SubStatus::Cancelled);
        p.set(0, TaskStatus::Cancelled);
        p.skip();
        assert!(p.is_over());
        assert_eq!((p.verdict().sub_status, p.verdict().counts), (SubStatus::Cancelled, false));
    }

    #[test]
    fn a_task_that_waits_for_its_next_attempt_takes_no_slot() {
        let mut p = progress("a b", &["a, b"], &[]);
        p.hold(0);
        assert_eq!(p.ready(1), [1]);
        assert!(!p.is_over() && p.skip().is_empty());
        p.release(0);
        assert_eq!(p.ready(1), [0]);
        p.hold(0);
        p.stop(SubStatus::TimedOut);
        p.stop(SubStatus::Cancelled);
        assert_eq!(p.skip(), [0, 1]);
        assert_eq!(p.verdict().sub_status, SubStatus::TimedOut, "the first reason holds");
    }
}
