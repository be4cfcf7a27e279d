//! `tailerd serve`: the server until a signal, then an orderly end.

use crate::{
    cli::ServeArgs,
    failure::{Exit, Failure},
    log, output, settings,
    wiring::{RunningServer, Signals},
};

pub(crate) async fn run(args: ServeArgs) -> Result<Exit, Failure> {
    let (settings, layers) = settings::load_serve(&args)?;
    if args.print_config {
        if args.json {
            output::json(&settings::to_json(&layers));
        } else {
            output::line(settings::to_toml(&layers).trim_end());
        }
        return Ok(Exit::Done);
    }
    log::start(&settings);
    let mut signals = Signals::listen()?;
    let server = RunningServer::start(&settings, "tailerd serve").await?;
    output::announce(format!("listening on {}", server.url()));
    tracing::info!(data = %server.folder().path().display(), audience = server.audience(), "ready");
    signals.next().await;
    tracing::info!(grace = ?settings.grace_time, "draining; a second signal ends at once");
    tokio::select! {
        () = server.stop() => Ok(Exit::Done),
        () = signals.next() => Err(Failure::failed("ended by a second signal before the work was handed back")),
    }
}
