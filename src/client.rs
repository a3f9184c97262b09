//! One request over its own connection, to a server on this machine.

use std::io;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Sends the request and extracts from the response what is wanted. The caller sets the time limit.
pub(crate) async fn exchange<S, T, F>(
    stream: S,
    mut request: Request<Empty<Bytes>>,
    take: impl FnOnce(Response<Incoming>) -> F,
) -> io::Result<T>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = io::Result<T>>,
{
    request
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let taken = async {
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        take(response).await
    };
    tokio::pin!(connection, taken);
    // The connection has to be polled to read and write while the response is waited for.
    tokio::select! {
        taken = &mut taken => taken,
        ended = &mut connection => {
            ended.map_err(io::Error::other)?;
            taken.await
        }
    }
}
