//! Log lines: in order, by cursor, by task.

use tailer_model::{RunId, TaskId};
use tailer_store::{
    StoreError,
    logs::{self, LogLine},
};

use crate::common::{Bench, at, task};

fn line(task_id: Option<&str>, message: &str) -> LogLine {
    LogLine { date: at(1), level: "INFO".into(), task_id: task_id.map(task), message: message.into() }
}

#[test]
fn lines_are_read_in_order_from_a_cursor() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let (run, other) = (bench.queue(key, at(0)), bench.queue(key, at(0)));
    let append = |run: &RunId, lines: Vec<LogLine>| {
        let run = run.clone();
        bench.tx(move |tx| logs::append(tx, &run, &lines));
    };
    append(&run, vec![line(None, "starts"), line(Some("load"), "7 rows")]);
    append(&other, vec![line(None, "another's")]);
    append(&run, vec![line(Some("sum"), "multi\nline ✓"), line(Some("load"), "done")]);

    let read = |task_id: Option<TaskId>, after, limit| {
        let run = run.clone();
        bench.tx(move |tx| logs::read(tx, &run, task_id.as_ref(), after, limit))
    };
    let messages = |lines: &[(i64, LogLine)]| lines.iter().map(|(_, l)| l.message.clone()).collect::<Vec<_>>();
    let all = read(None, 0, 100);
    assert_eq!(messages(&all), ["starts", "7 rows", "multi\nline ✓", "done"]);
    assert!(all.windows(2).all(|w| w[0].0 < w[1].0), "cursors rise");
    assert_eq!(all[1].1, line(Some("load"), "7 rows"));

    let first = read(None, 0, 2);
    assert_eq!(messages(&first), ["starts", "7 rows"]);
    assert_eq!(messages(&read(None, first[1].0, 2)), ["multi\nline ✓", "done"]);
    assert_eq!(read(None, all[3].0, 2), []);
    assert_eq!(messages(&read(Some(task("load")), 0, 100)), ["7 rows", "done"]);
}

#[test]
fn a_run_that_does_not_exist_has_no_log() {
    let bench = Bench::new();
    let nobody = RunId::new(at(0), uuid::Uuid::nil());
    let id = nobody.clone();
    let refused = bench.try_tx(move |tx| logs::append(tx, &id, &[line(None, "x")]));
    assert_eq!(refused, Err(StoreError::Missing(format!("run {nobody}"))));
    assert_eq!(bench.tx(move |tx| logs::read(tx, &nobody, None, 0, 10)), []);
}
