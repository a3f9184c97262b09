use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{ACCEPT, ETAG, HOST, HeaderValue, IF_NONE_MATCH};
use hyper::{Request, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;

use crate::client;
use crate::config::Listen;
use crate::render::{MAX_PAGES, State};

/// The longest timestamp, in bytes: RFC 3339 with nanoseconds.
const MAX_TIME: usize = 32;
/// The longest entity tag that is kept, in bytes. An instance's has some 20.
const MAX_ETAG: usize = 128;

/// The last counts of an instance, with the entity tag by which it can confirm that they are unchanged.
#[derive(Debug, Clone)]
pub(super) struct Said {
    etag: Option<HeaderValue>,
    pub(super) state: State,
}

/// The part of an instance's JSON that the index shows.
#[derive(Deserialize)]
struct Counts {
    word: String,
    total_words: i128,
    as_of: String,
    #[serde(default)]
    sample_data: bool,
    // Only their number is needed: nothing of them is kept.
    counts: Vec<IgnoredAny>,
}

/// Asks the instance at an address for its counts, unless they are unchanged. A body may be large, so it is read only
/// when its turn comes.
pub(super) async fn ask(
    address: &Listen,
    word: &str,
    last: Option<Said>,
    bodies: &Semaphore,
) -> io::Result<Said> {
    match address {
        Listen::Tcp(address) => {
            over(
                TcpStream::connect(address).await?,
                &address.to_string(),
                word,
                last,
                bodies,
            )
            .await
        }
        Listen::Unix(path) => {
            let stream = UnixStream::connect(path).await?;
            over(stream, "localhost", word, last, bodies).await
        }
    }
}

async fn over<S>(
    stream: S,
    host: &str,
    word: &str,
    last: Option<Said>,
    bodies: &Semaphore,
) -> io::Result<Said>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut request = Request::get("/")
        .header(HOST, host)
        .header(ACCEPT, "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    if let Some(etag) = last.as_ref().and_then(|last| last.etag.clone()) {
        request.headers_mut().insert(IF_NONE_MATCH, etag);
    }
    client::exchange(stream, request, async |response| {
        let status = response.status();
        if let (StatusCode::NOT_MODIFIED, Some(last)) = (status, last) {
            return Ok(last);
        }
        if status != StatusCode::OK {
            return Err(io::Error::other(format!("answered {status} instead of 200")));
        }
        let etag = response.headers().get(ETAG).and_then(kept);
        let _turn = bodies.acquire().await.map_err(io::Error::other)?;
        // JSON takes less than half of all that an instance may render of an answer.
        let body = Limited::new(response.into_body(), MAX_PAGES / 2).collect().await;
        let body = body.map_err(io::Error::other)?.to_bytes();
        let counts: Counts = serde_json::from_slice(&body)?;
        if counts.word != word {
            return Err(io::Error::other("counts another word"));
        }
        // It is kept and shown unchanged.
        if counts.as_of.len() > MAX_TIME || humantime::parse_rfc3339(&counts.as_of).is_err() {
            return Err(io::Error::other(
                "gives an `as_of` that is not an RFC 3339 time in UTC",
            ));
        }
        Ok(Said {
            etag,
            state: State::Counted {
                total_words: counts.total_words,
                corpora: counts.counts.len(),
                as_of: counts.as_of,
                sample_data: counts.sample_data,
            },
        })
    })
    .await
}

/// A copy: hyper's value keeps the whole head in memory.
fn kept(etag: &HeaderValue) -> Option<HeaderValue> {
    let bytes = Some(etag.as_bytes()).filter(|bytes| bytes.len() <= MAX_ETAG)?;
    HeaderValue::from_bytes(bytes).ok()
}
