//! Runs as they go: a bar a run on a terminal, a line a change elsewhere. Standard error only.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::{client::text, commands::run_view, output};

/// How the runs are shown.
#[derive(Debug)]
pub(super) struct Progress {
    started: Instant,
    /// `None` where nobody watches.
    bars: Option<MultiProgress>,
    shown: BTreeMap<String, Shown>,
}

#[derive(Debug)]
struct Shown {
    state: String,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let bars = io::stderr().is_terminal().then(MultiProgress::new);
        Self { started: Instant::now(), bars, shown: BTreeMap::new() }
    }

    /// A line above the bars.
    pub(super) fn say(&self, line: &str) {
        match &self.bars {
            Some(bars) if bars.println(line).is_ok() => {}
            _ => output::note(format!("{:7.1}s  {line}", self.started.elapsed().as_secs_f64())),
        }
    }

    /// Shows a run's newest state.
    pub(super) fn update(&mut self, id: &str, run: &Value) {
        let (done, all) = tasks(run);
        let state = format!("{} {done}/{all}", run_view::state(run));
        if self.shown.get(id).is_some_and(|shown| shown.state == state) {
            return;
        }
        let bar = match (self.shown.remove(id), &self.bars) {
            (Some(known), _) => known.bar,
            (None, Some(bars)) => Some(bars.add(new_bar())),
            (None, None) => None,
        };
        match &bar {
            Some(bar) => {
                bar.set_length(all.max(1));
                bar.set_position(if text(run, "status") == "RUNNING" { done } else { all.max(1) });
                bar.set_message(label(run));
                if text(run, "status") != "RUNNING" {
                    bar.finish();
                }
            }
            None => self.say(&line(run, done, all)),
        }
        self.shown.insert(id.to_owned(), Shown { state, bar });
    }

    /// Leaves the bars as they are.
    pub(super) fn finish(self) {
        for bar in self.shown.into_values().filter_map(|shown| shown.bar) {
            bar.abandon();
        }
    }
}

fn new_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {bar:12} {pos:>2}/{len:2} {elapsed:>4} {msg}");
    let bar = ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Ended tasks and all tasks.
fn tasks(run: &Value) -> (u64, u64) {
    let tasks = run.get("tasks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let ended = tasks.iter().filter(|task| !matches!(text(task, "status"), "PENDING" | "RUNNING"));
    (ended.count() as u64, tasks.len() as u64)
}

/// `storage-to-tables retail-load sales_20240330.csv SUCCESS`
fn label(run: &Value) -> String {
    let file = run.get("trigger").map(|trigger| text(trigger, "file")).unwrap_or_default();
    let file = file.rsplit('/').next().unwrap_or_default();
    let parts = [text(run, "configuration_type"), text(run, "configuration_id"), file, &run_view::state(run)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn line(run: &Value, done: u64, all: u64) -> String {
    match text(run, "status") {
        "RUNNING" if all > 1 => format!("{} {done}/{all} tasks", label(run)),
        "RUNNING" => label(run),
        _ => format!("{} in {}", label(run), text(run, "duration")),
    }
}
