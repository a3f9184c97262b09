use hyper::header::HeaderValue;

use super::weighted;
use crate::render::{ERROR_FORMS, ErrorForm, FORMATS, Format};

/// How well a media range suits what is offered. The quality is compared first: at the same quality, a range that names
/// the media type is preferred to a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Fit {
    /// In thousandths.
    quality: u16,
    /// 3 for `type/subtype`, 2 for `type/*`, 1 for `*/*`.
    specificity: u8,
}

/// The format that the request's `Accept` prefers; the default without the field; none if it accepts none.
pub(super) fn format<'a>(accept: impl Iterator<Item = &'a HeaderValue>) -> Option<&'static Format> {
    best::<{ FORMATS.len() }, _>(FORMATS, Format::media_type, accept)
}

/// The form of an error that the request's `Accept` prefers; plain text if it accepts none.
pub(super) fn error_form<'a>(accept: impl Iterator<Item = &'a HeaderValue>) -> ErrorForm {
    let best = best::<{ ERROR_FORMS.len() }, _>(ERROR_FORMS, |(media_type, _)| media_type, accept);
    best.map_or(ErrorForm::PlainText, |(_, form)| *form)
}

/// The member of `offered`, which has `N`, that is preferred: the first one without any preference.
///
/// Parameters other than `q` are ignored, and so are ranges that cannot be parsed.
fn best<'a, const N: usize, T>(
    offered: &'static [T],
    media_type: impl Fn(&'static T) -> &'static str,
    accept: impl Iterator<Item = &'a HeaderValue>,
) -> Option<&'static T> {
    let mut fits = [Fit::default(); N];
    let mut named_any = false;
    for line in accept {
        for range in weighted::elements(line.as_bytes()) {
            let Some((media_range, quality)) = std::str::from_utf8(range).ok().and_then(media_range) else {
                continue;
            };
            named_any = true;
            for (one, fit) in offered.iter().zip(&mut fits) {
                let specificity = specificity(media_range, media_type(one));
                // The most specific range decides, even if it refuses.
                if specificity > fit.specificity {
                    *fit = Fit { quality, specificity };
                }
            }
        }
    }
    if !named_any {
        return offered.first();
    }
    let mut best: Option<(&T, Fit)> = None;
    for (one, fit) in offered.iter().zip(fits) {
        if fit.quality > 0 && best.is_none_or(|(_, other)| fit > other) {
            best = Some((one, fit));
        }
    }
    best.map(|(one, _)| one)
}

/// A media range and its quality.
pub(super) fn media_range(text: &str) -> Option<(&str, u16)> {
    weighted::parse(text).filter(|(range, _)| range.contains('/'))
}

/// How exactly a range matches a media type; 0 if it does not.
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
    fn an_error_is_written_as_its_client_reads_it() {
        for (accept, form) in [
            ("", ErrorForm::Html),
            ("*/*", ErrorForm::Html),
            ("application/json", ErrorForm::Problem),
            ("application/problem+json", ErrorForm::Problem),
            (
                "text/html;q=0.5, application/problem+json, application/json;q=0.1",
                ErrorForm::Problem,
            ),
            ("application/*, text/*;q=0.9", ErrorForm::Problem),
            ("text/csv, text/html;q=0.9", ErrorForm::PlainText),
            ("image/png", ErrorForm::PlainText),
        ] {
            assert_eq!(error_form(once(&accept.parse().unwrap())), form, "{accept}");
        }
        for format in FORMATS {
            let named = error_form(once(&HeaderValue::from_static(format.media_type())));
            assert_eq!(named, ErrorForm::of(format), "{format:?}");
            assert!(ERROR_FORMS.iter().any(|(name, _)| *name == format.media_type()));
        }
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
