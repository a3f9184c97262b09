//! Spans for an OpenTelemetry collector, if a variable names one.

use std::env;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{Request, Response};
use opentelemetry::trace::{Status, TracerProvider};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::{Builder, Runtime};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use crate::cause::chain;
use crate::secrets::redacted;
use crate::transport::Transport;

/// The standard variables that name a collector. The first one that is set is used.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
/// The longest that one request to the collector may take.
const LIMIT: Duration = Duration::from_secs(5);
/// For how long further failures are not logged.
const QUIET: Duration = Duration::from_secs(60);

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Sends spans, with the log lines in them, to the collector that the variables name. It has its own thread and a
/// bounded queue.
pub(super) fn layer<S>() -> io::Result<Option<Box<dyn Layer<S> + Send + Sync>>>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let Some((name, endpoint)) = ENDPOINTS.iter().find_map(|name| Some((name, set(name)?))) else {
        return Ok(None);
    };
    let is_plain = match Url::parse(&endpoint) {
        Ok(url) if url.has_host() && url.scheme() == "http" => true,
        Ok(url) if url.has_host() && url.scheme() == "https" => false,
        // The value is not repeated: it may contain a password.
        _ => {
            return Err(io::Error::other(format!(
                "invalid {name}: expected an http or https address, e.g. http://127.0.0.1:4318"
            )));
        }
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new(is_plain)?)
        .with_protocol(Protocol::HttpBinary)
        .build()
        .map_err(io::Error::other)?;
    let mut resource = Resource::builder();
    if set("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("wordtally");
    }
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let provider = SdkTracerProvider::builder()
        .with_resource(resource.with_attribute(version).build())
        .with_batch_exporter(Redacted(exporter))
        .build();
    let spans = tracing_opentelemetry::layer()
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_tracer(provider.tracer("wordtally"));
    let _ = PROVIDER.set(provider);
    let own = Targets::new().with_target("wordtally", LevelFilter::INFO);
    Ok(Some(spans.with_filter(own).boxed()))
}

/// Sends the remaining spans, and then no more. A collector that is away delays the end of the process by at most the
/// limit.
pub(super) fn flush(limit: Duration) {
    if let Some(provider) = PROVIDER.get() {
        let _ = provider.shutdown_with_timeout(limit);
    }
}

/// The value of a variable. By OpenTelemetry's specification, an empty one counts as unset.
fn set(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Removes secrets from spans, as the sink does from lines: a panic may repeat what an upstream sent.
#[derive(Debug)]
struct Redacted(opentelemetry_otlp::SpanExporter);

impl SpanExporter for Redacted {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(clean);
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn clean(span: &mut SpanData) {
    redact(&mut span.attributes);
    for event in &mut span.events.events {
        event.name = redacted(&event.name).into_owned().into();
        redact(&mut event.attributes);
    }
    if let Status::Error { description } = &mut span.status {
        *description = redacted(description).into_owned().into();
    }
}

fn redact(attributes: &mut [KeyValue]) {
    let clean = |text: &mut StringValue| *text = redacted(text.as_str()).into_owned().into();
    for attribute in attributes {
        match &mut attribute.value {
            Value::String(text) => clean(text),
            Value::Array(Array::String(texts)) => texts.iter_mut().for_each(clean),
            _ => {}
        }
    }
}

/// Sends on the exporter's own thread, which has no runtime.
#[derive(Debug)]
struct Client {
    runtime: Runtime,
    http: reqwest::Client,
    failed: Mutex<Option<Instant>>,
}

impl Client {
    fn new(is_plain: bool) -> io::Result<Self> {
        let http = Transport::default().client(is_plain, LIMIT);
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().build()?,
            http: http
                .map_err(io::Error::other)?
                .build()
                .map_err(io::Error::other)?,
            failed: Mutex::new(None),
        })
    }

    /// Logs a failure, unless one was logged recently: a collector may be away for days.
    fn log(&self, cause: &str) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_none_or(|last| last.elapsed() >= QUIET) {
            *failed = Some(Instant::now());
            tracing::warn!(cause, "cannot send spans");
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
        // The client creates its timers when it is called, so the call must be within the runtime.
        let sent = self.runtime.block_on(async { self.http.execute(request).await });
        match sent {
            Ok(response) => {
                let status = response.status();
                if !status.is_success() {
                    self.log(&format!("the collector answered {status}"));
                }
                // The body contains nothing that is needed, and has no size limit.
                Ok(Response::builder().status(status.as_u16()).body(Bytes::new())?)
            }
            Err(error) => {
                // The address may contain a password.
                let error = error.without_url();
                self.log(&chain(&error));
                Err(error.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{Event, SpanContext, SpanId, SpanKind};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

    use super::*;

    #[test]
    fn no_part_of_a_span_keeps_a_secret() {
        let secret = "ya29.a-token-of-Googles";
        let text = || format!("it says {secret}");
        let list = Value::Array(Array::String(vec![text().into()]));
        let attributes = || vec![KeyValue::new("text", text()), KeyValue::new("list", list.clone())];
        let mut events = SpanEvents::default();
        let now = SystemTime::UNIX_EPOCH;
        events.events.push(Event::new(text(), now, attributes(), 0));
        let mut span = SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "refresh".into(),
            start_time: now,
            end_time: now,
            attributes: attributes(),
            dropped_attributes_count: 0,
            events,
            links: SpanLinks::default(),
            status: Status::error(text()),
            instrumentation_scope: InstrumentationScope::default(),
        };
        assert_eq!(format!("{span:?}").matches(secret).count(), 6);
        clean(&mut span);
        let cleaned = format!("{span:?}");
        assert_eq!(cleaned.matches("it says [redacted]").count(), 6, "{cleaned}");
        assert!(!cleaned.contains(secret), "{cleaned}");
    }
}
