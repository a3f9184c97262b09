//! What tests of one process have in common: its sockets.

use tokio::sync::Mutex;

/// A child has a copy of every socket of this process until it executes its program, and a moment longer. So whoever
/// starts one holds this until its end, and so does whoever lets a socket go and wants it closed.
pub(crate) static COPIED: Mutex<()> = Mutex::const_new(());
