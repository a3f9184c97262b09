use hyper::Uri;
use hyper::header::HeaderMap;
use wordtally::render::{FORMATS, Format, Order};
use wordtally::server::fuzzing::{request_id, target, trace};
use wordtally::telemetry::PATHS;

/// Any header fields, and any addresses, which begin with a slash: the request's ID is fit for a log line, its trace is
/// that of a valid `traceparent`, and an address selects what our own page on HTTP says.
pub fn requests(data: &[u8]) {
    for line in data
        .split(|byte| *byte == b'\n')
        .filter(|line| line.starts_with(b"/"))
    {
        if let Ok(address) = Uri::try_from(line) {
            must_name(&address);
        }
    }
    let fields = crate::header_fields(data);
    let id = request_id(&fields);
    let is_sane = |id: &[u8]| {
        (1..=64).contains(&id.len())
            && id
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'_' | b'-'))
    };
    let own = fields.get("x-request-id").filter(|own| is_sane(own.as_bytes()));
    assert_eq!(id.as_ref(), own);
    let trace = trace(&fields);
    let trace = trace
        .as_ref()
        .map(|(trace, span)| (trace.as_str(), span.as_str()));
    assert_eq!(trace, valid_trace(&fields));
}

/// The path and the query, read by a second, slow parser.
fn must_name(address: &Uri) {
    let (path, named) = target(address);
    let by_name = |name: &str| FORMATS.iter().find(|format| format.name == name);
    let linked = address.path().strip_prefix("/counts.").and_then(by_name);
    if linked.is_some() {
        assert_eq!(path, "/counts");
    } else if path != "other" {
        assert_eq!(path, address.path());
    } else {
        assert!(
            !PATHS
                .iter()
                .any(|known| *known == address.path() && *known != "/counts")
        );
    }
    let values = |name: &str| -> Vec<String> {
        let pairs = address.query().unwrap_or_default().split('&');
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let values = pairs.filter(|(known, _)| *known == name);
        values.map(|(_, value)| value.to_owned()).collect()
    };
    let (formats, orders) = match path {
        "/" => (values("format"), values("order")),
        "/counts" => (Vec::new(), values("order")),
        _ => (Vec::new(), Vec::new()),
    };
    let right_format = formats.len() < 2 && formats.iter().all(|name| by_name(name).is_some());
    let right_order = orders.len() < 2 && orders.iter().all(|name| name == "count" || name == "rate");
    match named {
        Ok((format, order)) => {
            assert!(right_format && right_order, "{address}");
            let expected: Option<&Format> = linked.or_else(|| by_name(formats.first()?));
            assert_eq!(format, expected, "{address}");
            let expected = if orders == ["rate"] {
                Order::Rate
            } else {
                Order::Count
            };
            assert_eq!(order, expected, "{address}");
        }
        Err(sentence) => {
            assert!(!right_format || !right_order, "{address}");
            crate::must_be_one_line(&sentence);
            assert!(sentence.chars().count() < 120, "{sentence}");
        }
    }
}

/// By W3C's Trace Context, 3.2.2: fields at fixed positions, a version that may add to them, no zeros.
fn valid_trace(fields: &HeaderMap) -> Option<(&str, &str)> {
    let all: Vec<_> = fields.get_all("traceparent").iter().collect();
    let [one] = all.as_slice() else {
        return None;
    };
    let text = one.to_str().ok()?;
    let bytes = text.as_bytes();
    let lower_hex = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    };
    let ends_well = match bytes.len() {
        0..55 => false,
        55 => true,
        _ => &bytes[..2] != b"00" && bytes[55] == b'-',
    };
    let valid = ends_well
        && lower_hex(0, 2)
        && lower_hex(3, 35)
        && lower_hex(36, 52)
        && lower_hex(53, 55)
        && [2, 35, 52].iter().all(|at| bytes[*at] == b'-')
        && &bytes[..2] != b"ff"
        && bytes[3..35].iter().any(|byte| *byte != b'0')
        && bytes[36..52].iter().any(|byte| *byte != b'0');
    valid.then(|| (&text[3..35], &text[36..52]))
}
