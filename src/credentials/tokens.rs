use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::error::{Error, Kind};
use super::fetch;
use super::fetched::Fetched;
use super::search::Origin;
use crate::backoff::Backoff;
use crate::cause::chain;
use crate::clock::{BootTime, Clock};
use crate::transport::Transport;

/// How long before its expiry a token is replaced.
const MARGIN: Duration = Duration::from_secs(60);
/// How long a token is used if the server gave no lifetime.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(60);
/// The longest lifetime that is believed. Google's are one hour, and 12 at most.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a failure is returned to later callers, so that they do not all ask the server.
const FAILURE_HOLDS: Duration = Duration::from_millis(500);
/// How often one fetch is attempted.
const TRIES: u32 = 3;

/// An access token. Its `Debug` form omits the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

impl Token {
    /// The token itself, for an `Authorization` header only.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// How long fetching a token may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The limit of one fetch: every attempt, body and wait together. One attempt gets a third of it.
    pub fetch: Duration,
    /// The upper bound of the first wait between attempts; it doubles from there.
    pub backoff: Duration,
}

/// The access token that all callers share. One of them at a time fetches it.
#[derive(Debug, Clone)]
pub struct Tokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Origin,
    transport: Arc<Transport>,
    limits: Limits,
    /// The clock that measures lifetimes.
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    failed: Option<(BootTime, Error)>,
    /// The running fetch, which everyone who needs its token awaits.
    flight: Option<watch::Receiver<Option<Result<Token, Error>>>>,
    /// How often the credential was renewed. The result of a fetch that began before the last renewal is not kept.
    renewals: u64,
}

#[derive(Debug)]
struct Held {
    token: Token,
    refresh_at: BootTime,
    expires_at: BootTime,
}

impl Tokens {
    /// A cache over a credential. Nothing is fetched yet.
    pub fn new(origin: Origin, limits: Limits) -> Self {
        Self::by(Clock::default(), origin, limits, Arc::default())
    }

    /// The same with another clock for lifetimes.
    pub fn with_clock(origin: Origin, limits: Limits, clock: Clock) -> Self {
        Self::by(clock, origin, limits, Arc::default())
    }

    /// The same with a shared transport.
    pub(crate) fn over(origin: Origin, limits: Limits, transport: Arc<Transport>) -> Self {
        Self::by(Clock::default(), origin, limits, transport)
    }

    fn by(clock: Clock, origin: Origin, limits: Limits, transport: Arc<Transport>) -> Self {
        Self(Arc::new(Inner {
            clock,
            origin,
            transport,
            limits,
            state: Mutex::default(),
        }))
    }

    /// The token, fetched again if there is none or it expires within a minute.
    ///
    /// Callers share one fetch. It runs in its own task: a caller that goes away does not end the wait of the others,
    /// and a panic in it becomes an error here.
    pub async fn token(&self) -> Result<Token, Error> {
        let mut flight = {
            let mut state = self.0.lock();
            let now = self.0.clock.now();
            if let Some(held) = state.held.as_ref().filter(|held| now < held.refresh_at) {
                return Ok(held.token.clone());
            }
            if let Some((_, error)) = state.failed.as_ref().filter(|(at, _)| now < *at + FAILURE_HOLDS) {
                return state.usable(now).ok_or_else(|| error.clone());
            }
            match &state.flight {
                Some(flight) if flight.has_changed().is_ok() => flight.clone(),
                _ => {
                    let flight = self.start(state.renewals);
                    state.flight = Some(flight.clone());
                    flight
                }
            }
        };
        match flight.wait_for(Option::is_some).await {
            Ok(result) => result.clone().unwrap_or_else(|| Err(broken_off())),
            Err(_) => Err(broken_off()),
        }
    }

    /// Drops a token that BigQuery refused, unless a newer one has replaced it.
    pub fn invalidate(&self, token: &Token) {
        let mut state = self.0.lock();
        if state.held.as_ref().is_some_and(|held| held.token == *token) {
            state.held = None;
            state.failed = None;
        }
    }

    /// Makes the next use read the credential again, for example after its file was replaced. The old token stays in
    /// case the new credential yields none.
    pub fn renew(&self) {
        let mut state = self.0.lock();
        state.renewals += 1;
        state.flight = None;
        state.failed = None;
        if let Some(held) = &mut state.held {
            held.refresh_at = self.0.clock.now();
        }
    }

