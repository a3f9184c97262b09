//! The common property of the tests of one process: its sockets.

use tokio::sync::Mutex;

/// A child process has a copy of every socket of this process until it executes its program, and a moment longer. So a
/// test that starts one holds this lock until the child ends, and so does a test that releases a socket and needs it
/// closed.
pub(crate) static COPIED: Mutex<()> = Mutex::const_new(());
