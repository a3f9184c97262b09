use std::time::Duration;

use super::Invalid;

/// The longest period: beyond it, arithmetic on clocks could overflow.
const MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Reads a length of time such as `5m`, `1h 30m` or `250ms`: more than zero and at most 366 days.
pub fn parse(text: &str) -> Result<Duration, Invalid> {
    match humantime::parse_duration(text) {
        Ok(period) if !period.is_zero() && period <= MAX => Ok(period),
        Ok(_) => Err(Invalid::new(format!(
            "invalid duration '{text}': expected more than 0s and at most 366d"
        ))),
        Err(_) => Err(Invalid::new(format!(
            "invalid duration '{text}': expected a number with its unit, e.g. 30s, 5m or 24h"
        ))),
    }
}
