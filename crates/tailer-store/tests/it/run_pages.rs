//! Runs as people look through them: pages in both directions under every filter, hours, what waits, what triggered what.

use jiff::Timestamp;
use serde_json::json;
use tailer_model::{
    ConfigurationType, Criticality, Environment, Identity, RunId, RunStatus, SubStatus, TaskStatus, TriggerType,
};
use tailer_store::{
    ConfigurationKey,
    configurations::NewVersion,
    logs::{self, LogFilter, LogLine},
    runs::{self, HourRow, NewRun, RunFilter, RunRow},
    tasks::{self, TaskEnd},
    workflows,
};

use crate::common::{Bench, account, at, identity, job, run_id, run_of, table, task, version_of};

fn outcome(n: i64) -> SubStatus {
    let ended = [
        SubStatus::Success,
        SubStatus::Success,
        SubStatus::Failed,
        SubStatus::Warning,
        SubStatus::Cancelled,
        SubStatus::NoMatch,
        SubStatus::Checked,
    ];
    ended[usize::try_from(n).unwrap() % ended.len()]
}

fn ended(bench: &Bench, run: NewRun, sub_status: SubStatus) {
    bench.tx(move |tx| runs::create_ended(tx, &run, sub_status.status(), sub_status, None));
}

/// Runs of every kind of outcome, trigger and operation; several at the same instant.
fn crowd(bench: &Bench) -> Vec<ConfigurationKey> {
    let of = |kind, environment, id: &str| {
        let identity = Identity { environment, ..identity(kind, id) };
        bench.deploy(NewVersion { max_active_runs: 5, ..version_of(identity) }).key
    };
    let keys = vec![
        of(ConfigurationType::TableToTable, Environment::Dev, "a_DEV"),
        of(ConfigurationType::TableToTable, Environment::Prod, "a_PROD"),
        of(ConfigurationType::StorageToTables, Environment::Dev, "b_DEV"),
    ];
    for n in 0..90_i64 {
        let trigger = TriggerType::ALL[usize::try_from(n).unwrap() % 4];
        let key = keys[usize::try_from(n / 2).unwrap() % 3];
        let trigger = json!({"type": trigger, "by": null, "run_ids": []});
        ended(bench, NewRun { trigger, ..run_of(key, at(n / 3)) }, outcome(n));
    }
    for key in &keys {
        bench.queue(*key, at(40));
    }
    bench.claim("w", at(41), 2);
    keys
}

/// Every run, newest first.
fn everything(bench: &Bench) -> Vec<RunRow> {
    bench.tx(|tx| runs::list(tx, &RunFilter { limit: 1000, ..RunFilter::default() }))
}

fn matches(filter: &RunFilter, run: &RunRow) -> bool {
    let of = &run.identity;
    let trigger = run.trigger["type"].as_str();
    filter.environment.is_none_or(|wanted| wanted == of.environment)
        && filter.configuration_type.is_none_or(|wanted| wanted == of.configuration_type)
        && filter.configurations.as_ref().is_none_or(|wanted| wanted.contains(&run.configuration))
        && filter.status.is_none_or(|wanted| wanted == run.status)
        && filter.sub_status.is_none_or(|wanted| wanted == run.sub_status)
        && filter.trigger.is_none_or(|wanted| Some(wanted.as_str()) == trigger)
        && filter.from.is_none_or(|from| run.start >= from)
        && filter.until.is_none_or(|until| run.start < until)
}

/// All pages one after the other, downwards from the newest run or upwards from the oldest; newest first.
fn paged(bench: &Bench, filter: &RunFilter, most: u32, upwards: bool) -> Vec<RunId> {
    let mut filter = filter.clone();
    if upwards {
        filter.before = Some(runs::Position { started: Timestamp::UNIX_EPOCH, sequence: 0 });
    }
    let mut pages: Vec<Vec<RunId>> = Vec::new();
    loop {
        let asked = filter.clone();
        let page = bench.tx(move |tx| runs::page(tx, &asked, most));
        assert!(page.runs.len() <= 7 && pages.len() < 200);
        pages.push(page.runs.iter().map(|run| run.run_id.clone()).collect());
        let end = if upwards { page.runs.first() } else { page.runs.last() };
        let next = if page.more { end.map(RunRow::position) } else { page.reached };
        match next {
            None => break,
            Some(next) if upwards => filter.before = Some(next),
            Some(next) => filter.after = Some(next),
        }
    }
    if upwards {
        pages.reverse();
    }
    pages.concat()
}

