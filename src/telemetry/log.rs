use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// Sends log lines up to the level to standard error from now on. A second call changes nothing.
pub fn init(format: LogFormat, level: impl Into<LevelFilter>) {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let layer = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(targets(level.into())))
        .try_init();
}

fn targets(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level)
        // At debug it prints whole tokens.
        .with_target("yup_oauth2", level.min(LevelFilter::INFO))
}
