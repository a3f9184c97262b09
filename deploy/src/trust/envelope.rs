//! The DSSE envelope in a Sigstore bundle: the signed payload, and the key. There is no log and no certificate, only
//! keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{PublicKey, Refusal};

/// The payload type of an in-toto statement.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// A bundle has one signature; each one costs a verification with each key.
const SIGNATURES: usize = 8;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Envelope,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

/// The payload of a bundle that one of the keys signed, and the key.
pub(super) fn open<'a>(keys: &'a [PublicKey], bundle: &str) -> Result<(Vec<u8>, &'a PublicKey), Refusal> {
    let malformed = |reason: String| Refusal::Bundle(reason);
    let Bundle { dsse_envelope } =
        serde_json::from_str(bundle).map_err(|error| malformed(error.to_string()))?;
    if dsse_envelope.payload_type != PAYLOAD_TYPE {
        return Err(malformed(format!(
            "its payload is of type {}, not {PAYLOAD_TYPE}",
            dsse_envelope.payload_type
        )));
    }
    let signatures = dsse_envelope.signatures.len();
    if signatures > SIGNATURES {
        return Err(malformed(format!(
            "it has {signatures} signatures, and at most {SIGNATURES} are tried"
        )));
    }
    let payload = STANDARD
        .decode(&dsse_envelope.payload)
        .map_err(|error| malformed(format!("its payload is not base64: {error}")))?;
    let signed = encoding(&payload);
    for signature in &dsse_envelope.signatures {
        let bytes = STANDARD
            .decode(&signature.sig)
            .map_err(|error| malformed(format!("a signature is not base64: {error}")))?;
        if let Some(key) = keys.iter().find(|key| key.signed(&signed, &bytes)) {
            return Ok((payload, key));
        }
    }
    Err(Refusal::NotSigned(
        keys.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" or "),
    ))
}

/// DSSE's pre-authentication encoding, which is what is signed: the type and the payload, each with its length.
pub fn encoding(payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}
