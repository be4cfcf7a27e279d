//! What SQLite intends to read for each statement that a server asks day by day: never a whole table that grows with the runs.
//!
//! Each call is made once and every statement asked meanwhile is explained, those of helpers and guards too, so that a call
//! that gets a new statement needs no new line here. Where `runs/cost.rs` counts steps, this names the statement and the table.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tailer_model::{
    AccountId, Actor, AuditAction, ConfigurationType, Criticality, Environment, ExecutionDate, Identity, JobId, RunId,
    RunStatus, SubStatus, TaskId, TaskStatus, TriggerType, Via, monitoring::Channel,
};

use crate::{
    ConfigurationKey, Durability, Store, StoreError, Tx, Value, alerts,
    audit::{self, AuditFilter, Entry},
    configurations::{self, ListFilter, NewVersion},
    expectations, files, freshness, idempotency, logs, notes,
    runs::{self, NewRun, RunFilter},
    statements,
    table_updates::{self, Table},
    tasks::{self, TaskEnd},
    ticks, workflows,
};

/// Read as a whole by some: they grow with what is deployed, not with what runs. The short names are aliases of the first two.
const MAY_BE_SCANNED: [&str; 6] = ["configurations", "workflows", "run_counts", "sqlite_schema", "c", "f"];

/// They hold the runs that have not ended, and only those.
const OF_OPEN_RUNS: [&str; 3] = ["runs_queued", "runs_running", "runs_leased"];

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000)
}

fn deploy(tx: &mut Tx<'_>, configuration_type: ConfigurationType) -> Result<ConfigurationKey, StoreError> {
    let version = NewVersion {
        identity: Identity {
            account: "000110".parse().unwrap(),
            environment: Environment::Dev,
            configuration_type,
            configuration_id: "x_DEV".into(),
        },
        document: "{}".into(),
        files: [].into(),
        activated: true,
        archived: false,
        max_active_runs: 1,
        by: "ada".into(),
        at: now(),
        context: None,
        watched: Some("gs://in/x".into()),
        roams: true,
    };
    Ok(configurations::deploy(tx, &version)?.key)
}

fn run(configuration: ConfigurationKey) -> NewRun {
    NewRun {
        run_id: RunId::new(now(), uuid::Uuid::new_v4()),
        configuration,
        version: 1,
        job_id: JobId("gbq-to-gbq|x_DEV".into()),
        execution_date: ExecutionDate::of(now()),
        trigger: json!({}),
        parameters: json!(null),
        tasks: None,
        at: now(),
        input: json!(null),
    }
}

