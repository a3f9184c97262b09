use std::ops::RangeInclusive;

use super::Invalid;

/// Reads a whole number within a range.
pub fn parse(text: &str, range: RangeInclusive<u64>) -> Result<u64, Invalid> {
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            Invalid::new(format!(
                "invalid number '{text}': expected {} to {}, in digits only",
                range.start(),
                range.end()
            ))
        })
}
