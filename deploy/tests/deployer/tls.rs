//! A certificate with its own authority, for the name localhost, like that of mock production.

use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use wordtally_deploy::trust::P256;

pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) server: Arc<ServerConfig>,
}

/// A value of DER: its tag, its length, its content.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    // Only the shortest form is allowed.
    let length: &[u8] = match (high, low) {
        (0, ..0x80) => &[low],
        (0, _) => &[0x81, low],
        _ => &[0x82, high, low],
    };
    [&[tag], length, &content].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, parts)
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
        let private = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, private.as_ref(), &random).unwrap();
        let signing = sequence(&[&der(0x06, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]])]);
        let common_name = [der(0x06, &[&[0x55, 4, 3]]), der(0x0c, &[b"localhost"])].concat();
        let name = sequence(&[&der(0x31, &[&sequence(&[&common_name])])]);
        let validity = sequence(&[&der(0x17, &[b"200101000000Z"]), &der(0x17, &[b"491231235959Z"])]);
        let names = der(0x04, &[&sequence(&[&der(0x82, &[b"localhost"])])]);
        let extension = sequence(&[&der(0x06, &[&[0x55, 29, 17]]), &names]);
        let to_sign = sequence(&[
            &der(0xa0, &[&der(0x02, &[&[2]])]),
            &der(0x02, &[&[1]]),
            &signing,
            &name,
            &validity,
            &name,
            &[&P256[..], pair.public_key().as_ref()].concat(),
            &der(0xa3, &[&sequence(&[&extension])]),
        ]);
        let signature = pair.sign(&random, &to_sign).unwrap();
        let whole = sequence(&[&to_sign, &signing, &der(0x03, &[&[0], signature.as_ref()])]);
        let server = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(whole.clone())],
                PrivateKeyDer::Pkcs8(private.as_ref().to_vec().into()),
            )
            .unwrap();
        let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, whole);
        Self {
            pem: format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"),
            server: Arc::new(server),
        }
    }
}
