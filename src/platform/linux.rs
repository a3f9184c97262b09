use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::time::Duration;

use rustix::time::ClockId;
use socket2::SockRef;

use super::Usage;

/// The clock that advances while the machine is suspended.
pub(crate) const SINCE_BOOT: ClockId = ClockId::Boottime;

/// In how many ticks per second the kernel reports process times. It is the same on every platform we support.
const TICKS: f64 = 100.0;

/// Limits how many bytes the kernel takes beyond a peer's window, on each socket that a listener accepts.
pub(crate) fn limit_unsent(listener: &impl AsFd, bytes: u32) -> io::Result<()> {
    SockRef::from(listener).set_tcp_notsent_lowat(bytes)
}

/// Makes the kernel give up a TCP connection if the peer acknowledges nothing for this long.
pub(crate) fn limit_unacknowledged(stream: &impl AsFd, limit: Duration) -> io::Result<()> {
    SockRef::from(stream).set_tcp_user_timeout(Some(limit))
}

/// Whether a passed socket is listening.
pub(crate) fn is_listener(socket: &impl AsFd) -> io::Result<bool> {
    SockRef::from(socket).is_listener()
}

/// The address in `NOTIFY_SOCKET`; a leading `@` means an abstract one.
pub(crate) fn notify_address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}

/// Reads the usage from `/proc/self`.
pub(crate) fn usage() -> Usage {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    Usage {
        cpu_seconds: cpu_seconds(),
        resident: kibibytes(&status, "VmRSS:"),
        address_space: kibibytes(&status, "VmSize:"),
        open_files: open_files(),
    }
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name, which may contain spaces and brackets.
    let (_, after) = stat.rsplit_once(") ")?;
    let mut times = after
        .split(' ')
        .skip(11)
        .map_while(|ticks| ticks.parse::<f64>().ok());
    Some((times.next()? + times.next()?) / TICKS)
}

fn kibibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let value: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(value * 1024.0)
}

/// Since Linux 6.2 the directory's size is the number of open files; with older kernels the entries are counted.
fn open_files() -> Option<f64> {
    let folder = "/proc/self/fd";
    match fs::metadata(folder).ok()?.len() {
        0 => Some(fs::read_dir(folder).ok()?.count() as f64 - 1.0),
        number => Some(number as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_of_this_process_is_right() {
        // On a busy machine this may take a while.
        let begun = std::time::Instant::now();
        while cpu_seconds().unwrap() < 0.03 && begun.elapsed() < Duration::from_secs(10) {}
        let before = usage();
        assert!((0.03..1e6).contains(&before.cpu_seconds.unwrap()), "{before:?}");
        let (resident, all) = (before.resident.unwrap(), before.address_space.unwrap());
        assert!(resident > 1e6 && all > resident, "{before:?}");
        let files: Vec<_> = (0..100).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        // Other tests of this process open files too.
        let opened = usage().open_files.unwrap() - before.open_files.unwrap();
        assert!((90.0..150.0).contains(&opened), "{opened}");
        drop(files);
    }
}
