use std::str::FromStr;

use tracing::level_filters::LevelFilter;

use super::Invalid;

/// The least severe level that is logged. There is no `trace`: only the libraries log at that level, and nothing about
/// a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Failures that a retry cannot fix.
    Error,
    /// Failures that are retried.
    Warn,
    /// Events.
    Info,
    /// Also each request.
    Debug,
}

impl FromStr for LogLevel {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "error" => Ok(Self::Error),
            "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            _ => Err(Invalid::new(format!(
                "invalid log level '{text}': expected error, warn, info or debug"
            ))),
        }
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
        }
    }
}
