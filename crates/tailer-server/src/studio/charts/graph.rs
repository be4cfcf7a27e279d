//! The task graph from left to right: a task stands behind all that it waits for.

use std::fmt::Write as _;

use tailer_model::TaskGraph;

use super::{escaped, look, shortened};

/// Draws it. `status` tells the state of a task, `link` where it leads.
pub(in crate::studio) fn graph(
    graph: &TaskGraph,
    status: &dyn Fn(&str) -> Option<String>,
    link: &dyn Fn(&str) -> Option<String>,
) -> String {
    let places = layers(graph);
    let columns = places.iter().map(|place| place.0 + 1).max().unwrap_or(1);
    let rows = places.iter().map(|place| place.1 + 1).max().unwrap_or(1);
    // What is a picture has no links in it.
    let role = if graph.ids.iter().any(|id| link(id.as_str()).is_some()) { "group" } else { "img" };
    let mut svg = format!(
        "<svg class=\"graph\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"{role}\" aria-label=\"Task graph\">",
        220 * columns,
        50 * rows - 6
    );
    for (place, parents) in places.iter().zip(&graph.parents) {
        for parent in parents.iter().filter_map(|parent| places.get(*parent)) {
            let (from_x, from_y) = (220 * parent.0 + 184, 50 * parent.1 + 22);
            let (to_x, to_y) = (220 * place.0 + 4, 50 * place.1 + 22);
            let _infallible = write!(
                svg,
                "<path class=\"edge\" d=\"M{from_x} {from_y}C{} {from_y} {} {to_y} {to_x} {to_y}\"/>",
                from_x + 20,
                to_x - 20
            );
        }
    }
    for (place, id) in places.iter().zip(&graph.ids) {
        let (x, y) = (220 * place.0 + 4, 50 * place.1 + 4);
        let status = status(id.as_str());
        let (class, sign) = status.as_deref().map_or(("none", ""), look);
        let (open, close) = match link(id.as_str()) {
            Some(link) => (format!("<a href=\"{}\">", escaped(&link)), "</a>"),
            None => ("<g>".to_owned(), "</g>"),
        };
        let told = status.map_or_else(|| id.to_string(), |status| format!("{id}: {status}"));
        let _infallible = write!(
            svg,
            "{open}<title>{}</title><rect class=\"node s-{class}\" x=\"{x}\" y=\"{y}\" width=\"180\" height=\"36\" rx=\"5\"/>\
             <text x=\"{}\" y=\"{}\">{sign} {}</text>{close}",
            escaped(&told),
            x + 8,
            y + 23,
            escaped(&shortened(id.as_str(), 22))
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Column and row of each task. Tasks may stand in the file in any order, so columns rise until nothing changes.
fn layers(graph: &TaskGraph) -> Vec<(usize, usize)> {
    let mut columns = vec![0_usize; graph.ids.len()];
    for _ in 0..graph.ids.len() {
        let before = columns.clone();
        for (column, parents) in columns.iter_mut().zip(&graph.parents) {
            let behind = parents.iter().filter_map(|parent| before.get(*parent)).map(|column| column + 1).max();
            *column = behind.unwrap_or(0);
        }
        if columns == before {
            break;
        }
    }
    let mut taken = vec![0_usize; graph.ids.len() + 1];
    let place = |column: usize| {
        let row = taken.get_mut(column).map_or(0, |next| std::mem::replace(next, *next + 1));
        (column, row)
    };
    columns.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_stands_behind_all_that_it_waits_for() {
        let ids = ["d", "a", "b", "c"].map(|id| id.parse().unwrap()).to_vec();
        let mut problems = tailer_model::Problems::default();
        let lines = ["a >> b >> d".to_owned(), "a >> c".to_owned(), "c >> d".to_owned()];
        let read = TaskGraph::parse(ids, &lines, "", &mut problems).unwrap();
        assert_eq!(layers(&read), [(2, 0), (0, 0), (1, 0), (1, 1)]);
        let status = |id: &str| (id == "a").then(|| "FAILED".to_owned());
        let drawn = graph(&read, &status, &|id| (id != "d").then(|| format!("#task-{id}")));
        assert!(drawn.contains("s-bad") && drawn.contains("✗ a") && drawn.contains("a: FAILED"), "{drawn}");
        assert!(drawn.contains("<a href=\"#task-a\">") && !drawn.contains("#task-d"), "{drawn}");
    }
}