#[test]
fn pages_show_every_run_that_matches_once_in_both_directions() {
    let bench = Bench::new();
    let keys = crowd(&bench);
    let all = everything(&bench);
    assert_eq!(all.len(), 93);
    let of_account = || RunFilter { account: Some(account()), limit: 7, ..RunFilter::default() };
    let many: Vec<_> = keys[..1].iter().copied().chain((100..200).map(ConfigurationKey)).collect();
    let mut filters = vec![
        of_account(),
        RunFilter { from: Some(at(5)), until: Some(at(20)), ..of_account() },
        RunFilter { environment: Some(Environment::Prod), ..of_account() },
        RunFilter { configuration_type: Some(ConfigurationType::TableToTable), ..of_account() },
        RunFilter { trigger: Some(TriggerType::File), ..of_account() },
        RunFilter { trigger: Some(TriggerType::Schedule), environment: Some(Environment::Prod), ..of_account() },
        RunFilter { configurations: Some(vec![keys[0], keys[2]]), account: None, ..of_account() },
        RunFilter { configurations: Some(many), ..of_account() },
        RunFilter { status: Some(RunStatus::Failed), sub_status: Some(SubStatus::Warning), ..of_account() },
    ];
    for status in RunStatus::ALL.iter().copied() {
        filters.push(RunFilter { status: Some(status), ..of_account() });
        filters.push(RunFilter { status: Some(status), environment: Some(Environment::Dev), ..of_account() });
        let dated =
            RunFilter { status: Some(status), trigger: Some(TriggerType::Api), from: Some(at(9)), ..of_account() };
        filters.push(dated);
        filters.push(RunFilter {
            status: Some(status),
            configurations: Some(vec![keys[1]]),
            account: None,
            ..of_account()
        });
    }
    for sub_status in SubStatus::ALL.iter().copied() {
        filters.push(RunFilter { sub_status: Some(sub_status), ..of_account() });
        let kind = Some(ConfigurationType::StorageToTables);
        filters.push(RunFilter { sub_status: Some(sub_status), configuration_type: kind, ..of_account() });
    }
    for filter in filters {
        let expect: Vec<_> = all.iter().filter(|run| matches(&filter, run)).map(|run| run.run_id.clone()).collect();
        for (most, upwards) in [(1_000, false), (1_000, true), (28, false), (28, true)] {
            assert_eq!(paged(&bench, &filter, most, upwards), expect, "{filter:?}, {most} at once, upwards: {upwards}");
        }
    }
}

#[test]
fn a_page_says_how_far_it_has_looked() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 1);
    let file = |n| NewRun { trigger: json!({"type": "file"}), ..run_of(key, at(n)) };
    ended(&bench, file(0), SubStatus::Success);
    for n in 1..=20 {
        ended(&bench, file(n), SubStatus::Failed);
    }
    // An index leads to the trigger; whether it succeeded is looked at on the way.
    let filter = RunFilter {
        account: Some(account()),
        trigger: Some(TriggerType::File),
        status: Some(RunStatus::Success),
        limit: 5,
        ..RunFilter::default()
    };
    let asked = filter.clone();
    let page = bench.tx(move |tx| runs::page(tx, &asked, 8));
    assert_eq!((page.runs.len(), page.more), (0, false));
    assert_eq!(page.reached.unwrap().started, at(13), "eight runs were looked at");
    let asked = RunFilter { after: page.reached, ..filter };
    let page = bench.tx(move |tx| runs::page(tx, &asked, 100));
    assert_eq!((page.runs.len(), page.reached), (1, None));
}

