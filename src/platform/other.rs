//! Unix systems other than Linux: features that they lack are left out.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::SocketAddr;
use std::time::Duration;

use rustix::time::ClockId;

use super::Usage;

/// On macOS this clock advances while the machine is suspended.
pub(crate) const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// The kernel decides how much it buffers for a peer that does not read.
pub(crate) fn limit_unsent(_: &impl AsFd, _: u32) -> io::Result<()> {
    Ok(())
}

/// The kernel decides when it gives up a connection.
pub(crate) fn limit_unacknowledged(_: &impl AsFd, _: Duration) -> io::Result<()> {
    Ok(())
}

/// Sockets are passed only manually.
pub(crate) fn is_listener(_: &impl AsFd) -> io::Result<bool> {
    Ok(true)
}

/// There are no abstract names.
pub(crate) fn notify_address(name: &OsStr) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(name)
}

/// Nothing is reported.
pub(crate) fn usage() -> Usage {
    Usage::default()
}
