//! Public keys: which files are accepted.

use wordtally_deploy::trust::{P256, PublicKey};
use wordtally_deploy::vouch::PublicKeyArg;

use crate::signed::{Pair, pem};

fn refused(text: &str) -> String {
    PublicKey::from_pem(text).unwrap_err().to_string()
}

#[test]
fn a_key_verifies_what_it_signed_and_nothing_else() {
    let pair = Pair::new();
    let bundle = pair.bundle(b"payload");
    let signature = bundle["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap();
    let signature = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, signature).unwrap();
    let signed = wordtally_deploy::trust::encoding(b"payload");
    assert_eq!(signed, b"DSSEv1 28 application/vnd.in-toto+json 7 payload");
    assert!(pair.public().signed(&signed, &signature));
    assert!(!pair.public().signed(b"payload", &signature));
    assert!(!Pair::new().public().signed(&signed, &signature));
}

#[test]
fn no_key_names_the_how_to() {
    for key in [None, Some("".into())] {
        assert_eq!(
            PublicKeyArg { key }.read().unwrap_err().to_string(),
            "no public key is named: give --key FILE or set $COSIGN_PUBLIC_KEY; docs/how-to/release-it.md says how to make the key pair"
        );
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said = PublicKey::read(std::path::Path::new("/nowhere/cosign.pub"))
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("/nowhere/cosign.pub cannot be read: No such file"),
        "{said}"
    );
}

#[test]
fn anything_but_a_public_key_is_refused() {
    let no_pem = "the public key is malformed: expected PEM that begins with -----BEGIN PUBLIC KEY-----";
    for text in [
        "",
        "a password\n",
        "-----BEGIN PUBLIC KEY-----\n????\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nAAAA",
    ] {
        assert_eq!(refused(text), no_pem, "{text:?}");
    }
    assert_eq!(
        refused(
            "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
        ),
        "the public key is a private key: expected its public half, such as cosign.pub"
    );
}

#[test]
fn another_kind_of_key_is_refused() {
    // Ed25519; P-384; P-256 with a compressed point; P-256 with an extra byte.
    let ed25519 = [
        &[
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ][..],
        &[7; 32],
    ]
    .concat();
    let mut p384 = vec![
        0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
        0x04, 0, 0x22, 3, 0x62, 0, 4,
    ];
    p384.extend([7; 96]);
    let compressed = [&P256[..], &[2], &[7; 32]].concat();
    let long = [&P256[..], &[4], &[7; 65]].concat();
    for der in [ed25519, p384, compressed, long, vec![]] {
        assert_eq!(
            refused(&pem(&der)),
            "the public key is another kind of public key: expected ECDSA on the curve P-256, as `cosign generate-key-pair` makes it"
        );
    }
}
