use hyper::header::HeaderMap;
use wordtally::server::fuzzing::{request_id, trace};

/// Any header fields: the request's id is fit for a log line, and its trace is that of a valid `traceparent`.
pub fn requests(data: &[u8]) {
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

/// By W3C's Trace Context, 3.2.2: fields at fixed places, a version that may add to them, no zeros.
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
