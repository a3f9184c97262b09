//! The HTTP server over real sockets, with an answer that the test gives it.

mod client;
mod conditional;
mod cors;
mod drain;
mod encoding;
mod freshness;
mod limits;
mod links;
mod negotiation;
mod probe;
mod refusals;
mod server;
mod sockets;