    /// The project that the metadata server reports, if tokens come from it.
    pub(crate) async fn project(&self) -> Result<Option<String>, Error> {
        match &self.0.origin {
            Origin::File(_) => Ok(None),
            Origin::Metadata(base) => {
                let limit = self.0.limits.fetch;
                let project = fetch::project(base, &self.0.transport, limit);
                within(limit, project).await.map(Some)
            }
        }
    }

    fn start(&self, renewals: u64) -> watch::Receiver<Option<Result<Token, Error>>> {
        let (sender, receiver) = watch::channel(None);
        let inner = Arc::clone(&self.0);
        let fetch = async move {
            let result = inner.fetch().await;
            let now = inner.clock.now();
            let result = inner.lock().settle(result, renewals, now);
            sender.send_replace(Some(result));
        };
        tokio::spawn(fetch.in_current_span());
        receiver
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held; even then, the state would be consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries until there is a token, the credential is refused, or the time or the attempts are used up.
    async fn fetch(&self) -> Result<Fetched, Error> {
        let deadline = Instant::now() + self.limits.fetch;
        let backoff = Backoff {
            first: self.limits.backoff,
            most: self.limits.fetch,
        };
        let mut tries = 0;
        loop {
            // One attempt that hangs must leave time for another.
            let limit = deadline
                .saturating_duration_since(Instant::now())
                .min(self.limits.fetch / TRIES);
            let error = match within(limit, fetch::fetch(&self.origin, &self.transport, limit)).await {
                Ok(fetched) => return Ok(fetched),
                Err(error) => error,
            };
            let wait = backoff.delay(tries);
            tries += 1;
            if error.kind == Kind::Refused || tries == TRIES || Instant::now() + wait >= deadline {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
        }
    }
}

impl State {
    /// Keeps the result of a fetch. After a failure the old token stays in use until it expires.
    fn settle(
        &mut self,
        result: Result<Fetched, Error>,
        renewals: u64,
        now: BootTime,
    ) -> Result<Token, Error> {
        if renewals != self.renewals {
            // A later fetch has replaced this one; those who waited for this one get its result.
            return result.map_or_else(
                |error| self.usable(now).ok_or(error),
                |fetched| Ok(Token(fetched.token.into())),
            );
        }
        self.flight = None;
        match result {
            Ok(Fetched { token, lifetime }) => {
                let lifetime = lifetime.unwrap_or(UNKNOWN_LIFETIME).min(MAX_LIFETIME);
                let token = Token(token.into());
                self.failed = None;
                self.held = Some(Held {
                    token: token.clone(),
                    // A short-lived token is used for three quarters of its lifetime.
                    refresh_at: now + (lifetime - MARGIN.min(lifetime / 4)),
                    expires_at: now + lifetime,
                });
                Ok(token)
            }
            Err(error) => {
                self.failed = Some((now, error.clone()));
                let old = self.usable(now);
                tracing::warn!(
                    cause = chain(&error),
                    old_token_serves = old.is_some(),
                    "cannot fetch a new access token"
                );
                old.ok_or(error)
            }
        }
    }

    fn usable(&self, now: BootTime) -> Option<Token> {
        self.held
            .as_ref()
            .filter(|held| now < held.expires_at)
            .map(|held| held.token.clone())
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(Error::unavailable(format!("no access token within {limit:?}"))))
}

fn broken_off() -> Error {
    Error::unavailable("fetching the access token was interrupted")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(lifetime: Option<Duration>) -> (Duration, Duration) {
        let mut state = State::default();
        let now = Clock::default().now();
        let token = "x".to_owned();
        assert!(state.settle(Ok(Fetched { token, lifetime }), 0, now).is_ok());
        let held = state.held.unwrap();
        let from_now = |end: BootTime| end.saturating_duration_since(now);
        (from_now(held.refresh_at), from_now(held.expires_at))
    }

    #[test]
    fn a_token_is_kept_to_a_minute_before_its_end_and_without_a_lifetime_for_a_minute() {
        let seconds = Duration::from_secs;
        assert_eq!(settled(Some(seconds(3600))), (seconds(3540), seconds(3600)));
        assert_eq!(settled(Some(seconds(100))), (seconds(75), seconds(100)));
        assert_eq!(settled(None), (seconds(45), seconds(60)));
        assert_eq!(settled(Some(Duration::MAX)).1, seconds(24 * 60 * 60));
    }
}
