use std::str::FromStr;

use tracing::level_filters::LevelFilter;

use super::Invalid;

/// The least severe lines that are logged. There is no `trace`: it is the libraries' own, and tells nothing of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// What failed and cannot be mended by trying again.
    Error,
    /// What failed and is tried again.
    Warn,
    /// What happened.
    Info,
    /// Each request too.
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
