//! Repairs what a deployment left whose way back died too, and what a restart in the middle of one left.

use super::back::{Forward, back};
use super::world::World;
use super::{lock, preflight, records};

/// Goes back where the last deployment has no end.
///
/// # Errors
///
/// What is not as it was.
pub fn recover(world: &dyn World) -> Result<(), String> {
    // Its own way back does the same.
    if lock::is_under_way(world).map_err(|error| error.to_string())? {
        return Ok(());
    }
    match records::all(world).pop() {
        Some(last) if !last.record.state.is_final() => back(world, &last.way, Forward::Interrupted),
        _ => preflight::end(world),
    }
}