/// The hours as they would be counted from the runs themselves.
fn recounted(bench: &Bench) -> Vec<HourRow> {
    let mut hours: Vec<HourRow> = Vec::new();
    for run in everything(bench) {
        let hour = run.start.as_second().div_euclid(3600) * 3600;
        let hour = Timestamp::from_second(hour).unwrap();
        let place = |row: &HourRow| (row.hour, row.status, row.sub_status) == (hour, run.status, run.sub_status);
        let at = hours.iter().position(place).unwrap_or_else(|| {
            let (status, sub_status) = (run.status, run.sub_status);
            hours.push(HourRow { hour, status, sub_status, runs: 0, rows: 0, bytes: 0 });
            hours.len() - 1
        });
        hours[at].runs += 1;
        hours[at].rows += run.rows.unwrap_or(0);
        hours[at].bytes += run.bytes.unwrap_or(0);
    }
    sorted(hours)
}

fn sorted(mut hours: Vec<HourRow>) -> Vec<HourRow> {
    hours.sort_by_key(|row| (row.hour, row.status, row.sub_status));
    hours
}

fn hours(bench: &Bench) -> Vec<HourRow> {
    sorted(bench.tx(|tx| runs::hours(tx, &account(), Timestamp::UNIX_EPOCH)))
}

#[test]
fn hours_are_what_counting_the_runs_gives_whatever_happens_to_them() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 3);
    for n in 0..20 {
        ended(&bench, run_of(key, at(600 * n)), outcome(n));
    }
    assert_eq!(hours(&bench), recounted(&bench));

    // Queued in one hour, claimed in the next, ended in a third, having moved something.
    let run = bench.running(key, "w", at(3_500));
    let waiting = bench.queue(key, at(3_599));
    let (id, fence, load, sum) = (run.run_id.clone(), run.fence, task("load"), task("sum"));
    bench.tx(move |tx| {
        let planned =
            [(load.clone(), "load".into(), Criticality::Critical), (sum.clone(), "sql".into(), Criticality::Critical)];
        assert!(tasks::plan(tx, &id, fence, &planned)?);
        for (task, statistics) in [(load, json!({"rows": 40, "bytes": 1_000})), (sum, json!({"rows": 2}))] {
            assert!(tasks::start(tx, &id, fence, &task, 1, at(3_700))?);
            let end = TaskEnd { status: TaskStatus::Success, statistics, sql: None, error: None, at: at(7_300) };
            assert!(tasks::finish(tx, &id, fence, &task, end)?);
        }
        Ok(())
    });
    assert_eq!(hours(&bench), recounted(&bench));
    assert!(bench.finish(&run, at(7_300)));
    let moved = bench.run(&run.run_id);
    assert_eq!((moved.rows, moved.bytes), (Some(42), Some(1_000)));
    assert_eq!(hours(&bench), recounted(&bench));

    let id = run.run_id.clone();
    bench.tx(move |tx| runs::set_status(tx, &id, RunStatus::Checked, at(7_400)));
    bench.tx(move |tx| runs::request_cancel(tx, &waiting, at(7_400)));
    assert_eq!(hours(&bench), recounted(&bench));
    let checked = hours(&bench).into_iter().find(|row| row.rows > 0).unwrap();
    assert_eq!((checked.sub_status, checked.rows), (SubStatus::Checked, 42), "what it moved goes along");

    let pruned = bench.tx(|tx| {
        let seen = runs::older(tx, at(100_000), (Timestamp::MIN, 0), 1000)?;
        runs::prune(tx, &seen.sequences, 1000)
    });
    assert!(pruned.runs > 10, "{pruned:?}");
    assert_eq!(hours(&bench), recounted(&bench));
    assert!(hours(&bench).iter().all(|row| row.runs > 0), "hours without runs are gone");
}

#[test]
fn hours_are_an_accounts_own_and_begin_where_asked() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 3);
    ended(&bench, run_of(key, at(0)), SubStatus::Success);
    ended(&bench, run_of(key, at(3_600)), SubStatus::Success);
    let from = |account: &str, from: Timestamp| {
        let account = account.parse().unwrap();
        bench.tx(move |tx| runs::hours(tx, &account, from)).len()
    };
    assert_eq!(from("000110", at(0)), 2);
    assert_eq!(from("000110", at(3_600)), 1);
    assert_eq!(from("000999", at(0)), 0);
}

