//! Where the demo listens, and the host names that reach it.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::config::Listen;
use crate::server::Listener;
use crate::telemetry;

/// Where the sockets begin if no address was chosen.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// How many ports in use are passed over then.
const PASSED_OVER: usize = 100;

/// Opens this many sockets: at the chosen address and the ports that follow it, or, if none was chosen, at the first
/// free ports from 8080 on. If port 0 was chosen, each socket gets a free port.
pub(super) fn open(chosen: Option<SocketAddr>, wanted: usize) -> Result<Vec<Listener>, String> {
    let first = chosen.unwrap_or(DEFAULT);
    let step = u16::from(first.port() != 0);
    let mut next = Some(first.port());
    let mut left = if chosen.is_none() { PASSED_OVER } else { 0 };
    let mut sockets = Vec::with_capacity(wanted);
    while sockets.len() < wanted {
        let port = next.ok_or_else(|| {
            format!("the ports end at 65535: expected fewer words, or a port below {first} in --listen")
        })?;
        match Listener::open(&Listen::Tcp(SocketAddr::new(first.ip(), port))) {
            Ok(socket) => sockets.push(socket),
            Err(error) if left > 0 && error.kind() == ErrorKind::AddrInUse => {
                telemetry::say(&format!("port {port} is taken: trying the next"));
                left -= 1;
            }
            Err(error) => return Err(format!("{error}; the demo needs {wanted} ports, from {first} on")),
        }
        next = port.checked_add(step);
    }
    Ok(sockets)
}

/// The hosts that reach a socket.
pub(super) struct Hosts {
    /// From this machine.
    pub(super) here: String,
    /// From other machines, if that is a different one.
    pub(super) anywhere: Option<String>,
}

/// The hosts for a listening address. Not every browser accepts the unspecified address.
pub(super) fn hosts(address: IpAddr) -> Hosts {
    match address.is_unspecified() {
        true => Hosts {
            here: "localhost".to_owned(),
            anywhere: own_address().map(in_url),
        },
        false => Hosts {
            here: in_url(address),
            anywhere: None,
        },
    }
}

fn in_url(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// The address from which this machine reaches others. The kernel chooses it for a socket that sends nothing; the
/// targets are from the ranges reserved for documentation.
fn own_address() -> Option<IpAddr> {
    let v4 = (
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    );
    let v6 = (
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    );
    [v4, v6].into_iter().find_map(|(any, other)| {
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect((other, 9)).ok()?;
        let own = socket.local_addr().ok()?.ip();
        (!own.is_loopback() && !own.is_unspecified()).then_some(own)
    })
}
