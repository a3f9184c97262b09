use hyper::header::HeaderValue;

use super::negotiate::{media_range, specificity};
use super::weighted;
use crate::telemetry::MetricsFormat;

/// The metrics format that the request's `Accept` prefers: OpenMetrics if both are equal, the classic text if neither
/// is accepted.
pub(super) fn of<'a>(accept: impl Iterator<Item = &'a HeaderValue>) -> MetricsFormat {
    let mut fits = MetricsFormat::ALL.map(|format| (format, (0, 0)));
    let mut named_any = false;
    let elements = accept
        .flat_map(|line| weighted::elements(line.as_bytes()))
        .filter_map(|element| std::str::from_utf8(element).ok());
    for (range, quality) in elements.filter_map(media_range) {
        named_any = true;
        for (format, fit) in &mut fits {
            let specificity = specificity(range, format.media_type());
            if specificity > fit.1 {
                *fit = (quality, specificity);
            }
        }
    }
    let [(open_metrics, open_metrics_fit), (classic, classic_fit)] = fits;
    let accepted = !named_any || open_metrics_fit.0 > 0;
    if accepted && open_metrics_fit >= classic_fit {
        open_metrics
    } else {
        classic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_gets_what_it_is_told_to_ask_for() {
        for (accept, expected) in [
            ("", MetricsFormat::OpenMetrics),
            ("*/*", MetricsFormat::OpenMetrics),
            (
                "text/html,application/xml;q=0.9,*/*;q=0.8",
                MetricsFormat::OpenMetrics,
            ),
            // Prometheus 2.54 and 3.4 with their defaults, and the latter with only `PrometheusText0.0.4`.
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                MetricsFormat::OpenMetrics,
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                MetricsFormat::OpenMetrics,
            ),
            ("text/plain;version=0.0.4;q=0.6,*/*;q=0.5", MetricsFormat::Classic),
            ("text/plain", MetricsFormat::Classic),
            ("application/json", MetricsFormat::Classic),
            ("*/*, application/openmetrics-text;q=0", MetricsFormat::Classic),
        ] {
            let line: HeaderValue = accept.parse().unwrap();
            let lines = [&line].into_iter().filter(|line| !line.is_empty());
            assert_eq!(of(lines), expected, "{accept}");
        }
    }
}
