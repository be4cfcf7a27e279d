//! `tailerd demo`: the main job from nothing. A real server on a free port, the retail example deployed and asked about
//! through HTTP like anybody would, its files dropped wave by wave, every run shown live, the exported file at the end.
//!
//! What is shown here is what happened: each line comes from an answer of the server.

mod example;
mod progress;
mod watch;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tailer_model::{Actor, Secret, Via};
use tailer_server::auth::{NewToken, mint};

use self::{
    example::Example,
    watch::{Goal, Watch},
};
use super::deploy;
use crate::{
    cli::{DemoArgs, ServerArgs},
    client::Client,
    failure::{Context as _, Exit, Failure},
    log, output,
    settings::{Layers, Settings},
    wiring::{RunningServer, Signals},
};

/// Lines of the exported file that are shown.
const SHOWN: usize = 6;
/// How long the demo's token is good for: `--keep` may stay a while.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

pub(crate) async fn run(args: DemoArgs) -> Result<Exit, Failure> {
    log::start_quietly();
    let mut signals = Signals::listen()?;
    let (data, temporary) = data_folder(&args)?;
    let server = RunningServer::start(&settings(&data)?, "tailerd demo").await?;
    let ended = tokio::select! {
        shown = show(&args, &server, &data) => shown.map(|()| Exit::Done),
        () = signals.next() => Err(Failure::failed("interrupted")),
    };
    if args.keep && ended.is_ok() {
        output::note(format!("the server goes on at {}, data in {}; Ctrl-C ends it", server.url(), data.display()));
        signals.next().await;
    }
    server.stop().await;
    // A failed demo's folder is what one wants to look at.
    if let (Some(folder), Err(_)) = (temporary, &ended) {
        output::note(format!("what happened is in {}", folder.keep().display()));
    }
    ended
}

/// The folder given, or a fresh one that goes when its guard is dropped.
fn data_folder(args: &DemoArgs) -> Result<(PathBuf, Option<tempfile::TempDir>), Failure> {
    if let Some(folder) = &args.data {
        return Ok((folder.clone(), None));
    }
    let folder =
        tempfile::Builder::new().prefix("tailerd-demo-").tempdir().context("cannot make a temporary folder")?;
    Ok((folder.path().to_owned(), Some(folder)))
}

/// Those of a fresh install, on a free port, impatient about files since nothing else writes them.
fn settings(data: &Path) -> Result<Settings, Failure> {
    let mut layers = Layers::defaults();
    for (key, value) in [("listen", "127.0.0.1:0"), ("file_rest", "200ms"), ("grace_time", "5s")] {
        layers.flag(key, "demo", value.to_owned());
    }
    layers.flag("data", "--data", data.to_string_lossy().into_owned());
    Settings::from_layers(&layers)
}

async fn show(args: &DemoArgs, server: &RunningServer, data: &Path) -> Result<(), Failure> {
    let deadline = Instant::now() + args.deadline.0;
    let example = Example::unpack(&data.join("example"))?;
    let token = token(server, &example).await?;
    let client = Client::new(&ServerArgs {
        server: server.url(),
        token: Some(Secret::new(token.clone())),
        account: Some(example.account.clone()),
        environment: Some(example.environment),
    })?;
    output::note(format!("server at {}, data in {}", server.url(), data.display()));
    let mut watch = Watch::new(&client, deadline).await?;
    for candidate in &example.configurations {
        let deployed = deploy::deploy(&client, candidate, None).await?;
        watch.say(&format!("deployed {}", deploy::describe(&deployed)));
    }
    for wave in &example.waves {
        watch.say(&format!("dropping {} into {}", wave.join(", "), example.source));
        for name in wave {
            example.drop_file(server.folder(), name)?;
        }
        watch.until(Goal::Loaded(wave.len())).await?;
    }
    watch.until(Goal::Exported).await?;
    let runs = watch.finish();
    let exported = example.exported(server.folder())?;
    report(args, server, &example, &token, &exported, runs)
}

async fn token(server: &RunningServer, example: &Example) -> Result<String, Failure> {
    let new = NewToken {
        account: example.account.clone(),
        role: tailer_server::Role::Admin,
        lifetime: TOKEN_LIFETIME,
        audience: server.audience().to_owned(),
        by: Actor::new("demo", Via::Cli),
    };
    let minted = mint(server.store(), &server.folder().keys(), new, Timestamp::now()).await;
    Ok(minted.context("cannot make a token")?.token)
}

/// The result: the file's first lines, where to look, and how to ask.
fn report(
    args: &DemoArgs,
    server: &RunningServer,
    example: &Example,
    token: &str,
    exported: &Path,
    runs: Vec<Value>,
) -> Result<(), Failure> {
    let text = std::fs::read_to_string(exported).context(format!("cannot read {}", exported.display()))?;
    let lines: Vec<&str> = text.lines().take(SHOWN).collect();
    let addresses = ["/openapi.json", "/metrics"].map(|path| format!("{}{path}", server.url()));
    let curl = example.curl(&server.url(), token);
    if args.output.json {
        output::json(&json!({
            "server": server.url(), "token": token, "exported": exported, "lines": lines,
            "addresses": addresses, "curl": curl, "runs": runs,
        }));
        return Ok(());
    }
    let all = text.lines().count();
    output::line(format!("{} ({all} lines, the first {}):", exported.display(), lines.len()));
    lines.iter().for_each(output::line);
    output::line(format!("\nopen {}", addresses.join("  ")));
    output::line(format!("\nask for the last status:\n{curl}"));
    if !args.keep {
        output::note("hint: `tailerd demo --keep` leaves the server running, so that these answer");
    }
    Ok(())
}

/// What is left until a deadline, at most `step`.
fn pause(deadline: Instant, step: Duration) -> Option<Duration> {
    let left = deadline.checked_duration_since(Instant::now())?;
    Some(left.min(step))
}
