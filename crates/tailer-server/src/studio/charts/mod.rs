//! Runs and tasks as pages show them: colours with signs, strips, and drawings in SVG.
//!
//! A status is never told by its colour alone: a sign and its name go with it.

mod gantt;
mod graph;
mod timeline;

use jiff::SignedDuration;
use tailer_engine::RunView;

pub(super) use gantt::gantt;
pub(super) use graph::graph;
pub(super) use timeline::{LEGEND, figures, of_class, timeline};

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

/// The longest that one of some runs took: what their bars are parts of.
pub(super) fn longest(runs: &[RunView]) -> SignedDuration {
    runs.iter().map(|run| run.took).max().unwrap_or_default()
}

/// How long a run took, as a part of the longest.
pub(super) fn bar(run: &RunView, longest: &SignedDuration) -> String {
    let part = run.took.as_millis().saturating_mul(100) / longest.as_millis().max(1);
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"f-{}\" width=\"{}\" height=\"4\"/></svg>",
        mark(run).class,
        part.clamp(1, 100)
    )
}

/// `340 ms`, `12.5 s`, `1:02:03`
pub(super) fn length(took: SignedDuration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0 => format!("{} ms", took.as_millis()),
        1..60 => format!("{:.1} s", took.as_secs_f64()),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
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
    fn names_are_escaped_and_cut() {
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
        assert_eq!(shortened("abcdef", 4), "abc…");
    }
}
