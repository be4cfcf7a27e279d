//! `tailerd run`: one run of a configuration file right here, without a server: the same engine and the same executors
//! over the data folder's warehouse and buckets, with metadata that is thrown away afterwards.
//!
//! The schedule of the file is left aside: it runs once, now.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tailer_engine::{
    ConfigurationRef, DeployRequest, Engine, EngineError, EngineParts, EngineSettings, LaunchRequest, RunDetails,
};
use tailer_model::{ConfigurationType, Header, RunId};
use tailer_store::{Store, runs::Place};

use super::{check, launch, run_view};
use crate::{
    cli::RunArgs,
    configurations::Candidate,
    contexts,
    data_folder::DataFolder,
    failure::{Context as _, Exit, Failure},
    log, output,
    secrets::SecretOpener,
    settings,
    wiring::{Buckets, Projects, RandomIds, SystemClock, engine_settings, open_warehouse},
};

/// One look at the log waits so long for a new line.
const HOLD: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: RunArgs) -> Result<Exit, Failure> {
    log::start_quietly();
    let context = args.context.as_deref().map(contexts::read).transpose()?;
    let candidate = Candidate::read(&args.file, context.as_ref())?;
    let header = runnable(&candidate)?;
    let settings = settings::load(&args.data)?;
    let folder = DataFolder::open(&settings.data)?;
    let lock = folder.lock("tailerd run").map_err(|held| {
        held.hint("while a server runs there, use `tailerd deploy` and `tailerd launch`, or another --data")
    })?;
    std::fs::create_dir_all(folder.scratch()).context("cannot make a scratch folder")?;
    let scratch = tempfile::tempdir_in(folder.scratch()).context("cannot make a scratch folder")?;
    let engine_settings = EngineSettings {
        scratch: scratch.path().join("work"),
        // The store is this run's own.
        exclusive: true,
        place: Place::Home,
        ..engine_settings(&settings, &folder)
    };
    let warehouse = open_warehouse(folder.warehouse(), settings.warehouse.clone())?;
    let parts = EngineParts {
        store: Store::open(&scratch.path().join("run.db")).context("cannot make temporary metadata")?,
        storages: Arc::new(Buckets::new(&folder, &settings)),
        warehouses: Arc::new(Projects::new(warehouse, settings.projects.clone(), SecretOpener::of(&folder, &settings))),
        // Whoever runs it here sees what becomes of it.
        courier: None,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        settings: engine_settings,
    };
    let engine = Engine::start(parts).await.context("cannot start")?;
    let details = once(&engine, &args, &candidate, header).await;
    engine.drain(Duration::ZERO).await;
    drop((engine, lock, scratch));
    let run = json!(details?);
    if args.output.json {
        output::json(&run);
    } else {
        output::line(format!("run {} {}", run_view::text(&run, "run_id"), run_view::outcome(&run)));
        run_view::print_tasks(&run);
    }
    run_view::verdict(&run)
}

/// The header of a good configuration of a kind that can be run by itself.
fn runnable(candidate: &Candidate) -> Result<&Header, Failure> {
    for problem in &candidate.problems.errors {
        output::note(candidate.line_of(problem));
    }
    for problem in &candidate.problems.warnings {
        output::warning(candidate.line_of(problem));
    }
    let Some(configuration) = candidate.configuration.as_ref().filter(|_| candidate.is_good()) else {
        return Err(check::refusal(std::slice::from_ref(candidate)));
    };
    match configuration.header.configuration_type {
        ConfigurationType::TableToTable | ConfigurationType::TableToStorage => Ok(&configuration.header),
        other => {
            Err(Failure::usage(format!("a {other} cannot be run by itself, only table-to-table and table-to-storage"))
                .hint("deploy it to a server: `tailerd serve`, then `tailerd deploy`"))
        }
    }
}

/// Deploys, launches, shows the log until the end.
async fn once(engine: &Engine, args: &RunArgs, candidate: &Candidate, header: &Header) -> Result<RunDetails, Failure> {
    let by = super::token::local();
    let (text, files) = candidate.executable();
    let deploy = DeployRequest {
        configuration: unscheduled(text)?,
        file_name: Some(candidate.path.display().to_string()),
        files: files.clone(),
        context: None,
        run: false,
        by: by.clone(),
    };
    let deployed = engine.deploy(deploy).await.map_err(|error| refused(candidate, error))?;
    let configuration = ConfigurationRef {
        account: header.account.clone(),
        environment: header.environment,
        configuration_type: header.configuration_type,
        configuration_id: deployed.configuration_id,
    };
    let request = LaunchRequest {
        configuration: configuration.clone(),
        job_id: None,
        execution_date: args.options.execution_date,
        parameters: launch::parameters(&args.options),
        tasks: (!args.tasks.is_empty()).then(|| args.tasks.clone()),
        idempotency: None,
        repeats: None,
        by,
    };
    let run_id = engine.launch(request).await.context("the run was not started")?;
    follow(engine, &configuration, &run_id).await?;
    engine.run_details(&configuration, &run_id).await.context("the run cannot be read")
}

/// What the engine has against the file, each problem at its place.
fn refused(candidate: &Candidate, error: EngineError) -> Failure {
    let EngineError::Problems(problems) = error else {
        return Failure::failed(format!("{}: {error}", candidate.path.display()));
    };
    problems.iter().for_each(|problem| output::note(candidate.line_of(problem)));
    check::refusal(&[candidate.clone().refused(problems)])
}

/// Shows log lines until the run has ended and its last line was shown.
async fn follow(engine: &Engine, configuration: &ConfigurationRef, run_id: &RunId) -> Result<(), Failure> {
    let doing = "the run cannot be followed";
    let mut after: Option<String> = None;
    loop {
        let ended = engine.run_status(configuration, None, run_id).await.context(doing)?.status != "RUNNING";
        let hold = if ended { Duration::ZERO } else { HOLD };
        let page = engine.run_logs(configuration, run_id, None, after.as_deref(), hold).await.context(doing)?;
        page.results.iter().for_each(|entry| output::note(run_view::log_line(&json!(entry))));
        after = Some(page.after);
        if ended && page.results.is_empty() {
            return Ok(());
        }
    }
}

/// The configuration as it is run here: active, started by this command only.
fn unscheduled(text: &str) -> Result<String, Failure> {
    let mut value: Value = serde_json::from_str(text).context("cannot read the configuration")?;
    if let Value::Object(fields) = &mut value {
        fields.insert("activated".into(), json!(true));
        fields.insert("archived".into(), json!(false));
        fields.insert("schedule_interval".into(), json!("None"));
    }
    Ok(value.to_string())
}
