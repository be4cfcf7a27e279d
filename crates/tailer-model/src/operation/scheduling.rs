//! What the kinds with tasks share: `start_date`, `schedule_interval`, `catchup`, `task_concurrency` and the graph of
//! their tasks (`spec/data-operations.md`, table-to-table).

use std::collections::BTreeMap;

use super::describe::{Row, Written, yes_no};
use crate::{
    Criticality, Schedule, TaskGraph, TaskId, criticality,
    reader::Fields,
    schedule::{Cron, parse_start_date},
};

const DEFAULT_TASK_CONCURRENCY: u32 = 5;

/// When it runs by itself.
pub(super) fn read_schedule(fields: &Fields<'_>) -> Schedule {
    let start_date = fields.checked("start_date", parse_start_date);
    let interval = fields.checked("schedule_interval", Cron::parse).flatten();
    let catchup = fields.boolean("catchup").unwrap_or(false);
    if interval.is_some() && !fields.has("start_date") {
        fields.warn("schedule_interval", "nothing is scheduled without a \"start_date\"");
    }
    Schedule { start_date, interval, catchup }
}

/// How many tasks of a run work at once.
pub(super) fn read_task_concurrency(fields: &Fields<'_>) -> u32 {
    fields.count("task_concurrency", 1).unwrap_or(DEFAULT_TASK_CONCURRENCY)
}

/// In readable form.
pub(super) fn describe_schedule(schedule: &Schedule, task_concurrency: u32, top: &Written<'_>) -> Vec<Row> {
    let interval = schedule
        .interval
        .as_ref()
        .map_or_else(|| "none: launched by people, calls and workflows".to_owned(), Cron::shown);
    let mut rows = vec![top.row("schedule_interval", "Runs (UTC)", interval)];
    if let Some(day) = schedule.start_date {
        rows.push(top.row("start_date", "From", day));
    }
    rows.push(top.row("catchup", "Makes up for missed runs", yes_no(schedule.catchup)));
    rows.push(top.row("task_concurrency", "Tasks at once", task_concurrency));
    rows
}

/// A task as the graph sees it.
pub(super) struct Node {
    pub(super) id: TaskId,
    pub(super) criticality: Criticality,
    /// JSON path of the task.
    pub(super) path: String,
}

/// The graph of `task_dependencies`; without any, the tasks run in the order written. Repeated ids are errors.
pub(super) fn read_graph(fields: &Fields<'_>, nodes: &[Node]) -> Option<TaskGraph> {
    let mut paths: BTreeMap<&TaskId, &str> = BTreeMap::new();
    for node in nodes {
        if let Some(first) = paths.get(&node.id) {
            fields.reader.error(&node.path, format!("the id \"{}\" is already that of {first}", node.id));
        } else {
            paths.insert(&node.id, &node.path);
        }
    }
    let unique = paths.len() == nodes.len();
    let lines = fields.strings("task_dependencies").unwrap_or_default();
    let ids: Vec<TaskId> = nodes.iter().map(|node| node.id.clone()).collect();
    let order_is_stated = !lines.is_empty();
    let graph = if order_is_stated {
        let mut problems = fields.reader.problems.borrow_mut();
        TaskGraph::parse(ids, &lines, &fields.path_of("task_dependencies"), &mut problems)?
    } else {
        TaskGraph::chain(ids)
    };
    let criticalities: Vec<Criticality> = nodes.iter().map(|node| node.criticality).collect();
    criticality::check_children(
        &graph,
        &criticalities,
        order_is_stated,
        |i| nodes.get(i).map(|node| node.path.clone()).unwrap_or_default(),
        &mut fields.reader.problems.borrow_mut(),
    );
    unique.then_some(graph)
}
