//! Requests words' pages, from outside as a client does and on the host itself, and compares them with the expected
//! counts.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::header::{ACCEPT, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::tls::Certificate;
use serde::Deserialize;

/// Counts of a word, by corpus.
pub type ByCorpus = BTreeMap<String, u64>;

/// Most bytes of a page: one of 100,000 corpora has 8 MB.
const MOST: u64 = 16 * 1024 * 1024;
/// How many characters of an error page are repeated.
const SAID: usize = 200;
/// How long one page may take.
const LIMIT: Duration = Duration::from_secs(20);
/// The interval between two requests to a host: fewer per second than the 20 that the reverse proxy's own limit allows.
const PACE: Duration = Duration::from_millis(60);
/// The wait after a refusal that does not say how long to wait.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a wait checks for an interrupt.
const LOOK: Duration = Duration::from_millis(50);

/// Why a page is not as expected.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// There was no response, or an incomplete one.
    #[error("{who}: {why}")]
    NoResponse {
        /// The request.
        who: String,
        /// The fault.
        why: String,
    },
    /// The response is not a page.
    #[error("{who} answers {}{}", status.as_u16(), after_colon(said))]
    Status {
        /// The request.
        who: String,
        /// The response's status.
        status: StatusCode,
        /// The beginning of its body.
        said: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// It responds with 200 and other content.
    #[error("{0} is not a word's page")]
    NotAPage(String),
    /// It responds with 200 and wrong counts.
    #[error("{who}: {}", differences.join(", "))]
    Counts {
        /// The request.
        who: String,
        /// Each corpus with a wrong count.
        differences: Vec<String>,
    },
    /// The time ran out before it was requested.
    #[error("{0} was not checked: the time for all pages is over")]
    Late(String),
    /// The check was interrupted.
    #[error("{0} was not checked: the check was interrupted")]
    Unwanted(String),
}

impl Wrong {
    /// Whether it answers, and answers wrongly, which an outage cannot explain.
    #[must_use]
    pub fn is_wrong_answer(&self) -> bool {
        matches!(self, Self::NotAPage(_) | Self::Counts { .. })
    }

    /// How long to wait before the next request, if a limit or a restart was the reason for the refusal.
    fn pause(&self) -> Option<Duration> {
        match self {
            Self::Status {
                status: StatusCode::TOO_MANY_REQUESTS,
                retry_after,
                ..
            } => Some(retry_after.unwrap_or(PAUSE)),
            Self::Status {
                status: StatusCode::SERVICE_UNAVAILABLE,
                retry_after,
                ..
            } => *retry_after,
            _ => None,
        }
    }
}

fn after_colon(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    }
}

/// The response of `/readyz` if it is not `ready`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

/// Whether the instance at `ADDRESS:PORT` or `unix:PATH` has an answer to serve.
///
/// # Errors
///
/// Its response instead.
pub fn readiness(listen: &str, limit: Duration) -> Result<(), NotReady> {
    let no_answer = |why: String| NotReady(format!("it does not answer: {why}"));
    let (client, origin) = on_host(listen).map_err(no_answer)?;
    let response = client
        .get(format!("{origin}/readyz"))
        .timeout(limit)
        .send()
        .map_err(|error| no_answer(cause(&error)))?;
    let status = response.status();
    let body = body(response).map_err(no_answer)?;
    match (status, beginning(&body)) {
        (StatusCode::OK, said) if said == "ready" => Ok(()),
        (status, said) if said.is_empty() => Err(NotReady(format!("it answers {}", status.as_u16()))),
        (_, said) => Err(NotReady(said)),
    }
}

/// The counts of the instance at `ADDRESS:PORT` or `unix:PATH`; `who` begins the sentence of an error.
///
/// # Errors
///
/// [`Wrong`], if it returns none.
pub fn counts(who: &str, listen: &str, limit: Duration) -> Result<ByCorpus, Wrong> {
    let (client, origin) = on_host(listen).map_err(|why| no_response(who, why))?;
    ask(&client, who, &format!("{origin}/"), limit)
}

/// Compares counts with the expected ones; returns how many corpora there are.
///
/// # Errors
///
/// [`Wrong::Counts`], which lists the differences.
pub fn compare(who: &str, expected: &ByCorpus, got: &ByCorpus) -> Result<usize, Wrong> {
    let differences: Vec<_> = expected
        .iter()
        .filter(|&(corpus, count)| got.get(corpus) != Some(count))
        .map(|(corpus, count)| match got.get(corpus) {
            Some(other) => format!("{corpus} has {other} and not {count}"),
            None => format!("{corpus} has nothing and not {count}"),
        })
        .collect();
    if differences.is_empty() {
        return Ok(got.len());
    }
    Err(Wrong::Counts {
        who: who.to_owned(),
        differences,
    })
}

/// How long one page is requested, and whether refusals are waited out.
#[derive(Clone, Copy)]
pub struct Patience<'a> {
    /// When the result must be known.
    pub until: Instant,
    /// Whether it is requested again after a limit refused it, or if it asks to wait.
    pub asks_again: bool,
    /// Whether the result is no longer wanted.
    pub given_up: &'a dyn Fn() -> bool,
}

/// Requests a host's pages from outside, with a client that keeps its connection, and no faster than the host's limits
/// allow.
#[derive(Debug)]
pub struct Outside {
    client: Client,
    next: Instant,
}

