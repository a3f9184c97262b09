use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::sink;
use super::text::{Quoted, coloured, is_coloured};
use super::visible::visible;
use crate::config::LogFormat;
use crate::secrets;

/// The format of the log, once it has begun.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// How long the last lines may take when the process ends.
const FLUSH: Duration = Duration::from_secs(1);

/// Sends log lines up to the level to standard error from now on, and panics too. A second call changes nothing.
///
/// # Errors
///
/// If the kernel gives no thread.
pub fn init(format: LogFormat, level: impl Into<LevelFilter>) -> io::Result<()> {
    sink::start()?;
    let colour = format == LogFormat::Text && is_coloured();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(move || Line { format, colour })
        .with_ansi(false);
    let layer = match format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
        LogFormat::Text => lines.fmt_fields(Quoted).boxed(),
    };
    let registry = tracing_subscriber::registry().with(layer.with_filter::<LevelFilter>(level.into()));
    #[cfg(feature = "otlp")]
    let registry = registry.with(super::otlp::layer()?);
    if registry.try_init().is_ok() {
        let _ = FORMAT.set(format);
    }
    // The standard library's own hook writes to standard error itself, and waits for its reader.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(cause = panic.payload_as_str(), place, "a panic");
    }));
    Ok(())
}

/// Says one line on standard error, in whatever form the caller gives it, and waits a second for it to be read at most.
pub fn say(line: &str) {
    let mut line = clean(line, LogFormat::Text);
    line.push('\n');
    match sink::start() {
        Ok(()) => sink::push(&line),
        // Without a thread it is said here.
        Err(_) => drop(io::stderr().write_all(line.as_bytes())),
    }
    flush();
}

/// Says why the process ends: in the format of the log, or of what was asked for if the log has not begun.
pub fn fatal(sentence: &str, asked: Option<LogFormat>) {
    let format = FORMAT.get().copied().or(asked).unwrap_or(LogFormat::Text);
    let begun = || FORMAT.get().is_some() || init(format, LevelFilter::ERROR).is_ok();
    if format == LogFormat::Json && begun() {
        tracing::error!(target: "wordtally", cause = sentence, "fatal");
        flush();
    } else {
        say(&format!("wordtally: {sentence}"));
    }
}

/// Waits until every line is read, for a second at most.
pub fn flush() {
    #[cfg(feature = "otlp")]
    super::otlp::flush(FLUSH);
    sink::flush(FLUSH);
}

/// What a line is written to: each is written whole, in one call.
struct Line {
    format: LogFormat,
    colour: bool,
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let mut clean = clean(text.strip_suffix('\n').unwrap_or(&text), self.format);
        // After it is clean: an escape in a value is not one of ours.
        if self.colour {
            clean = coloured(&clean);
        }
        clean.push('\n');
        sink::push(&clean);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line without secrets and with nothing invisible in it.
fn clean(line: &str, format: LogFormat) -> String {
    visible(&secrets::redacted(line), format).into_owned()
}
