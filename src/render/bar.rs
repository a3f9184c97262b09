//! A number as a bar, inside the row that has it.

/// A bar as long as the value's share of the longest; none for a value below it all. The policy allows no style of an
/// element's own, so that its length is an attribute. The number stands beside it: to a screen reader it is nothing.
pub(super) fn bar(value: f64, longest: f64) -> String {
    let share = if value > 0.0 { 100.0 * value / longest } else { 0.0 };
    format!(
        "<svg aria-hidden=\"true\" width=\"100%\" height=\"8\"><rect width=\"{share:.1}%\" height=\"8\" rx=\"1\"/></svg>"
    )
}