#[test]
fn runs_are_counted_up_to_a_bound() {
    let bench = Bench::new();
    let key = bench.operation("x_DEV", 3);
    for n in 0..5 {
        ended(&bench, run_of(key, at(n)), SubStatus::Failed);
    }
    let count = |sub_status, most| bench.tx(move |tx| runs::how_many(tx, &account(), sub_status, most));
    assert_eq!((count(SubStatus::Failed, 100), count(SubStatus::Failed, 3), count(SubStatus::Queued, 100)), (5, 3, 0));
}

#[test]
fn what_waits_is_told_by_operation_the_longest_waiting_first() {
    let bench = Bench::new();
    let (late, early) = (bench.operation("late_DEV", 1), bench.operation("early_DEV", 1));
    let running = bench.running(early, "w", at(0));
    let first = bench.queue(early, at(1));
    let second = bench.queue(late, at(2));
    bench.queue(early, at(3));
    let queues = |most| bench.tx(move |tx| runs::queues(tx, &account(), most));
    let heads = |(queues, count): (Vec<runs::Queue>, usize)| {
        (queues.into_iter().map(|queue| (queue.head.run_id, queue.runs)).collect::<Vec<_>>(), count)
    };
    assert_eq!(heads(queues(9)), (vec![(first.clone(), 2), (second, 1)], 2));
    assert_eq!(heads(queues(1)), (vec![(first, 2)], 2));
    assert_ne!(running.sub_status, SubStatus::Queued);
}

#[test]
fn a_run_tells_what_it_triggered() {
    let bench = Bench::new();
    let (key, target) = (bench.operation("x_DEV", 3), bench.operation("y_DEV", 3));
    let (one, two) = (bench.queue(key, at(0)), bench.queue(key, at(1)));
    // The same run may stand for two jobs of a set.
    let trigger = json!({"type": "workflow", "workflow": "w", "run_ids": [one, two, one]});
    let fired = NewRun { trigger, ..run_of(target, at(2)) };
    let effect = fired.run_id.clone();
    bench.tx(move |tx| runs::create(tx, &fired));
    let triggered = |run: &RunId| {
        let run = run.clone();
        let found = bench.tx(move |tx| runs::triggered_by(tx, &run, 10));
        found.into_iter().map(|run| run.run_id).collect::<Vec<_>>()
    };
    assert_eq!((triggered(&one), triggered(&two)), (vec![effect.clone()], vec![effect.clone()]));
    assert_eq!(triggered(&effect), []);
}

#[test]
fn the_end_of_a_log_is_read_first_and_what_follows_then() {
    let bench = Bench::new();
    let run = bench.queue(bench.operation("x_DEV", 3), at(0));
    let line = |n: i64, level: &str, of: Option<&str>| LogLine {
        date: at(n),
        level: level.into(),
        task_id: of.map(task),
        message: n.to_string(),
    };
    let lines: Vec<_> =
        (0..6).map(|n| line(n, if n % 2 == 0 { "INFO" } else { "ERROR" }, (n > 2).then_some("load"))).collect();
    let id = run.clone();
    bench.tx(move |tx| logs::append(tx, &id, &lines));
    let tail = |filter: LogFilter, before, limit| {
        let run = run.clone();
        let found = bench.tx(move |tx| logs::tail(tx, &run, &filter, before, limit));
        (found.iter().map(|(_, line)| line.message.clone()).collect::<Vec<_>>().join(" "), found)
    };
    let (told, last) = tail(LogFilter::default(), None, 2);
    assert_eq!(told, "4 5");
    assert_eq!(tail(LogFilter::default(), Some(last[0].0), 3).0, "1 2 3");
    let errors = LogFilter { task: Some(task("load")), levels: vec!["WARNING".into(), "ERROR".into()] };
    assert_eq!(tail(errors.clone(), None, 9).0, "3 5");
    let (id, cursor) = (run.clone(), last[0].0);
    let following = bench.tx(move |tx| logs::following(tx, &id, &errors, cursor, 9));
    assert_eq!(following.len(), 1, "{following:?}");
}

