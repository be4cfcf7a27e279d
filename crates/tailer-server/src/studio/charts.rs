//! Runs and tasks as pages show them: colours with signs, strips, and drawings in SVG.
//!
//! A status is never told by its colour alone: a sign and its name go with it.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp, ToSpan};
use tailer_engine::{RunView, TaskView};
use tailer_model::TaskGraph;

/// Colour class and sign of a status or sub-status.
pub(super) fn look(status: &str) -> (&'static str, &'static str) {
    match status {
        "SUCCESS" => ("good", "✓"),
        "CHECKED" => ("good", "☑"),
        "FAILED" | "TIMED_OUT" | "BREAK" => ("bad", "✗"),
        "RUNNING" => ("busy", "▶"),
        "QUEUED" | "PENDING" => ("soft", "…"),
        "WARNING" => ("warn", "!"),
        "NO_MATCH" => ("warn", "?"),
        "CANCELLED" | "STOP" => ("warn", "■"),
        _ => ("soft", "–"),
    }
}

/// A run in a strip or a table.
pub(super) struct RunMark {
    pub(super) run_id: String,
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) shown: String,
    pub(super) start: String,
}

pub(super) fn mark(run: &RunView) -> RunMark {
    // The sub-status tells more (a run that was cancelled has failed), until somebody has checked it.
    let shown = if run.status == "CHECKED" { &run.status } else { &run.sub_status };
    let (class, sign) = look(shown);
    RunMark {
        run_id: run.run_id.to_string(),
        class,
        sign,
        shown: shown.clone(),
        start: moment(&run.start_execution_date),
    }
}

/// RFC 3339 without its fraction, readable: UTC.
pub(super) fn moment(text: &str) -> String {
    text.get(..19).unwrap_or(text).replace('T', " ")
}

/// Bars of the runs of each of the 24 hours before `now`: failed above succeeded.
pub(super) fn timeline(runs: &[RunView], now: Timestamp) -> String {
    let mut hours = [(0_u32, 0_u32, 0_u32); 24];
    for run in runs {
        let Ok(start) = run.start_execution_date.parse::<Timestamp>() else { continue };
        let ago = now.as_second().saturating_sub(start.as_second()).div_euclid(3600);
        let Some(hour) = usize::try_from(ago).ok().and_then(|ago| hours.get_mut(ago)) else { continue };
        match look(&run.status).0 {
            "bad" => hour.2 += 1,
            "busy" => hour.1 += 1,
            _ => hour.0 += 1,
        }
    }
    let most = hours.iter().map(|(a, b, c)| a + b + c).max().unwrap_or(0).max(1);
    let mut svg = String::from(
        "<svg class=\"chart\" viewBox=\"0 0 780 150\" role=\"img\" aria-label=\"Runs started in each of the last 24 hours\">",
    );
    for (ago, (good, busy, bad)) in hours.iter().enumerate() {
        let x = 748 - 32 * ago;
        let mut y = 124;
        for (count, class) in [(good, "good"), (busy, "busy"), (bad, "bad")] {
            if *count > 0 {
                let height = (count * 110 / most).max(3);
                y -= height;
                let _infallible = write!(
                    svg,
                    "<rect class=\"f-{class}\" x=\"{x}\" y=\"{y}\" width=\"26\" height=\"{height}\"><title>{count} {}</title></rect>",
                    match class {
                        "good" => "done",
                        "busy" => "running",
                        _ => "failed",
                    }
                );
            }
        }
        if ago % 4 == 0 {
            let hour = now.checked_sub(i64::try_from(ago).unwrap_or(0).hours()).unwrap_or(now);
            let _infallible =
                write!(svg, "<text class=\"axis middle\" x=\"{}\" y=\"142\">{}</text>", x + 13, hour.strftime("%H:%M"));
        }
    }
    svg.push_str("</svg>");
    svg
}

/// When each task ran, one bar a task.
pub(super) fn gantt(tasks: &[TaskView], now: Timestamp) -> String {
    let at = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let Some(first) = tasks.iter().filter_map(|task| at(&task.start_date)).min() else { return String::new() };
    let last =
        tasks.iter().filter(|task| task.start_date.is_some()).map(|task| at(&task.end_date).unwrap_or(now)).max();
    let whole = last.unwrap_or(now).duration_since(first).as_millis().max(1);
    let height = 26 * tasks.len() + 4;
    let mut svg =
        format!("<svg class=\"chart\" viewBox=\"0 0 900 {height}\" role=\"img\" aria-label=\"When each task ran\">");
    for (row, task) in tasks.iter().enumerate() {
        let y = 26 * row + 4;
        let (class, sign) = look(&task.status);
        let _infallible = write!(
            svg,
            "<text x=\"0\" y=\"{}\">{sign} {}</text>",
            y + 14,
            escaped(&shortened(task.task_id.as_str(), 32))
        );
        let Some(start) = at(&task.start_date) else { continue };
        let end = at(&task.end_date).unwrap_or(now).max(start);
        let x = 240 + start.duration_since(first).as_millis() * 580 / whole;
        let took = end.duration_since(start);
        let width = (took.as_millis() * 580 / whole).max(3);
        let _infallible = write!(
            svg,
            "<rect class=\"f-{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"18\" rx=\"2\"><title>{}</title></rect>\
             <text class=\"axis\" x=\"{}\" y=\"{}\">{}</text>",
            task.status,
            x + width + 4,
            y + 14,
            length(took)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// `340 ms`, `12.5 s`, `1:02:03`
fn length(took: SignedDuration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0 => format!("{} ms", took.as_millis()),
        1..60 => format!("{:.1} s", took.as_secs_f64()),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

/// The task graph from left to right: a task stands behind all that it waits for.
pub(super) fn graph(graph: &TaskGraph, status: &dyn Fn(&str) -> Option<String>) -> String {
    linked_graph(graph, status, &|_| None)
}

/// The same where a task may lead somewhere.
pub(super) fn linked_graph(
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
        50 * rows + 8
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
        let now = status(id.as_str());
        let (class, sign) = now.as_deref().map_or(("none", ""), look);
        let (open, close) = match link(id.as_str()) {
            Some(to) => (format!("<a href=\"{}\">", escaped(&to)), "</a>"),
            None => ("<g>".to_owned(), "</g>"),
        };
        let _infallible = write!(
            svg,
            "{open}<title>{}{}</title><rect class=\"node s-{class}\" x=\"{x}\" y=\"{y}\" width=\"180\" height=\"36\" rx=\"5\"/>\
             <text x=\"{}\" y=\"{}\">{sign} {}</text>{close}",
            escaped(id.as_str()),
            now.map(|now| format!(" {now}")).unwrap_or_default(),
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

pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
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
        let drawn = graph(&read, &|id| (id == "a").then(|| "FAILED".to_owned()));
        assert!(drawn.contains("s-bad") && drawn.contains("✗ a"), "{drawn}");
    }

    #[test]
    fn names_are_escaped_and_cut() {
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
        assert_eq!(shortened("abcdef", 4), "abc…");
    }
}
