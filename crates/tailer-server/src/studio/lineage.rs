//! The lineage of a table as a drawing: what its writers read, the writers, the table, its readers, what those write. Left to right,
//! every node a link. The same stands in the page as lists, for whoever cannot see it and for what does not fit.

use std::{collections::BTreeSet, fmt::Write as _};

use tailer_engine::{TablePlace, TaskUse};

use super::{
    charts::{escaped, shortened},
    pages::catalog::Place,
};

/// Nodes of a column.
const MOST: usize = 12;
const WIDTH: usize = 196;
const HEIGHT: usize = 42;
const ACROSS: usize = 240;
const DOWN: usize = 54;

/// A box of two lines.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    /// What it is, the same for the same thing.
    key: String,
    class: &'static str,
    link: String,
    first: String,
    second: String,
}

/// An empty drawing for a table that nobody reads or writes.
pub(super) fn of_table(place: &Place, here: &TablePlace, writers: &[TaskUse], readers: &[TaskUse]) -> String {
    let mut columns: [Vec<Node>; 5] = Default::default();
    let mut edges: Vec<(usize, String, String)> = Vec::new();
    let table = table_node(place, here, here);
    let [sources, before, middle, after, results] = &mut columns;
    middle.push(Node { class: "lineage-here", ..table.clone() });
    for writer in writers {
        let task = task_node(place, writer);
        edges.push((1, task.key.clone(), table.key.clone()));
        for source in beside(place, here, writer, &writer.reads, &writer.files_read) {
            edges.push((0, source.key.clone(), task.key.clone()));
            add(sources, source);
        }
        add(before, task);
    }
    for reader in readers {
        let task = task_node(place, reader);
        edges.push((2, table.key.clone(), task.key.clone()));
        for result in beside(place, here, reader, &reader.writes, &reader.files_written) {
            edges.push((3, task.key.clone(), result.key.clone()));
            add(results, result);
        }
        add(after, task);
    }
    if writers.is_empty() && readers.is_empty() {
        return String::new();
    }
    drawn(&columns, &edges)
}

fn add(column: &mut Vec<Node>, node: Node) {
    if !column.iter().any(|known| known.key == node.key) {
        column.push(node);
    }
}

fn beside(place: &Place, here: &TablePlace, task: &TaskUse, tables: &[TablePlace], files: &[String]) -> Vec<Node> {
    let tables = tables.iter().filter(|table| *table != here).map(|table| {
        let node = table_node(place, here, table);
        // Of a table that only a run knows, its task is the next best.
        if table.is_known { node } else { Node { link: place.operation(&task.operation), ..node } }
    });
    let files = files.iter().map(|file| {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        Node {
            key: file.clone(),
            class: "lineage-file",
            link: place.operation(&task.operation),
            first: name.to_owned(),
            second: folder.to_owned(),
        }
    });
    tables.chain(files).collect()
}

fn table_node(place: &Place, here: &TablePlace, table: &TablePlace) -> Node {
    let TablePlace { project, dataset, table, .. } = table;
    Node {
        key: format!("{project}.{dataset}.{table}"),
        class: "lineage-table",
        link: place.address(&[project, dataset, table], &[]),
        first: table.clone(),
        second: if *project == here.project { dataset.clone() } else { format!("{project}.{dataset}") },
    }
}

fn task_node(place: &Place, task: &TaskUse) -> Node {
    let link = place.operation(&task.operation);
    Node {
        key: format!("{link} {}", task.task),
        class: "lineage-task",
        first: task.operation.configuration_id.clone(),
        second: match task.task == task.task_type {
            true => task.task.clone(),
            false => format!("{} ({})", task.task, task.task_type),
        },
        link,
    }
}

fn drawn(columns: &[Vec<Node>; 5], edges: &[(usize, String, String)]) -> String {
    let rows = columns.iter().map(|column| column.len().min(MOST)).max().unwrap_or(1).max(1);
    let used: Vec<usize> = (0..columns.len()).filter(|at| columns.get(*at).is_some_and(|c| !c.is_empty())).collect();
    let place = |column: usize, key: &str| {
        let nodes = columns.get(column)?;
        let shown = nodes.len().min(MOST);
        let row = nodes.iter().position(|node| node.key == key)?;
        // The last of a column that is too long stands for the rest.
        let row = if nodes.len() > MOST { row.min(MOST - 1) } else { row };
        let x = ACROSS * used.iter().position(|at| *at == column)? + 4;
        Some((x, DOWN * row + DOWN * (rows - shown) / 2 + 6))
    };
    let mut svg = format!(
        "<svg class=\"lineage\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"group\" aria-label=\"Lineage\">",
        ACROSS * used.len() - (ACROSS - WIDTH) + 8,
        DOWN * rows + 4
    );
    // Those of nodes that are not shown by themselves fall together.
    let between = edges.iter().filter_map(|(column, from, to)| Some((place(*column, from)?, place(column + 1, to)?)));
    for (from, to) in between.collect::<BTreeSet<_>>() {
        let (x1, y1, x2, y2) = (from.0 + WIDTH, from.1 + HEIGHT / 2, to.0, to.1 + HEIGHT / 2);
        let (out, into) = (x1 + 22, x2.saturating_sub(22));
        let _infallible = write!(svg, "<path class=\"edge\" d=\"M{x1} {y1}C{out} {y1} {into} {y2} {x2} {y2}\"/>");
    }
    for (at, column) in columns.iter().enumerate() {
        for (row, node) in column.iter().take(MOST).enumerate() {
            let Some((x, y)) = place(at, &node.key) else { continue };
            let rest = column.len() - MOST.min(column.len());
            if rest > 0 && row + 1 == MOST {
                let more = format!("{} more", rest + 1);
                boxed(&mut svg, (x, y), "lineage-more", "#lists", (&more, "in the lists below"));
            } else {
                boxed(&mut svg, (x, y), node.class, &node.link, (&node.first, &node.second));
            }
        }
    }
    svg.push_str("</svg>");
    svg
}

fn boxed(svg: &mut String, (x, y): (usize, usize), class: &str, link: &str, (first, second): (&str, &str)) {
    let (link, title) = (escaped(link), escaped(&format!("{first}, {second}")));
    let (short, shorter) = (escaped(&shortened(first, 22)), escaped(&shortened(second, 29)));
    let (text, upper, lower) = (x + 9, y + 18, y + 34);
    let _infallible = write!(
        svg,
        "<a href=\"{link}\"><title>{title}</title>\
         <rect class=\"node {class}\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"5\"/>\
         <text x=\"{text}\" y=\"{upper}\">{short}</text>\
         <text class=\"axis\" x=\"{text}\" y=\"{lower}\">{shorter}</text></a>"
    );
}

#[cfg(test)]
mod tests;