#[test]
fn workflows_tell_how_much_they_have_collected() {
    let bench = Bench::new();
    let flow = |id: &str| bench.deploy(version_of(identity(ConfigurationType::Workflow, id))).key;
    let (waiting, empty) = (flow("waiting"), flow("empty"));
    let jobs = [job("gbq-to-gbq|a_DEV"), job("gbq-to-gbq|b_DEV")];
    bench.deploy(version_of(table("no_workflow_DEV")));
    bench.tx(move |tx| {
        for key in [waiting, empty] {
            workflows::deploy(tx, key, &jobs, at(0))?;
        }
        workflows::arrive(tx, waiting, &jobs[0], &run_id(1), at(1))
    });
    let mut collected = bench.tx(|tx| workflows::collected(tx, &account()));
    collected.sort_by_key(|one| one.key);
    let found: Vec<_> = collected.iter().map(|one| (one.key, one.awaited, one.arrived)).collect();
    assert_eq!(found, [(waiting, 2, 1), (empty, 2, 0)]);
}

/// What `migrations/0015_runs_listing.sql` added, taken away again.
const BEFORE: &str = "DROP TABLE run_hours;\nDROP TABLE run_triggers;\nDROP INDEX runs_of_account_by_kind;\n\
    DROP INDEX runs_of_account_by_outcome;\nDROP INDEX runs_of_account_by_trigger;\n\
    ALTER TABLE runs DROP COLUMN trigger_type;\nALTER TABLE runs DROP COLUMN rows_moved;\n\
    ALTER TABLE runs DROP COLUMN bytes_moved;\n\
    CREATE INDEX runs_of_account_by_type ON runs (account, configuration_type, started, sequence);\n\
    CREATE INDEX runs_of_account_by_status ON runs (account, configuration_type, status, started, sequence);\n";

#[test]
fn an_older_database_gets_its_hours_and_triggers() {
    let bench = Bench::new();
    let keys = crowd(&bench);
    let flow = bench.deploy(version_of(identity(ConfigurationType::Workflow, "flow"))).key;
    let causes: Vec<RunId> = everything(&bench).into_iter().take(3).map(|run| run.run_id).collect();
    let jobs = ["a", "b", "c"].map(|id| job(&format!("gbq-to-gbq|{id}_DEV")));
    let trigger = json!({"type": "workflow", "by": null, "run_ids": causes, "workflow": "flow"});
    let fired = NewRun { trigger, ..run_of(keys[0], at(50)) };
    let (effect, arrived) = (fired.run_id.clone(), causes.clone());
    bench.tx(move |tx| {
        workflows::deploy(tx, flow, &jobs, at(0))?;
        for (job, run) in jobs.iter().zip(&arrived) {
            workflows::arrive(tx, flow, job, run, at(49))?;
        }
        assert!(workflows::fire(tx, flow, 1, &fired.run_id, at(50))?);
        runs::create(tx, &fired)
    });
    let (counted, all) = (hours(&bench), everything(&bench));
    bench.tx(|tx| {
        for script in [BEFORE, include_str!("../../migrations/0015_runs_listing.sql")] {
            let code: Vec<&str> = script.lines().filter(|line| !line.starts_with("--")).collect();
            for statement in code.join("\n").split(";\n").filter(|statement| !statement.trim().is_empty()) {
                tx.execute(statement.trim_end_matches(';'), &[])?;
            }
        }
        Ok(())
    });
    assert_eq!(hours(&bench), counted);
    assert_eq!(everything(&bench), all);
    for cause in causes {
        let found = bench.tx(move |tx| runs::triggered_by(tx, &cause, 10));
        assert_eq!(found.iter().map(|run| &run.run_id).collect::<Vec<_>>(), [&effect]);
    }
    for trigger in TriggerType::ALL.iter().copied() {
        let filter = RunFilter { account: Some(account()), trigger: Some(trigger), limit: 7, ..RunFilter::default() };
        let expect: Vec<_> = all.iter().filter(|run| matches(&filter, run)).map(|run| run.run_id.clone()).collect();
        assert_eq!(paged(&bench, &filter, 1_000, false), expect, "{trigger}");
    }
}