/// The life of runs: created, claimed, driven, taken over, ended, cancelled.
fn execute(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<(), StoreError> {
    let (one, two) = (run(key), run(key));
    runs::create(tx, &one)?;
    runs::create(tx, &two)?;
    assert_eq!(runs::claim(tx, "w", now(), now(), 10, 10, runs::Place::Home)?.len(), 1);
    runs::renew(tx, "w", now(), now())?;
    runs::cancel_requested(tx, "w")?;
    tasks::cancels_wanted(tx, "w")?;
    assert_eq!(runs::take_over(tx, "v", now(), now(), 10, runs::Place::Home)?.len(), 1);
    let (id, fence, task): (_, _, TaskId) = (one.run_id, 2, "t".parse().unwrap());
    assert!(runs::held(tx, &id, fence)?);
    assert!(tasks::plan(tx, &id, fence, &[(task.clone(), "sql".into(), Criticality::Critical)])?);
    assert!(tasks::start(tx, &id, fence, &task, 1, now())?);
    assert_eq!(tasks::request_cancel(tx, &id, &task, "ada")?, tasks::TaskCancel::Requested);
    assert!(statements::record(tx, &id, fence, &task, 1, "job", now())?);
    statements::open(tx, &id)?;
    assert!(runs::set_progress(tx, &id, fence, json!(1))?);
    assert!(runs::set_reason(tx, &id, fence, Some("waits"))?);
    let line = logs::LogLine { date: now(), level: "INFO".into(), task_id: None, message: "m".into() };
    logs::append(tx, &id, &[line])?;
    logs::read(tx, &id, Some(&task), 0, 10)?;
    logs::read(tx, &id, None, 0, 10)?;
    let errors = logs::LogFilter { task: Some(task.clone()), levels: vec!["ERROR".into()] };
    logs::tail(tx, &id, &errors, None, 10)?;
    let result = json!({ "procedure_name": "unique", "dataset": "p.d", "tablename": "t" });
    let found = expectations::Found {
        call: "c".into(),
        passed: true,
        line: 1,
        message: "m".into(),
        result,
        rejected: json!(null),
    };
    expectations::record(tx, &id, fence, key, (&task, Criticality::Critical), 1, std::slice::from_ref(&found), now())?;
    expectations::record(tx, &id, fence, key, (&task, Criticality::Critical), 2, &[found], now())?;
    let series = expectations::of_account(tx, &"000110".parse().unwrap(), None)?.remove(0);
    expectations::of_account(tx, &"000110".parse().unwrap(), Some(key))?;
    expectations::find(tx, &series.digest)?;
    expectations::results(tx, series.key, None, 10)?;
    expectations::marks(tx, series.key, 10)?;
    freshness::note(tx, key, &id, now())?;
    freshness::of_account(tx, &"000110".parse().unwrap())?;
    expectations::of_attempt(tx, &id, &task, 1)?;
    expectations::of_run(tx, &id, 10)?;
    expectations::of_configuration(tx, key, 10)?;
    let (account, table) = ("000110".parse().unwrap(), Table { project: "p", dataset: "d", table: "t" });
    assert!(table_updates::record(tx, (&id, fence), &account, &task, table, Some(1), now())?);
    assert!(table_updates::last(tx, &account, table)?.is_some());
    assert!(table_updates::forget(tx, (&id, fence), &account, table)?);
    let end = TaskEnd { status: TaskStatus::Success, statistics: json!(null), sql: None, error: None, at: now() };
    assert!(tasks::finish(tx, &id, fence, &task, end)?);
    statements::close(tx, &id, "job")?;
    tasks::list(tx, &id)?;
    assert!(runs::finish(tx, &id, fence, RunStatus::Success, SubStatus::Success, None, now())?);
    let waiting = runs::get(tx, &two.run_id)?.unwrap();
    runs::waiting_reason(tx, &waiting)?;
    runs::release(tx, "v", now())?;
    runs::release_all(tx, now())?;
    runs::release_home(tx, now())?;
    runs::claim(tx, "w", now(), now(), 10, 0, runs::Place::Anywhere)?;
    runs::take_over(tx, "v", now(), now(), 0, runs::Place::Anywhere)?;
    runs::request_cancel(tx, &two.run_id, now())?;
    assert!(runs::set_status(tx, &id, RunStatus::Checked, now())?);
    let open = run(key);
    runs::create(tx, &open)?;
    assert!(runs::set_status(tx, &open.run_id, RunStatus::Checked, now())?);
    Ok(())
}

/// What starts runs, and what people ask.
fn ask(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<(), StoreError> {
    let run_id = RunId::new(now(), uuid::Uuid::new_v4());
    let account = "000110".parse().unwrap();
    ticks::record(tx, key, ticks::RUN, now(), Some(&run_id), now())?;
    ticks::last(tx, key, ticks::RUN)?;
    files::take(tx, key, "gs://in/a", "1", &run_id, now())?;
    files::seen(tx, key, "gs://in/a", "1")?;
    files::retake(tx, key, "gs://in/a", "1", &run_id, now())?;
    files::forget(tx, key, "gs://in/a")?;
    idempotency::record(tx, &account, "key", "hash", &run_id, now())?;
    idempotency::lookup(tx, &account, "key", now())?;
    idempotency::expire(tx, now())?;
    configurations::all(tx)?;
    configurations::get(tx, key)?;
    configurations::resolve(tx, &account, Environment::Dev, ConfigurationType::TableToTable, "x")?;
    configurations::version(tx, key, 1)?;
    configurations::deployed(tx, key, 1)?;
    configurations::context(tx, key, 1)?;
    configurations::watching(tx, "gs://in/x")?;
    configurations::set_flags(tx, key, Some(true), Some(false), "ada", now())?;
    runs::last_starts(tx, &account)?;
    runs::failures(tx, &account)?;
    configurations::versions(tx, key, None, 10)?;
    configurations::with_context(tx, &account)?;
    let filter = ListFilter { account, environment: None, configuration_type: None, archived: Some(false) };
    configurations::list(tx, &filter)?;
    runs::counts(tx)?;
    runs::beyond(tx, 0)?;
    runs::older(tx, now(), (Timestamp::MIN, 0), 10)?;
    let old = runs::oldest_in(tx, key, (Timestamp::MIN, 0), 10)?;
    assert!(runs::prune(tx, &old.sequences, 10)?.runs > 0);
    runs::list(tx, &RunFilter { configuration: Some(key), limit: 10, ..RunFilter::default() })?;
    look_through(tx, key)
}

/// What pages list, page by page: every way in which walks are merged and narrowed down.
fn look_through(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<(), StoreError> {
    let account: AccountId = "000110".parse().unwrap();
    let of_account = || RunFilter { account: Some(account.clone()), limit: 10, ..RunFilter::default() };
    let many = (0..100).map(ConfigurationKey).collect();
    let place = Some(runs::Position { started: now(), sequence: 1 });
    for filter in [
        of_account(),
        RunFilter { status: Some(RunStatus::Failed), after: place, ..of_account() },
        RunFilter { status: Some(RunStatus::Success), environment: Some(Environment::Dev), ..of_account() },
        RunFilter { sub_status: Some(SubStatus::Warning), trigger: Some(TriggerType::Api), ..of_account() },
        RunFilter { trigger: Some(TriggerType::File), before: place, ..of_account() },
        RunFilter { configuration_type: Some(ConfigurationType::Workflow), from: Some(now()), ..of_account() },
        RunFilter { configurations: Some(vec![key, ConfigurationKey(7)]), account: None, ..of_account() },
        RunFilter { configurations: Some(many), ..of_account() },
    ] {
        runs::page(tx, &filter, 1000)?;
    }
    runs::hours(tx, &account, now())?;
    runs::how_many(tx, &account, SubStatus::Failed, 1000)?;
    runs::triggered_by(tx, &RunId::new(now(), uuid::Uuid::new_v4()), 10)?;
    runs::queues(tx, &account, 10)?;
    workflows::collected(tx, &account)?;
    Ok(())
}

fn tell(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<(), StoreError> {
    let run = run(key);
    runs::create_ended(tx, &run, RunStatus::Failed, SubStatus::Failed, None)?;
    let (run_id, status, channel) = (&run.run_id, RunStatus::Failed, Channel::Email);
    alerts::add(tx, &alerts::NewAlert { run_id, status, channel, destination: "d", shown: "x", at: now() })?;
    assert_eq!(alerts::next_due(tx)?, Some(now()));
    let one = alerts::due(tx, now(), 10)?.remove(0).key;
    alerts::recent(tx, "d", now())?;
    assert!(alerts::claim(tx, one, now(), now(), true)?);
    assert!(alerts::again(tx, one, 1, (now(), now()), "x", None)?);
    alerts::postpone(tx, "d", now(), now())?;
    alerts::release_all(tx, now())?;
    assert!(alerts::failed(tx, one, 1, now(), "x")?);
    alerts::sent(tx, one, 1, now(), None)?;
    assert_eq!(alerts::of_run(tx, &run.run_id)?.len(), 1);
    Ok(())
}

fn collect(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<(), StoreError> {
    let (run_id, job) = (RunId::new(now(), uuid::Uuid::new_v4()), JobId("J".into()));
    workflows::deploy(tx, key, std::slice::from_ref(&job), now())?;
    assert_eq!(workflows::waiting_for(tx, &job)?, [key]);
    workflows::arrive(tx, key, &job, &run_id, now())?;
    assert_eq!(workflows::complete(tx)?, [key]);
    assert!(workflows::is_complete(tx, key)?);
    assert!(workflows::fire(tx, key, 1, &run_id, now())?);
    workflows::firings(tx, key, 10)?;
    workflows::awaited(tx, key)?;
    workflows::reset(tx, key, now())
}

/// What the audit log is told and asked.
fn tell_changes(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let (by, account) = (Actor::new("ada", Via::Api), "000110".parse().unwrap());
    let entry = Entry::of_access(&by, now(), AuditAction::RunLaunch, Some(&account), "run");
    let key = audit::record(tx, &entry)?;
    audit::amend(tx, key, &json!({}))?;
    audit::refuse(tx, std::slice::from_ref(&account), "user:ada", "10.0.0.1", now())?;
    audit::refuse(tx, std::slice::from_ref(&account), "user:ada", "10.0.0.1", now())?;
    let of = AuditFilter { account: Some(account), limit: 10, ..AuditFilter::default() };
    for filter in [
        of.clone(),
        AuditFilter { who: Some("ada".into()), ..of.clone() },
        AuditFilter { action: Some(AuditAction::RunLaunch), ..of.clone() },
        AuditFilter { target: Some("run".into()), ..of.clone() },
        AuditFilter { operation: Some("x".into()), without_access: true, ..of },
    ] {
        audit::list(tx, &filter)?;
        audit::page(tx, &AuditFilter { who: Some("ada".into()), ..filter }, 1)?;
    }
    audit::oldest(tx)?;
    assert_eq!(audit::prune(tx, now(), 10)?, 0);
    Ok(())
}

/// What people write about operations, runs and tables.
fn write(tx: &mut Tx<'_>, key: ConfigurationKey) -> Result<(), StoreError> {
    let account: tailer_model::AccountId = "000110".parse().unwrap();
    let open = run(key);
    runs::create(tx, &open)?;
    let table = notes::Subject::Table(account.clone(), "p.d.t".into());
    for subject in [notes::Subject::Operation(key), notes::Subject::Run(open.run_id), table] {
        let (author, text) = ("ada".to_owned(), "x".to_owned());
        let new = notes::NewNote { account: account.clone(), subject, parent: None, author, text, at: now() };
        let note = notes::add(tx, &new)?;
        let subject = &new.subject;
        assert_eq!(notes::threads(tx, subject, None, 10)?.len(), 1);
        notes::replies(tx, subject, (note, note), 10)?;
        notes::count(tx, subject, None)?;
        notes::count(tx, subject, Some(note))?;
        match subject {
            notes::Subject::Run(run) => assert_eq!(notes::of_runs(tx, std::slice::from_ref(run))?[run], 1),
            notes::Subject::Operation(key) => assert_eq!(notes::of_operations(tx, std::slice::from_ref(key))?[key], 1),
            notes::Subject::Table(..) => {}
        }
        notes::get(tx, note)?;
        assert!(notes::edit(tx, note, "y", now())?);
        assert!(notes::remove(tx, note, now())?);
    }
    Ok(())
}

/// The steps in which SQLite would go about a statement.
fn plan(tx: &mut Tx<'_>, sql: &str) -> Result<Vec<String>, StoreError> {
    let parameters = (1..100).rev().find(|n| sql.contains(&format!("?{n}"))).unwrap_or_default();
    tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), &vec![Value::Null; parameters], |row| {
        let _numbers: [i64; 3] = [row.take()?, row.take()?, row.take()?];
        row.take::<String>()
    })
}

/// Whether a step reads all rows of something that grows with the runs.
fn is_endless(step: &str) -> bool {
    let mut words = step.split_whitespace();
    if words.next() != Some("SCAN") {
        return false;
    }
    let table = words.next().unwrap_or_default();
    // What a subquery gives is read whole; how it comes by that is a step of its own.
    let given = table.starts_with("walk_") || ["merged", "counted"].contains(&table);
    let bounded = given || MAY_BE_SCANNED.contains(&table) || step == "SCAN CONSTANT ROW";
    !bounded && !OF_OPEN_RUNS.iter().any(|index| words.clone().any(|word| word == *index))
}

#[test]
fn no_statement_of_the_day_reads_a_whole_history() {
    let store = Store::in_memory().unwrap();
    let endless = store
        .write_blocking::<_, StoreError>(Durability::Relaxed, |tx| {
            // Migrations read whole tables once, which is no statement of the day.
            let migrations = tx.asked();
            let key = deploy(tx, ConfigurationType::TableToTable)?;
            let workflow = deploy(tx, ConfigurationType::Workflow)?;
            execute(tx, key)?;
            ask(tx, key)?;
            collect(tx, workflow)?;
            tell(tx, key)?;
            tell_changes(tx)?;
            write(tx, key)?;
            let mut asked = tx.asked();
            asked.retain(|sql| !migrations.contains(sql));
            assert!(asked.len() > 60, "only {} statements were seen", asked.len());
            let mut endless = Vec::new();
            for sql in
                asked.iter().filter(|sql| ["SELECT", "UPDATE", "DELETE", "INSERT"].iter().any(|w| sql.starts_with(w)))
            {
                endless
                    .extend(plan(tx, sql)?.into_iter().filter(|s| is_endless(s)).map(|step| format!("{step}: {sql}")));
            }
            Ok(endless)
        })
        .unwrap();
    assert!(endless.is_empty(), "{endless:#?}");
}

#[test]
fn what_is_endless() {
    for (step, endless) in [
        ("SCAN runs", true),
        ("SCAN runs USING INDEX runs_by_start", true),
        ("SCAN runs USING COVERING INDEX runs_running", false),
        ("SEARCH runs USING INDEX runs_of_job (job_id=?)", false),
        ("SCAN configurations", false),
        ("SCAN walk_3", false),
        ("SCAN log_lines", true),
    ] {
        assert_eq!(is_endless(step), endless, "{step}");
    }
}
