use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
    TRANSFER_ENCODING,
};

use super::request_id::X_REQUEST_ID;
use super::trace_context::TRACEPARENT;

/// The fields of a request that its response depends on, and how many lines of each it has.
///
/// One pass counts them. A look-up of each field in the map would hash its name, and most requests have few fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    headers: &'a HeaderMap,
    accept: usize,
    accept_encoding: usize,
    if_none_match: usize,
    traceparent: usize,
    pub(super) content_length: Option<&'a HeaderValue>,
    pub(super) transfer_encoding: bool,
    pub(super) host: Option<&'a HeaderValue>,
    pub(super) hosts: usize,
    pub(super) request_id: Option<&'a HeaderValue>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut fields = Self {
            headers,
            accept: 0,
            accept_encoding: 0,
            if_none_match: 0,
            traceparent: 0,
            content_length: None,
            transfer_encoding: false,
            host: None,
            hosts: 0,
            request_id: None,
        };
        for (name, value) in headers {
            if *name == HOST {
                fields.host = Some(value);
                fields.hosts += 1;
            } else if *name == ACCEPT {
                fields.accept += 1;
            } else if *name == ACCEPT_ENCODING {
                fields.accept_encoding += 1;
            } else if *name == IF_NONE_MATCH {
                fields.if_none_match += 1;
            } else if *name == CONTENT_LENGTH {
                fields.content_length = fields.content_length.or(Some(value));
            } else if *name == TRANSFER_ENCODING {
                fields.transfer_encoding = true;
            } else if *name == X_REQUEST_ID {
                fields.request_id = fields.request_id.or(Some(value));
            } else if *name == TRACEPARENT {
                fields.traceparent += 1;
            }
        }
        fields
    }

    /// The lines of `Accept`.
    pub(super) fn accept(self) -> impl Iterator<Item = &'a HeaderValue> {
        self.lines(self.accept, ACCEPT)
    }

    /// The lines of `Accept-Encoding`.
    pub(super) fn accept_encoding(self) -> impl Iterator<Item = &'a HeaderValue> {
        self.lines(self.accept_encoding, ACCEPT_ENCODING)
    }

    /// The lines of `If-None-Match`; none if the field is absent.
    pub(super) fn if_none_match(self) -> Option<impl Iterator<Item = &'a HeaderValue>> {
        (self.if_none_match > 0).then(|| self.lines(self.if_none_match, IF_NONE_MATCH))
    }

    /// The lines of `traceparent`.
    pub(super) fn traceparent(self) -> impl Iterator<Item = &'a HeaderValue> {
        self.lines(self.traceparent, TRACEPARENT)
    }

    /// The values of all `count` lines with this name.
    fn lines(self, count: usize, name: HeaderName) -> impl Iterator<Item = &'a HeaderValue> {
        let lines = self.headers.iter().filter(move |(known, _)| **known == name);
        lines.map(|(_, value)| value).take(count)
    }
}
