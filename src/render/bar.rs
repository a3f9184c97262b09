//! A number as a bar, inside its row.

/// A bar as long as the value's share of the largest; empty for a negative value. The length is an attribute, because
/// the policy forbids inline styles. Screen readers skip the bar, because the number is beside it.
pub(super) fn bar(value: f64, longest: f64) -> String {
    let share = if value > 0.0 { 100.0 * value / longest } else { 0.0 };
    format!(
        "<svg aria-hidden=\"true\" width=\"100%\" height=\"8\"><rect width=\"{share:.1}%\" height=\"8\" rx=\"1\"/></svg>"
    )
}
