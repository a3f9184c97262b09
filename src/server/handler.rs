use std::future::Future;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};

/// What answers the requests of a server.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request, which may be the last of its connection.
    fn respond(
        &self,
        request: &Request<Incoming>,
        last: bool,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;

    /// A connection was opened.
    fn opened(&self) {}

    /// A connection was closed.
    fn closed(&self) {}

    /// A connection was closed unread, since too many are open.
    fn refused(&self) {}
}
