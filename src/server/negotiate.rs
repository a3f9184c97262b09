use hyper::header::HeaderValue;

use super::weighted;
use crate::render::{FORMATS, Format};

/// How well a media range and its quality suit a format. Compared in this order: a range that names a
/// format wins over a wildcard of the same quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Fit {
    /// Thousandths.
    quality: u16,
    /// 3 for `type/subtype`, 2 for `type/*`, 1 for `*/*`.
    specificity: u8,
}

/// The format that the request's `Accept` likes best; the default without one; none if it likes none.
///
/// Parameters other than `q` are ignored, and so is a range that can't be read.
pub(super) fn format<'a>(accept: impl Iterator<Item = &'a HeaderValue>) -> Option<&'static Format> {
    let mut fits = [Fit::default(); FORMATS.len()];
    let mut named_any = false;
    for line in accept {
        for range in weighted::elements(line.as_bytes()) {
            let Some((media_range, quality)) = std::str::from_utf8(range).ok().and_then(media_range) else {
                continue;
            };
            named_any = true;
            for (format, fit) in FORMATS.iter().zip(&mut fits) {
                let specificity = specificity(media_range, format.media_type());
                // The most specific range decides, also when it says no.
                if specificity > fit.specificity {
                    *fit = Fit { quality, specificity };
                }
            }
        }
    }
    if !named_any {
        return FORMATS.first();
    }
    let mut best: Option<(&Format, Fit)> = None;
    for (format, fit) in FORMATS.iter().zip(fits) {
        if fit.quality > 0 && best.is_none_or(|(_, other)| fit > other) {
            best = Some((format, fit));
        }
    }
    best.map(|(format, _)| format)
}

/// A media range and its quality.
pub(super) fn media_range(text: &str) -> Option<(&str, u16)> {
    weighted::parse(text).filter(|(range, _)| range.contains('/'))
}

/// How exactly a range names a media type; 0 if it does not.
pub(super) fn specificity(range: &str, media_type: &str) -> u8 {
    if range.eq_ignore_ascii_case(media_type) {
        return 3;
    }
    if range == "*/*" {
        return 1;
    }
    let main = range.strip_suffix("/*");
    let of_type = media_type.split_once('/').map(|(main, _)| main);
    match (main, of_type) {
        (Some(main), Some(of_type)) if main.eq_ignore_ascii_case(of_type) => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::iter::once;

    use super::*;

    fn best(accept: &str) -> Option<&'static str> {
        format(once(&accept.parse().unwrap())).map(|format| format.name)
    }

    #[test]
    fn the_most_specific_range_decides() {
        assert_eq!(best("text/*;q=0.5, text/html;q=0.1"), Some("csv"));
        assert_eq!(best("*/*, text/html;q=0"), Some("json"));
        assert_eq!(best("text/html;q=0, text/*;q=0, application/*;q=0, */*"), None);
    }

    #[test]
    fn a_named_format_wins_over_a_wildcard() {
        assert_eq!(best("text/plain, */*"), Some("txt"));
        assert_eq!(best("application/json, text/plain, */*"), Some("json"));
        assert_eq!(best("text/csv;q=0.9, */*;q=0.9"), Some("csv"));
    }

    #[test]
    fn an_unreadable_range_counts_for_nothing() {
        assert_eq!(best("text/csv;q=high, application/json;q=0.2"), Some("json"));
        assert_eq!(best("html"), Some("html"));
        assert_eq!(best(""), Some("html"));
    }
}
