use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How long the rest of the peer's data is read and dropped. Closing with unread bytes resets the connection, which can
/// discard the response before the peer reads it.
const LINGER: Duration = Duration::from_secs(1);

/// Sends a response on a connection that hyper has given up, and closes it.
pub(super) async fn say<S>(stream: &mut S, response: Response<Full<Bytes>>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(&message(response).await?).await?;
    stream.shutdown().await?;
    let dropped = async {
        let mut rest = vec![0; 1024];
        while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {}
    };
    let _ = timeout(LINGER, dropped).await;
    Ok(())
}

async fn message(response: Response<Full<Bytes>>) -> io::Result<Vec<u8>> {
    let (mut head, body) = response.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(never) => match never {},
    };
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let reason = head.status.canonical_reason().unwrap_or_default();
    let mut message = Vec::with_capacity(1024);
    write!(message, "HTTP/1.1 {} {reason}\r\n", head.status.as_u16())?;
    for (name, value) in &head.headers {
        write!(message, "{name}: ")?;
        message.extend_from_slice(value.as_bytes());
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"\r\n");
    message.extend_from_slice(&body);
    Ok(message)
}
