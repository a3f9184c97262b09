//! The HTTP server over real sockets, with an answer from the test.

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
