use std::io::{self, ErrorKind};
use std::net::{self, SocketAddr};
use std::os::unix::net as unix;

use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::socket_file::{self, SocketFile};
use crate::config::Listen;
use crate::platform::{is_listener, limit_unsent};

/// Connections that the kernel queues until we accept them.
const BACKLOG: i32 = 1024;
/// How many bytes the kernel buffers of the data on its way to a peer, and of the data that a peer sends ahead. The
/// kernel doubles both for its own bookkeeping. By default it buffers 250 KB for each TCP connection, and more over
/// time, which counts against our cgroup. With a smaller send buffer, a peer that acknowledges late, as on the
/// loopback, delays each response by 40 ms.
const SEND_BUFFER: usize = 64 * 1024;
/// On a Unix socket no data is on its way: all of it waits for the peer.
const UNIX_SEND_BUFFER: usize = 16 * 1024;
const RECEIVE_BUFFER: usize = 8 * 1024;
/// How many bytes the kernel accepts from us beyond the peer's window. It buffers them for a peer that does not read,
/// and reports free space when half of them are gone, so that the progress of a slow peer is visible.
const UNSENT: u32 = 16 * 1024;

/// A listening socket: systemd's, or one that we opened.
#[derive(Debug)]
pub struct Listener {
    socket: Listening,
    /// Whether systemd keeps the socket, and with it the backlog, when this process ends.
    inherited: bool,
    file: Option<SocketFile>,
}

#[derive(Debug)]
enum Listening {
    Tcp(net::TcpListener),
    Unix(unix::UnixListener),
}

impl Listener {
    /// Opens the socket: the one that systemd passed, or else the address.
    ///
    /// Call it before any thread is started: taking systemd's socket clears `LISTEN_FDS` and `LISTEN_PID`.
    ///
    /// # Errors
    ///
    /// One sentence that names the address, or says what is wrong with the passed socket.
    pub fn open(listen: &Listen) -> io::Result<Self> {
        if let Some(socket) = inherited()? {
            return Self::new(socket, true, None);
        }
        Self::bind(listen).map_err(|error| {
            let advice = advice(listen, error.kind());
            io::Error::new(
                error.kind(),
                format!("cannot listen on {listen}: {error}{advice}"),
            )
        })
    }

    fn bind(listen: &Listen) -> io::Result<Self> {
        match listen {
            Listen::Tcp(address) => Self::new(Listening::Tcp(bind_tcp(*address)?), false, None),
            Listen::Unix(path) => {
                let (listener, file) = socket_file::bind(path)?;
                Self::new(Listening::Unix(listener), false, Some(file))
            }
        }
    }

    fn new(socket: Listening, inherited: bool, file: Option<SocketFile>) -> io::Result<Self> {
        match &socket {
            Listening::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                // On Linux an accepted socket inherits these options, so that they cost nothing per connection.
                let options = SockRef::from(listener);
                options.set_tcp_nodelay(true)?;
                options.set_send_buffer_size(SEND_BUFFER)?;
                options.set_recv_buffer_size(RECEIVE_BUFFER)?;
                limit_unsent(listener, UNSENT)?;
            }
            Listening::Unix(listener) => listener.set_nonblocking(true)?,
        }
        Ok(Self {
            socket,
            inherited,
            file,
        })
    }

    /// The address with its real port, for the log.
    ///
    /// # Errors
    ///
    /// The kernel's error, if the socket is broken.
    pub fn local_address(&self) -> io::Result<Listen> {
        match &self.socket {
            Listening::Tcp(listener) => listener.local_addr().map(Listen::Tcp),
            Listening::Unix(listener) => {
                let address = listener.local_addr()?;
                Ok(Listen::Unix(address.as_pathname().unwrap_or("".as_ref()).into()))
            }
        }
    }

    /// Registers the socket with the runtime that serves.
    pub(super) fn start(self) -> io::Result<Acceptor> {
        let socket = match self.socket {
            Listening::Tcp(listener) => Accepting::Tcp(TcpListener::from_std(listener)?),
            Listening::Unix(listener) => Accepting::Unix(UnixListener::from_std(listener)?),
        };
        Ok(Acceptor {
            socket,
            inherited: self.inherited,
            _file: self.file,
        })
    }
}

