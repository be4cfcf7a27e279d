//! Which task waits for which (`spec/data-operations.md`, table-to-table, `task_dependencies`).
//!
//! The grammar (in `graph/syntax.rs`): `a >> b >> c`; `[a, b] >> c >> [d, e]` joins every task of one group to every task of
//! the next; a comma outside brackets puts chains side by side; several lines add up. A task that no line names waits
//! for nothing. This module joins the lines into one graph and refuses cycles, printing them.

mod cycle;
mod syntax;

use std::collections::{BTreeMap, BTreeSet};

use crate::{Problems, TaskId, suggest};

/// More joins than any real operation has; a bound on what a hostile line of groups can make the server hold.
const MAX_DEPENDENCIES: usize = 1_000_000;

/// Unknown names that get a hint.
const MAX_HINTS: usize = 10;

/// Which tasks wait for which. Indices are positions in `ids`, which keeps the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskGraph {
    pub ids: Vec<TaskId>,
    /// `parents[i]`: the tasks that task `i` waits for, ascending, without repeats.
    pub parents: Vec<Vec<usize>>,
}

impl TaskGraph {
    /// Tasks one after the other, in the order given.
    #[must_use]
    pub fn chain(ids: Vec<TaskId>) -> Self {
        let parents = (0..ids.len()).map(|i| i.checked_sub(1).into_iter().collect()).collect();
        Self { ids, parents }
    }

    /// Tasks that wait for nothing.
    #[must_use]
    pub fn independent(ids: Vec<TaskId>) -> Self {
        let parents = vec![Vec::new(); ids.len()];
        Self { ids, parents }
    }

    /// Reads dependency lines; line `i` is at `<path>[i]`. Bad syntax, unknown tasks and cycles are errors; `None`
    /// when there was one.
    pub fn parse(ids: Vec<TaskId>, lines: &[String], path: &str, problems: &mut Problems) -> Option<Self> {
        let errors_before = problems.errors.len();
        let mut parents = vec![BTreeSet::new(); ids.len()];
        {
            let mut names = Names::of(&ids);
            let mut joins = 0_usize;
            for (number, line) in lines.iter().enumerate() {
                let path = format!("{path}[{number}]");
                read_line(line, &mut names, &path, problems, &mut |earlier, later| {
                    joins = joins.saturating_add(earlier.len().saturating_mul(later.len()));
                    if joins > MAX_DEPENDENCIES {
                        return false;
                    }
                    for &child in later {
                        if let Some(waits_for) = parents.get_mut(child) {
                            waits_for.extend(earlier.iter().copied());
                        }
                    }
                    true
                });
            }
        }
        let parents = parents.into_iter().map(|set| set.into_iter().collect()).collect();
        let graph = Self { ids, parents };
        if let Some(cycle) = cycle::find(&graph.parents) {
            let names: Vec<&str> = cycle.iter().filter_map(|&i| graph.ids.get(i)).map(TaskId::as_str).collect();
            problems.error(path, format!("the tasks wait for each other in a circle: {}", names.join(" >> ")));
        }
        (problems.errors.len() == errors_before).then_some(graph)
    }

    /// The tasks that wait for task `i`, ascending.
    pub fn children(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        self.parents.iter().enumerate().filter(move |(_, waits_for)| waits_for.contains(&i)).map(|(child, _)| child)
    }

    /// Every task that waits for task `i`, directly or through others, ascending.
    #[must_use]
    pub fn descendants(&self, i: usize) -> Vec<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![i];
        while let Some(task) = open.pop() {
            open.extend(self.children(task).filter(|child| found.insert(*child)).collect::<Vec<_>>());
        }
        found.into_iter().collect()
    }

    /// The position of a task.
    #[must_use]
    pub fn position(&self, id: &TaskId) -> Option<usize> {
        self.ids.iter().position(|known| known == id)
    }
}

/// Where each task is, by its name.
struct Names<'a> {
    positions: BTreeMap<&'a str, usize>,
    /// Comparing a name with every task takes time: a few hints are enough for a person.
    hints_left: usize,
}

impl<'a> Names<'a> {
    fn of(ids: &'a [TaskId]) -> Self {
        let mut positions = BTreeMap::new();
        for (i, id) in ids.iter().enumerate() {
            positions.entry(id.as_str()).or_insert(i);
        }
        Self { positions, hints_left: MAX_HINTS }
    }

    fn position(&mut self, name: &str) -> Result<usize, String> {
        if let Some(position) = self.positions.get(name) {
            return Ok(*position);
        }
        let hint = match self.hints_left.checked_sub(1) {
            Some(left) => {
                self.hints_left = left;
                suggest::hint(name, self.positions.keys().copied())
            }
            None => String::new(),
        };
        Err(format!("there is no task \"{name}\"{hint}"))
    }
}

/// Reads one line and calls `join` with each pair of neighbouring groups; `join` says no when there are too many.
fn read_line(
    line: &str,
    names: &mut Names<'_>,
    path: &str,
    problems: &mut Problems,
    join: &mut impl FnMut(&[usize], &[usize]) -> bool,
) {
    let chains = match syntax::parse(line) {
        Ok(chains) => chains,
        Err(message) => return problems.error(path, message),
    };
    if chains.len() > 1 && chains.iter().any(|chain| chain.len() > 1) {
        problems.warn(
            path,
            "the comma outside brackets starts a chain of its own that waits for nothing on its left: write \
             \"a >> [b, c]\" when b and c both wait for a",
        );
    }
    let mut unknown = BTreeSet::new();
    for chain in chains {
        let mut earlier: Option<Vec<usize>> = None;
        for group in chain {
            let mut later = Vec::with_capacity(group.len());
            for name in group {
                match names.position(name) {
                    Ok(position) => later.push(position),
                    Err(message) if unknown.insert(name) => problems.error(path, message),
                    Err(_) => {}
                }
            }
            if let Some(earlier) = &earlier
                && !join(earlier, &later)
            {
                return problems.error(path, format!("more than {MAX_DEPENDENCIES} dependencies"));
            }
            earlier = Some(later);
        }
    }
}

#[cfg(test)]
mod tests;
