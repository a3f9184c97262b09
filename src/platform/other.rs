//! Unix systems besides Linux: what they lack is left out.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::SocketAddr;
use std::time::Duration;

use rustix::time::ClockId;

use super::Usage;

/// On macOS it goes on while the machine is suspended.
pub(crate) const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// The kernel keeps what it likes for a peer that does not read.
pub(crate) fn limit_unsent(_: &impl AsFd, _: u32) -> io::Result<()> {
    Ok(())
}

/// The kernel gives up a connection in its own time.
pub(crate) fn limit_unacknowledged(_: &impl AsFd, _: Duration) -> io::Result<()> {
    Ok(())
}

/// Nobody passes sockets but by hand.
pub(crate) fn is_listener(_: &impl AsFd) -> io::Result<bool> {
    Ok(true)
}

/// There are no abstract names.
pub(crate) fn notify_address(name: &OsStr) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(name)
}

/// Nothing is told.
pub(crate) fn usage() -> Usage {
    Usage::default()
}