impl Outside {
    /// Uses new connections; `authority` is the PEM text that certificates are checked against, by default this
    /// machine's own authorities.
    ///
    /// # Errors
    ///
    /// The fault of the authority.
    pub fn new(authority: Option<&str>) -> Result<Self, String> {
        let mut builder = client();
        if let Some(pem) = authority {
            let certificates = Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|error| format!("the certificate authority cannot be parsed: {}", cause(&error)))?;
            if certificates.is_empty() {
                return Err("the certificate authority has no certificate: give PEM text".to_owned());
            }
            builder = certificates.into_iter().fold(
                builder.tls_built_in_root_certs(false),
                ClientBuilder::add_root_certificate,
            );
        }
        Ok(Self {
            client: builder.build().map_err(|error| cause(&error))?,
            next: Instant::now(),
        })
    }

    /// Requests a word's page and compares it with the expected counts; returns how many corpora it lists.
    ///
    /// # Errors
    ///
    /// How it is wrong.
    pub fn check(&mut self, url: &str, expected: &ByCorpus, patience: Patience<'_>) -> Result<usize, Wrong> {
        compare(url, expected, &self.counts(url, patience)?)
    }

    fn counts(&mut self, url: &str, patience: Patience<'_>) -> Result<ByCorpus, Wrong> {
        loop {
            wait(url, self.next, patience)?;
            let left = patience.until.saturating_duration_since(Instant::now());
            let answer = ask(&self.client, url, url, left.min(LIMIT));
            self.next = Instant::now() + PACE;
            match answer.as_ref().err().and_then(Wrong::pause) {
                // A wait that ends too late is useless.
                Some(pause) if patience.asks_again && pause < left => self.next += pause,
                _ => return answer,
            }
        }
    }
}

fn wait(who: &str, until: Instant, patience: Patience<'_>) -> Result<(), Wrong> {
    loop {
        if (patience.given_up)() {
            return Err(Wrong::Unwanted(who.to_owned()));
        }
        let now = Instant::now();
        if now >= patience.until {
            return Err(Wrong::Late(who.to_owned()));
        }
        match until.checked_duration_since(now) {
            None | Some(Duration::ZERO) => return Ok(()),
            Some(left) => thread::sleep(left.min(LOOK)),
        }
    }
}

fn ask(client: &Client, who: &str, url: &str, limit: Duration) -> Result<ByCorpus, Wrong> {
    let response = client
        .get(url)
        .header(ACCEPT, "application/json")
        .timeout(limit)
        .send()
        .map_err(|error| no_response(who, cause(&error)))?;
    let (status, retry_after) = (response.status(), retry_after(&response));
    let body = body(response).map_err(|why| no_response(who, why))?;
    if status != StatusCode::OK {
        return Err(Wrong::Status {
            who: who.to_owned(),
            status,
            said: beginning(&body),
            retry_after,
        });
    }
    let page: Page = serde_json::from_slice(&body).map_err(|_| Wrong::NotAPage(who.to_owned()))?;
    Ok(page
        .counts
        .into_iter()
        .map(|count| (count.corpus, count.total_words))
        .collect())
}

#[derive(Deserialize)]
struct Page {
    counts: Vec<Count>,
}

#[derive(Deserialize)]
struct Count {
    corpus: String,
    total_words: u64,
}

fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    // The other form is a date, which our proxies never send.
    Some(value.trim().parse().map_or(PAUSE, Duration::from_secs))
}

/// The whole body, if it has at most this many bytes. The request's own time limit includes it.
fn body(response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    response
        .take(MOST + 1)
        .read_to_end(&mut body)
        .map_err(|error| format!("its body is incomplete: {}", cause(&error)))?;
    if body.len() as u64 > MOST {
        return Err(format!("its body has more than {MOST} bytes"));
    }
    Ok(body)
}

fn client() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("wordtally-deploy/", env!("CARGO_PKG_VERSION")))
        // The request is for the host itself, and for exactly this page.
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(LIMIT)
        .timeout(LIMIT)
}

/// A client for one instance on this machine, and the prefix of its addresses.
fn on_host(listen: &str) -> Result<(Client, String), String> {
    let (builder, origin) = match listen.strip_prefix("unix:") {
        Some(path) => (client().unix_socket(path), "http://localhost".to_owned()),
        None => (client(), format!("http://{listen}")),
    };
    // There is no TLS on the host itself: reading the machine's certificates would be most of the work.
    let builder = builder.tls_built_in_root_certs(false);
    Ok((builder.build().map_err(|error| cause(&error))?, origin))
}

fn no_response(who: &str, why: String) -> Wrong {
    Wrong::NoResponse {
        who: who.to_owned(),
        why,
    }
}

/// The innermost cause of an error: the layers above it only say that there is one.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    loop {
        // The cause below this one is only the wait that was ended.
        if last
            .downcast_ref::<reqwest::Error>()
            .is_some_and(reqwest::Error::is_timeout)
        {
            return "it takes too long".to_owned();
        }
        let inner = last
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        match inner
            .map(|error| error as &(dyn Error + 'static))
            .or(last.source())
        {
            Some(next) => last = next,
            None => return clean(&last.to_string()),
        }
    }
}

fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..SAID * 4).unwrap_or(body));
    clean(text.trim()).chars().take(SAID).collect()
}

/// A server's own words, made fit for one line.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
