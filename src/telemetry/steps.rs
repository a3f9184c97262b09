use std::time::{Instant, SystemTime};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};
use tracing::Span;
use tracing::field::Empty;

/// The upper bound of each bucket, in seconds.
const BOUNDS: [f64; 10] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// The longest job name in an exemplar: OpenMetrics allows 128 characters, including the label's name.
const MAX_JOB: usize = 100;

/// A step of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Waiting for an access token: no time if the last one is still valid.
    Token,
    /// Sending the query, and waiting for the first response.
    Job,
    /// Waiting for a job that was still running then.
    Wait,
    /// Fetching one more page.
    Page,
}

impl Step {
    const ALL: [Self; 4] = [Self::Token, Self::Job, Self::Wait, Self::Page];

    fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Job => "job",
            Self::Wait => "wait",
            Self::Page => "page",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    step: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExampleLabels {
    job_id: String,
}

type StepHistogram = HistogramWithExemplars<ExampleLabels>;

/// How long the steps of refreshes take, whether or not they succeed.
#[derive(Debug)]
pub struct Steps(Family<StepLabels, StepHistogram>);

impl Steps {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let family = Family::new_with_constructor(histogram as fn() -> StepHistogram);
        for step in Step::ALL.map(Step::name) {
            drop(family.get_or_create(&StepLabels { step }));
        }
        registry.register_with_unit(
            "refresh_step_duration",
            "How long a step of a refresh took, whether or not it succeeded",
            Unit::Seconds,
            Family::clone(&family),
        );
        Self(family)
    }

    /// Begins a step. It ends when the returned value is dropped, also when its task is cancelled.
    pub fn begin(&self, step: Step) -> Running<'_> {
        Running {
            steps: self,
            step,
            begun: Instant::now(),
            job: None,
            // It is never entered, because log lines belong to the span of their refresh.
            span: tracing::info_span!("step", otel.name = step.name(), job = Empty),
        }
    }
}

fn histogram() -> StepHistogram {
    HistogramWithExemplars::new(BOUNDS.into_iter())
}

/// A running step.
#[derive(Debug)]
pub struct Running<'a> {
    steps: &'a Steps,
    step: Step,
    begun: Instant,
    job: Option<ExampleLabels>,
    span: Span,
}

impl Running<'_> {
    /// Sets the name of the job, which BigQuery's audit log and console show too.
    pub fn of(&mut self, job: &str) {
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if (1..=MAX_JOB).contains(&job.len()) && job.bytes().all(sane) {
            self.span.record("job", job);
            self.job = Some(ExampleLabels {
                job_id: job.to_owned(),
            });
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let step = self.step.name();
        let histogram = self.steps.0.get_or_create(&StepLabels { step });
        histogram.observe(
            self.begun.elapsed().as_secs_f64(),
            self.job.take(),
            Some(SystemTime::now()),
        );
    }
}
