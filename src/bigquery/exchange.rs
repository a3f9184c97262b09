use std::cell::{Cell, RefCell};
use std::future::Future;

use async_trait::async_trait;
use gcp_bigquery_client::auth::Authenticator;
use gcp_bigquery_client::error::BQError;
use prometheus_client::metrics::counter::Counter;

use super::fault::{self, Fault};
use crate::credentials::{self, Token, Tokens};
use crate::secrets::remember;

/// What the client library loses about one request.
#[derive(Default)]
struct Lost {
    status: Cell<Option<u16>>,
    token: RefCell<Option<Token>>,
    no_token: RefCell<Option<credentials::Error>>,
}

tokio::task_local! {
    static LOST: Lost;
}

/// How a request ended, and with which token.
pub(super) struct Ended<T> {
    pub(super) result: Result<T, Fault>,
    pub(super) token: Option<Token>,
}

/// Runs one request of the client library, keeping the status, token and cause that it loses.
pub(super) async fn exchange<T>(request: impl Future<Output = Result<T, BQError>>) -> Ended<T> {
    LOST.scope(Lost::default(), async {
        let result = request.await;
        LOST.with(|lost| Ended {
            result: result.map_err(|error| match lost.no_token.take() {
                Some(error) => fault::no_token(error),
                None => fault::of(error, lost.status.get()),
            }),
            token: lost.token.take(),
        })
    })
    .await
}

/// Runs one request inside an exchange and counts it if it left for BigQuery, however it ends: answered, failed on
/// the way, or given up by whoever waits. Without a token, or without a connection, nothing was sent.
pub(super) async fn counted<T>(
    sent: &Counter,
    request: impl Future<Output = Result<T, BQError>>,
) -> Result<T, BQError> {
    let mut sent = Sent {
        counter: sent,
        unreached: false,
    };
    let result = request.await;
    sent.unreached = matches!(&result, Err(BQError::RequestError(error)) if error.is_connect());
    result
}

/// Counts when it is dropped.
struct Sent<'a> {
    counter: &'a Counter,
    unreached: bool,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        // The exchange is still around us, also when it is dropped before its end.
        let had_token = LOST.try_with(|lost| lost.token.borrow().is_some());
        if had_token.unwrap_or(false) && !self.unreached {
            self.counter.inc();
        }
    }
}

/// Notes each response's status, and retries nothing.
///
/// The client library reads an error's body without its status, and so loses it whenever the body is not quite as
/// expected. A retry policy is the one place where reqwest shows the status to others. It does not show headers, so
/// Retry-After stays lost.
pub(super) fn note_status() -> reqwest::retry::Builder {
    // Never in scope for a second try: its only part is to see the first response.
    reqwest::retry::for_host(Never).classify_fn(|answer| {
        // Outside of an exchange there is nobody to tell.
        let _ = LOST.try_with(|lost| lost.status.set(answer.status().map(|status| status.as_u16())));
        answer.success()
    })
}

struct Never;

impl PartialEq<&str> for Never {
    fn eq(&self, _: &&str) -> bool {
        false
    }
}

#[async_trait]
impl Authenticator for Tokens {
    async fn access_token(&self) -> Result<String, BQError> {
        match self.token().await {
            Ok(token) => {
                let secret = token.secret().to_owned();
                remember(&secret);
                let _ = LOST.try_with(|lost| lost.token.replace(Some(token)));
                Ok(secret)
            }
            Err(error) => {
                let _ = LOST.try_with(|lost| lost.no_token.replace(Some(error)));
                Err(BQError::NoToken)
            }
        }
    }
}
