//! When each task ran, one row a task: what it waited for the tasks before it, its attempts, itself, over an axis of time.

use std::{collections::HashMap, fmt::Write as _};

use jiff::{SignedDuration, Timestamp};
use tailer_engine::TaskView;
use tailer_model::TaskGraph;

use super::{escaped, length, look, shortened};

const LEFT: i64 = 236;
const WIDTH: i64 = 580;
const ROW: i64 = 26;
const TOP: i64 = 22;
/// Steps of the axis, in milliseconds: the first that gives no more than six.
const STEPS: [i64; 22] = [
    10,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    21_600_000,
    86_400_000,
    604_800_000,
];

/// The span of time that is drawn.
struct Span {
    first: Timestamp,
    millis: i64,
}

impl Span {
    /// Where a moment is, never outside.
    fn x(&self, at: Timestamp) -> i64 {
        let since = millis(at.duration_since(self.first)).clamp(0, self.millis);
        LEFT + since.saturating_mul(WIDTH) / self.millis
    }
}

/// Draws the tasks of a run that began at `began`; nothing before the first of them has started.
pub(in crate::studio) fn gantt(
    tasks: &[TaskView],
    graph: Option<&TaskGraph>,
    began: Option<Timestamp>,
    now: Timestamp,
) -> String {
    let starts = tasks.iter().filter_map(first_start);
    let Some(first) = starts.min() else { return String::new() };
    let first = began.map_or(first, |began| began.min(first));
    let ends =
        tasks.iter().filter(|task| task.start_date.is_some()).map(|task| at(task.end_date.as_ref()).unwrap_or(now));
    let last = ends.max().unwrap_or(now);
    let span = Span { first, millis: millis(last.duration_since(first)).max(1) };
    let height = TOP + ROW * i64::try_from(tasks.len()).unwrap_or(0) + 4;
    let mut svg = format!(
        "<svg class=\"chart gantt\" viewBox=\"0 0 900 {height}\" role=\"group\" aria-label=\"When each task ran\">"
    );
    axis(&mut svg, &span, height);
    let ready = ready(tasks, graph);
    for (task, row) in tasks.iter().zip(0..) {
        draw(&mut svg, &span, task, TOP + ROW * row, ready.get(task.task_id.as_str()).copied().unwrap_or(first), now);
    }
    svg.push_str("</svg>");
    svg
}

/// When all that a task waits for had ended.
fn ready<'a>(tasks: &'a [TaskView], graph: Option<&TaskGraph>) -> HashMap<&'a str, Timestamp> {
    let Some(graph) = graph else { return HashMap::new() };
    let ends: HashMap<&str, Timestamp> =
        tasks.iter().filter_map(|task| Some((task.task_id.as_str(), at(task.end_date.as_ref())?))).collect();
    let behind = |task: &'a TaskView| {
        let place = graph.ids.iter().position(|id| *id == task.task_id)?;
        let parents = graph.parents.get(place)?.iter().filter_map(|parent| graph.ids.get(*parent));
        let ready = parents.filter_map(|parent| ends.get(parent.as_str()).copied()).max()?;
        Some((task.task_id.as_str(), ready))
    };
    tasks.iter().filter_map(behind).collect()
}

fn axis(svg: &mut String, span: &Span, height: i64) {
    let step = STEPS.into_iter().find(|step| span.millis / step <= 6).unwrap_or(span.millis);
    for tick in (0..=span.millis / step).take(8).map(|n| n * step) {
        let Ok(at) = span.first.checked_add(SignedDuration::from_millis(tick)) else { break };
        let x = span.x(at);
        let label = if tick == 0 {
            at.strftime("%H:%M:%S").to_string()
        } else {
            format!("+{}", length(SignedDuration::from_millis(tick)))
        };
        let _infallible = write!(
            svg,
            "<line class=\"grid\" x1=\"{x}\" y1=\"{TOP}\" x2=\"{x}\" y2=\"{height}\"/>\
             <text class=\"axis middle\" x=\"{x}\" y=\"14\">{label}</text>"
        );
    }
}

