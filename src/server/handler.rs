use std::future::Future;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

/// Answers the requests of a server. Its responses have their own `Date`.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request, which may be the last one of its connection.
    fn respond(
        &self,
        request: Request<Incoming>,
        last: bool,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;

    /// Answers a request whose head cannot be read, as the last one of its connection.
    fn unreadable(&self, status: StatusCode) -> Response<Full<Bytes>>;

    /// A connection was opened.
    fn opened(&self) {}

    /// A connection was closed.
    fn closed(&self) {}

    /// A connection was closed unread because too many are open.
    fn refused(&self) {}
}
