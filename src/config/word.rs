use std::fmt;
use std::str::FromStr;

use super::Invalid;

/// The longest word, in bytes. The longest in Shakespeare has 27.
const MAX_BYTES: usize = 256;

/// A word to count: not empty, at most 256 bytes, no control characters.
///
/// Everything else is allowed, because BigQuery can match it: quotes, spaces, `%`, `$`, backslashes, any script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word(String);

impl Word {
    /// The word as it is sent to BigQuery.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Word {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid::new(
                "invalid word '': expected the word to count, e.g. 'the'",
            ));
        }
        if text.len() > MAX_BYTES {
            return Err(Invalid::new(format!(
                "invalid word of {} bytes: expected at most {MAX_BYTES} bytes",
                text.len()
            )));
        }
        if let Some(at) = text.chars().position(char::is_control) {
            return Err(Invalid::new(format!(
                "invalid word: character {} is a control character, expected printable text",
                at + 1
            )));
        }
        Ok(Self(text.to_owned()))
    }
}