fn draw(svg: &mut String, span: &Span, task: &TaskView, y: i64, ready: Timestamp, now: Timestamp) {
    let (class, sign) = look(&task.status);
    let id = escaped(task.task_id.as_str());
    let _infallible = write!(
        svg,
        "<a href=\"#task-{id}\"><title>{id}: {}</title><text x=\"0\" y=\"{}\">{sign} {}</text></a>",
        task.status,
        y + 14,
        escaped(&shortened(task.task_id.as_str(), 30))
    );
    let Some(begin) = first_start(task) else { return };
    line(svg, span, (ready, begin), y, "waited");
    let mut idle = None;
    for attempt in &task.attempts {
        let (Some(from), Some(to)) = (at(attempt.start_date.as_ref()), at(Some(&attempt.end_date))) else { continue };
        if at(task.start_date.as_ref()) == Some(from) {
            // The last attempt is the task itself.
            continue;
        }
        let title =
            format!("attempt {} failed after {}: {}", attempt.attempt, length(to.duration_since(from)), attempt.error);
        bar(svg, span, (from, to), y, "f-bad tried", &title);
        idle = Some(to);
    }
    let Some(from) = at(task.start_date.as_ref()) else { return };
    if let Some(idle) = idle {
        line(svg, span, (idle, from), y, "waited between attempts");
    }
    let to = at(task.end_date.as_ref()).unwrap_or(now).max(from);
    let took = length(to.duration_since(from));
    let end = bar(svg, span, (from, to), y, &format!("f-{class}"), &format!("{}: {took}", task.status));
    let _infallible = write!(svg, "<text class=\"axis\" x=\"{}\" y=\"{}\">{took}</text>", end + 5, y + 14);
}

/// Answers where it ends.
fn bar(svg: &mut String, span: &Span, (from, to): (Timestamp, Timestamp), y: i64, class: &str, title: &str) -> i64 {
    let x = span.x(from);
    let width = (span.x(to) - x).max(3);
    let _infallible = write!(
        svg,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"18\" rx=\"2\"><title>{}</title></rect>",
        escaped(title)
    );
    x + width
}

fn line(svg: &mut String, span: &Span, (from, to): (Timestamp, Timestamp), y: i64, why: &str) {
    let (from_x, to_x) = (span.x(from), span.x(to));
    if to_x > from_x {
        let _infallible = write!(
            svg,
            "<line class=\"wait\" x1=\"{from_x}\" y1=\"{0}\" x2=\"{to_x}\" y2=\"{0}\"><title>{why} {1}</title></line>",
            y + 9,
            length(to.duration_since(from))
        );
    }
}

fn first_start(task: &TaskView) -> Option<Timestamp> {
    let attempts = task.attempts.iter().filter_map(|attempt| at(attempt.start_date.as_ref()));
    attempts.chain(at(task.start_date.as_ref())).min()
}

fn at(text: Option<&String>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tailer_engine::AttemptView;

    use super::*;

    fn task(id: &str, start: Option<&str>, end: Option<&str>) -> TaskView {
        let at = |time: &str| format!("2026-05-04T10:{time}Z");
        TaskView {
            task_id: id.parse().unwrap(),
            task_type: "sql".into(),
            status: if end.is_some() { "SUCCESS" } else { "RUNNING" }.into(),
            criticality: "critical".into(),
            attempt: 1,
            due_date: None,
            attempts: Vec::new(),
            start_date: start.map(at),
            end_date: end.map(at),
            statistics: Value::Null,
            sql: None,
            error: None,
        }
    }

    fn moment(time: &str) -> Timestamp {
        format!("2026-05-04T10:{time}Z").parse().unwrap()
    }

    #[test]
    fn a_task_is_drawn_with_what_it_waited_and_its_attempts() {
        let mut second = task("second", Some("00:08"), None);
        second.attempts = vec![AttemptView {
            attempt: 1,
            start_date: Some("2026-05-04T10:00:04Z".into()),
            end_date: "2026-05-04T10:00:05Z".into(),
            error: "no <table>".into(),
        }];
        let tasks = [task("first", Some("00:00"), Some("00:02")), second];
        let mut problems = tailer_model::Problems::default();
        let ids = ["first", "second"].map(|id| id.parse().unwrap()).to_vec();
        let graph = TaskGraph::parse(ids, &["first >> second".to_owned()], "", &mut problems).unwrap();
        let drawn = gantt(&tasks, Some(&graph), Some(moment("00:00")), moment("00:10"));
        for expect in [
            "waited 2.0 s",
            "waited between attempts 3.0 s",
            "attempt 1 failed after 1.0 s: no &lt;table&gt;",
            "SUCCESS: 2.0 s",
            "RUNNING: 2.0 s",
            ">10:00:00<",
            ">+10.0 s<",
            "href=\"#task-second\"",
        ] {
            assert!(drawn.contains(expect), "without {expect}: {drawn}");
        }
    }

    #[test]
    fn nothing_is_drawn_before_anything_has_started() {
        assert_eq!(gantt(&[task("first", None, None)], None, Some(moment("00:00")), moment("00:01")), "");
    }

    #[test]
    fn the_axis_has_few_steps_however_long_it_is() {
        for seconds in [0, 1, 7, 60, 3_600, 86_400, 8_640_000] {
            let now = moment("00:00") + SignedDuration::from_secs(seconds);
            let drawn = gantt(&[task("first", Some("00:00"), None)], None, None, now);
            let ticks = drawn.matches("class=\"grid\"").count();
            assert!((1..=8).contains(&ticks), "{ticks} of {seconds} s");
        }
    }
}
