//! Serves the cached pages over HTTP/1.1: sockets, limits, routes, headers and the drain.
//!
//! Everything that a request needs is in memory. The only waits are for the peer, and each of them has a limit.

mod accept_loop;
mod access_log;
mod attachment;
mod conditional;
mod connection;
mod cors;
mod date;
mod descriptors;
mod documents;
mod encoding;
mod fields;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod handler;
mod head_timeout;
mod headers;
mod index_service;
mod joined;
mod last_words;
mod limits;
mod listener;
mod metrics_format;
mod negotiate;
mod refusal;
mod request_id;
mod responses;
mod route;
mod service;
mod socket_file;
mod target;
mod trace_context;
mod weighted;
mod withheld;
mod write_stall;

pub use accept_loop::{Drained, serve};
pub use date::now as date;
pub use descriptors::raise_descriptor_limit;
pub use handler::Handler;
pub use index_service::{IndexService, Shown};
pub use limits::Limits;
pub use listener::Listener;
pub use service::Service;
