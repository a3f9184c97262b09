use hyper::header::{HeaderName, HeaderValue};

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace that a request belongs to, and the client's span in it: a W3C Trace Context `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceContext<'a> {
    pub(super) trace_id: &'a str,
    pub(super) span_id: &'a str,
}

impl<'a> TraceContext<'a> {
    /// Parses a `traceparent`, if there is exactly one.
    pub(super) fn parse(mut lines: impl Iterator<Item = &'a HeaderValue>) -> Option<Self> {
        let (one, None) = (lines.next()?, lines.next()) else {
            return None;
        };
        Self::read(one.to_str().ok()?)
    }

    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let version = hexadecimal(parts.next()?, 2).filter(|version| *version != "ff")?;
        let trace_id = hexadecimal(parts.next()?, 32).filter(is_not_zero)?;
        let span_id = hexadecimal(parts.next()?, 16).filter(is_not_zero)?;
        hexadecimal(parts.next()?, 2)?;
        // A later version may have more parts.
        if version == "00" && parts.next().is_some() {
            return None;
        }
        Some(Self { trace_id, span_id })
    }
}

fn hexadecimal(text: &str, length: usize) -> Option<&str> {
    let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (digits && text.len() == length).then_some(text)
}

fn is_not_zero(text: &&str) -> bool {
    text.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn a_valid_one_is_taken() {
        let context = Some(TraceContext {
            trace_id: TRACE,
            span_id: SPAN,
        });
        for valid in [
            format!("00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-00"),
            format!("cc-{TRACE}-{SPAN}-01-what-comes"),
        ] {
            assert_eq!(TraceContext::read(&valid), context, "{valid}");
        }
    }

    #[test]
    fn an_invalid_one_is_none() {
        let zeros = "0".repeat(32);
        for invalid in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}0-{SPAN}-01"),
        ] {
            assert_eq!(TraceContext::read(&invalid), None, "{invalid}");
        }
        let one: HeaderValue = format!("00-{TRACE}-{SPAN}-01").parse().unwrap();
        assert!(TraceContext::parse([&one].into_iter()).is_some());
        assert!(TraceContext::parse([&one, &one].into_iter()).is_none());
    }
}