/// Advice on what would be right, because the kernel only says what is wrong.
fn advice(listen: &Listen, refused: ErrorKind) -> &'static str {
    match (listen, refused) {
        (Listen::Tcp(_), ErrorKind::AddrInUse) => {
            ": stop the process that uses the port, or choose another with --listen"
        }
        (Listen::Tcp(_), ErrorKind::AddrNotAvailable) => {
            ": expected an address of this machine in --listen, e.g. 127.0.0.1:8080 or 0.0.0.0:8080"
        }
        (Listen::Tcp(_), ErrorKind::PermissionDenied) => {
            ": a port below 1024 needs CAP_NET_BIND_SERVICE, choose another with --listen"
        }
        (Listen::Unix(_), ErrorKind::PermissionDenied) => {
            ": expected a folder in --listen that the service's user may write to"
        }
        (Listen::Unix(_), ErrorKind::NotFound) => ": expected an existing folder in --listen",
        _ => "",
    }
}

/// The socket from systemd, if it passed one.
fn inherited() -> io::Result<Option<Listening>> {
    let refused = |sentence: String| Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
    let mut passed = ListenFd::from_env();
    match passed.len() {
        0 => return Ok(None),
        1 => {}
        many => {
            return refused(format!("systemd passed {many} sockets: expected exactly one"));
        }
    }
    let socket = if let Ok(Some(listener)) = passed.take_unix_listener(0) {
        Listening::Unix(listener)
    } else if let Ok(Some(listener)) = passed.take_tcp_listener(0) {
        Listening::Tcp(listener)
    } else {
        return refused(
            "the socket that systemd passed is not a TCP or Unix stream socket: use ListenStream= in the socket unit"
                .to_owned(),
        );
    };
    let listening = match &socket {
        Listening::Tcp(listener) => is_listener(listener)?,
        Listening::Unix(listener) => is_listener(listener)?,
    };
    if !listening {
        return refused(
            "the socket that systemd passed is a single connection: set Accept=no in the socket unit"
                .to_owned(),
        );
    }
    Ok(Some(socket))
}

fn bind_tcp(address: SocketAddr) -> io::Result<net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait until the previous process's connections have timed out.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // [::] also accepts IPv4, whatever the machine's default is.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A listening socket registered with the runtime.
#[derive(Debug)]
pub(super) struct Acceptor {
    socket: Accepting,
    inherited: bool,
    _file: Option<SocketFile>,
}

#[derive(Debug)]
enum Accepting {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// An accepted connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Acceptor {
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Accepting::Tcp(listener) => listener.accept().await.map(|(stream, _)| Stream::Tcp(stream)),
            Accepting::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                // These options are not inherited; the data that the peer sends counts against the peer.
                SockRef::from(&stream).set_send_buffer_size(UNIX_SEND_BUFFER)?;
                Ok(Stream::Unix(stream))
            }
        }
    }

    /// Stops listening. Passes on the connections in the kernel's backlog, which closing would reset, one by one, so
    /// that rejected ones do not occupy descriptors. systemd's socket keeps its backlog for the next process.
    pub(super) fn close(self, mut admit: impl FnMut(Stream)) {
        if self.inherited {
            return;
        }
        match self.socket {
            Accepting::Tcp(listener) => {
                let Ok(listener) = listener.into_std() else { return };
                let backlog = std::iter::from_fn(|| listener.accept().ok()).take(BACKLOG as usize);
                for (stream, _) in backlog {
                    if stream.set_nonblocking(true).is_ok()
                        && let Ok(stream) = TcpStream::from_std(stream)
                    {
                        admit(Stream::Tcp(stream));
                    }
                }
            }
            Accepting::Unix(listener) => {
                let Ok(listener) = listener.into_std() else { return };
                let backlog = std::iter::from_fn(|| listener.accept().ok()).take(BACKLOG as usize);
                for (stream, _) in backlog {
                    if stream.set_nonblocking(true).is_ok()
                        && let Ok(stream) = UnixStream::from_std(stream)
                    {
                        admit(Stream::Unix(stream));
                    }
                }
            }
        }
    }
}
