//! Log lines on standard error: what is logged is the setting `log.filter`, their form `log.format`.

use std::{io::IsTerminal as _, str::FromStr as _};

use tracing_subscriber::{EnvFilter, fmt::SubscriberBuilder};

use crate::settings::{LogFormat, Settings};

/// For a server. The first call wins.
pub(crate) fn start(settings: &Settings) {
    install(&settings.log_filter, settings.log_format);
}

/// For commands that run an engine for a moment: warnings only, unless `TAILERD_LOG_FILTER` says otherwise.
pub(crate) fn start_quietly() {
    let filter = std::env::var("TAILERD_LOG_FILTER").ok().filter(|filter| !filter.is_empty());
    install(filter.as_deref().unwrap_or("warn"), LogFormat::Text);
}

fn install(filter: &str, format: LogFormat) {
    let filter = EnvFilter::from_str(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder: SubscriberBuilder<_, _, EnvFilter, _> =
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    // A second installation is refused: the first one stands.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
