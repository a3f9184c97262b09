use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Shorter bodies fit into one packet with their head, whatever their encoding.
const WORTHWHILE: usize = 256;

/// The body in gzip, if that is shorter. The same body gives the same bytes, because they contain no time.
pub(super) fn gzip(body: &[u8]) -> Option<Bytes> {
    if body.len() < WORTHWHILE {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::best());
    encoder.write_all(body).ok()?;
    let mut encoded = encoder.finish().ok()?;
    encoded.shrink_to_fit();
    (encoded.len() < body.len()).then(|| encoded.into())
}
