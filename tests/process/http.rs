//! HTTP over one connection at a time.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::instance::PATIENCE;

/// One connection.
pub(crate) struct Client(SendRequest<Empty<Bytes>>);

impl Client {
    pub(crate) async fn new(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.get_as(path, "*/*").await
    }

    pub(crate) async fn get_as(&mut self, path: &str, accept: &str) -> Reply {
        let request = Request::get(path)
            .header("host", "a")
            .header("accept", accept)
            .body(Empty::new())
            .unwrap();
        let whole = async {
            self.0.ready().await.unwrap();
            let response = self.0.send_request(request).await.unwrap();
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Reply(Response::from_parts(head, body))
        };
        timeout(PATIENCE, whole).await.expect("no whole answer comes")
    }
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct Reply(Response<Bytes>);

impl Reply {
    /// The status and every header.
    pub(crate) fn head(&self) -> String {
        format!("{} {:?}", self.0.status(), self.0.headers())
    }

    pub(crate) fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// The value of a header; a repeated header is an error.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.0.headers().get_all(name).iter();
        let first = found.next();
        assert_eq!(found.next(), None, "{name} twice");
        first.map(|value| value.to_str().unwrap())
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.0.body()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(self.0.body()).unwrap()
    }
}
