//! The three calls of BigQuery's API, over our own transport. The client library's types describe the requests. Its own
//! calls would read a body of any size, lose an error's status and ignore `Retry-After`.

use std::time::{Duration, SystemTime};

use gcp_bigquery_client::model::get_query_results_parameters::GetQueryResultsParameters;
use gcp_bigquery_client::model::job_reference::JobReference;
use gcp_bigquery_client::model::query_request::QueryRequest;
use headers::{Date, Header};
use prometheus_client::metrics::counter::Counter;
use reqwest::header::{HeaderMap, HeaderName, RETRY_AFTER};
use url::Url;

use super::fault::{self, Fault};
use super::limits::{PAGE_BYTES, REFUSAL_BYTES};
use super::page::Page;
use crate::config::{Endpoint, Invalid, Project};
use crate::credentials::Token;
use crate::secrets::remember;
use crate::transport::{BodyError, Transport, body};

/// The field with which a server marks its data as a sample. BigQuery never sends it; the stand-in does.
const SAMPLE_DATA: HeaderName = HeaderName::from_static("x-sample-data");
/// The longest that one request may take. BigQuery holds a query back for at most 10 s before it responds with
/// `jobComplete: false`.
const CALL: Duration = Duration::from_secs(20);

/// Sends requests to BigQuery. Clones share its connections.
#[derive(Clone)]
pub(super) struct Sender {
    http: reqwest::Client,
    endpoint: Endpoint,
}

impl Sender {
    pub(super) fn new(endpoint: &Endpoint, transport: &Transport) -> Result<Self, Invalid> {
        let http = transport
            .client(endpoint.is_plain(), CALL)?
            .build()
            .map_err(|error| Invalid::new(format!("cannot make an HTTP client: {error}")))?;
        Ok(Self {
            http,
            endpoint: endpoint.clone(),
        })
    }

    /// jobs.query. It is counted once it was sent, however it ends: answered, failed on the way, or given up by the
    /// caller.
    pub(super) async fn query(
        &self,
        token: &Token,
        project: &Project,
        query: &QueryRequest,
        sent: &Counter,
    ) -> Result<Page, Fault> {
        let request = self
            .http
            .post(self.address(&[project.as_str(), "queries"]))
            .json(query);
        let mut sent = Sent {
            counter: sent,
            unreached: false,
        };
        let answered = exchange(request, token).await;
        sent.unreached = matches!(&answered, Err(fault) if fault.unreached);
        answered?.page()
    }

    /// jobs.getQueryResults.
    pub(super) async fn results(
        &self,
        token: &Token,
        project: &Project,
        job: &str,
        parameters: &GetQueryResultsParameters,
    ) -> Result<Page, Fault> {
        let request = self
            .http
            .get(self.address(&[project.as_str(), "queries", job]))
            .query(parameters);
        exchange(request, token).await?.page()
    }

    /// jobs.cancel.
    pub(super) async fn cancel(
        &self,
        token: &Token,
        project: &Project,
        job: &JobReference,
    ) -> Result<(), Fault> {
        let id = job.job_id.as_deref().unwrap_or_default();
        let mut request = self
            .http
            .post(self.address(&[project.as_str(), "jobs", id, "cancel"]));
        if let Some(location) = &job.location {
            request = request.query(&[("location", location)]);
        }
        exchange(request, token).await.map(drop)
    }

    fn address(&self, segments: &[&str]) -> Url {
        let mut address = self.endpoint.v2();
        // Only an address that cannot have a path refuses this; an http address can have one.
        if let Ok(mut path) = address.path_segments_mut() {
            path.push("projects").extend(segments);
        }
        // Google formats JSON for people by default: half of a page would be spaces.
        address.query_pairs_mut().append_pair("prettyPrint", "false");
        address
    }
}

/// Counts when it is dropped.
struct Sent<'a> {
    counter: &'a Counter,
    unreached: bool,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if !self.unreached {
            self.counter.inc();
        }
    }
}

/// A successful response, read completely.
struct Answered {
    sample_data: bool,
    body: Vec<u8>,
}

impl Answered {
    fn page(&self) -> Result<Page, Fault> {
        Page::parse(&self.body, self.sample_data)
    }
}

/// Sends a request and reads the body of a successful response.
async fn exchange(request: reqwest::RequestBuilder, token: &Token) -> Result<Answered, Fault> {
    remember(token.secret());
    let response = request
        .bearer_auth(token.secret())
        .send()
        .await
        .map_err(fault::broken)?;
    let status = response.status();
    if !status.is_success() {
        let retry_after = retry_after(response.headers());
        // The status says enough if the body cannot be read.
        let words = body(response, REFUSAL_BYTES).await.unwrap_or_default();
        return Err(fault::refused(status, &words, retry_after));
    }
    let sample_data = response.headers().contains_key(SAMPLE_DATA);
    let body = body(response, PAGE_BYTES).await.map_err(|error| match error {
        BodyError::Broken(error) => fault::broken(error),
        too_long => Fault::malformed(format!("BigQuery answered {status} with {too_long}")),
    })?;
    Ok(Answered { sample_data, body })
}

/// How long the server asks clients to wait: in seconds, or until a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?;
    let seconds = value.to_str().ok().and_then(|text| text.parse().ok());
    seconds.map(Duration::from_secs).or_else(|| {
        let date = Date::decode(&mut std::iter::once(value)).ok()?;
        SystemTime::from(date).duration_since(SystemTime::now()).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_names_seconds_or_a_date_or_nothing_of_use() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("18446744073709551615"), Some(Duration::from_secs(u64::MAX)));
        assert!(read("Fri, 31 Dec 2100 23:59:59 GMT") > Some(Duration::from_secs(1_000_000)));
        for none in ["Fri, 31 Dec 1999 23:59:59 GMT", "-1", "soon", "1.5", ""] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
