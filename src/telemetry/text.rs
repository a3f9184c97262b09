//! Log lines for people: values in quotes, and colours on a terminal.

use std::fmt::{self, Debug, Write};
use std::io::{self, IsTerminal};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Writes fields as `name="text" name=1`. The library's own formatter leaves displayed values without quotes, even with
/// spaces.
pub(super) struct Quoted;

impl<'w> FormatFields<'w> for Quoted {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = Visitor {
            writer,
            written: Ok(()),
            begun: false,
        };
        fields.record(&mut visitor);
        visitor.written
    }
}

struct Visitor<'w> {
    writer: Writer<'w>,
    written: fmt::Result,
    begun: bool,
}

impl Visitor<'_> {
    fn field(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let space = if std::mem::replace(&mut self.begun, true) {
            " "
        } else {
            ""
        };
        let written = match field.name() {
            "message" => write!(self.writer, "{space}{value}"),
            name => write!(self.writer, "{space}{name}={value}"),
        };
        self.written = self.written.and(written);
    }
}

impl Visit for Visitor<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, format_args!("{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.field(field, format_args!("{value}")),
            _ => self.field(field, format_args!("{value:?}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Whether lines are coloured: only on a terminal, and according to <https://no-color.org>.
pub(super) fn is_coloured() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && io::stderr().is_terminal()
}

/// The line with its time dimmed and its level in that level's colour.
pub(super) fn coloured(line: &str) -> String {
    const LEVELS: [(&str, u8); 5] = [
        ("ERROR", 31),
        ("WARN", 33),
        ("INFO", 32),
        ("DEBUG", 34),
        ("TRACE", 35),
    ];
    let parts = line.split_once(' ').and_then(|(time, rest)| {
        let (level, text) = rest.trim_start().split_once(' ')?;
        let (_, colour) = LEVELS.iter().find(|(name, _)| *name == level)?;
        Some((time, level, colour, text))
    });
    let mut coloured = String::with_capacity(line.len() + 24);
    let written = match parts {
        Some((time, level, colour, text)) => {
            write!(
                coloured,
                "\x1b[2m{time}\x1b[0m \x1b[{colour}m{level:>5}\x1b[0m {text}"
            )
        }
        None => coloured.write_str(line),
    };
    // Writing to memory does not fail.
    debug_assert!(written.is_ok());
    coloured
}
