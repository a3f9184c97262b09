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

/// The format of the log, once it is set up.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// How long the last lines may take at the end of the process.
const FLUSH: Duration = Duration::from_secs(1);

/// From now on, writes log lines up to this level, and panics, to standard error. A second call changes nothing.
///
/// # Errors
///
/// If the kernel cannot start a thread.
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
    // The standard library's own hook writes to standard error directly, and blocks until it is read.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(cause = panic.payload_as_str(), place, "a panic");
    }));
    Ok(())
}

/// Writes one line to standard error, in the caller's own format, and waits at most a second for it to be read.
pub fn say(line: &str) {
    let mut line = clean(line, LogFormat::Text);
    line.push('\n');
    match sink::start() {
        Ok(()) => sink::push(&line),
        // Without a thread the line is written here.
        Err(_) => drop(io::stderr().write_all(line.as_bytes())),
    }
    flush();
}

/// Reports why the process ends: in the log's format, or in the requested one if the log is not set up.
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

/// Waits until every line is written, for at most a second.
pub fn flush() {
    #[cfg(feature = "otlp")]
    super::otlp::flush(FLUSH);
    sink::flush(FLUSH);
}

/// A buffer for one line, which is written in one call.
struct Line {
    format: LogFormat,
    colour: bool,
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let mut clean = clean(text.strip_suffix('\n').unwrap_or(&text), self.format);
        // Colours are added after cleaning, which escapes every control character in a value.
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

/// A line without secrets and invisible characters.
fn clean(line: &str, format: LogFormat) -> String {
    visible(&secrets::redacted(line), format).into_owned()
}
