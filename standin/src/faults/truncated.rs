use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::Sleep;

/// Long enough for the first half to be sent before the connection breaks.
const PAUSE: Duration = Duration::from_millis(20);

/// A body that ends in the middle.
pub(super) struct Truncated {
    half: Option<Bytes>,
    pause: Pin<Box<Sleep>>,
}

impl Truncated {
    pub(super) fn half_of(bytes: Bytes) -> Self {
        Self {
            half: Some(bytes.slice(..bytes.len() / 2)),
            pause: Box::pin(tokio::time::sleep(PAUSE)),
        }
    }
}

impl Body for Truncated {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        self.pause
            .as_mut()
            .poll(context)
            .map(|()| Some(Err(io::Error::other("cut by a fault"))))
    }
}
