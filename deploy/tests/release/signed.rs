//! A release that is signed by a key created here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use wordtally_deploy::closure::sha256;
use wordtally_deploy::host_config::Policy;
use wordtally_deploy::protocol::SignedRelease;
use wordtally_deploy::provenance::{BUILD_TYPE, PREDICATE, STATEMENT};
use wordtally_deploy::trust::{P256, PublicKey, encoding};

pub(crate) const COMMIT: &str = "4f1c0a9b2e774f1c0a9b2e774f1c0a9b2e774f1c";
pub(crate) const REPOSITORY: &str = "https://gitlab.example.com/wordtally/wordtally";
pub(crate) const BUILDER: &str = "https://gitlab.example.com/-/runners/12";
pub(crate) const SYSTEM: &str = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-nixos-system-prod";

/// A key pair.
pub(crate) struct Pair {
    private: EcdsaKeyPair,
    random: SystemRandom,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let private = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        Self { private, random }
    }

    pub(crate) fn pem(&self) -> String {
        let der = [&P256[..], self.private.public_key().as_ref()].concat();
        pem(&der)
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::from_pem(&self.pem()).unwrap()
    }

    /// A Sigstore bundle of a payload, as cosign writes it.
    pub(crate) fn bundle(&self, payload: &[u8]) -> Value {
        let signature = self.private.sign(&self.random, &encoding(payload)).unwrap();
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "publicKey": { "hint": "a hint" } },
            "dsseEnvelope": {
                "payload": STANDARD.encode(payload),
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{ "sig": STANDARD.encode(signature) }],
            },
        })
    }
}

pub(crate) fn pem(der: &[u8]) -> String {
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(der)
    )
}

/// A release before it is signed, which a test alters.
pub(crate) struct Draft {
    pub(crate) release: Value,
    pub(crate) closure: String,
    pub(crate) statement: Value,
}

impl Draft {
    pub(crate) fn new() -> Self {
        let closure = format!(
            "{SYSTEM} sha256:{}\n/nix/store/zyxwvsrqpnmlkjihgfdcba9876543210-glibc-2.42 sha256:{}\n",
            "1".repeat(52),
            "0".repeat(52)
        );
        let release = json!({
            "version": "0.1.0",
            "revision": COMMIT,
            "commitTime": 1_790_000_000,
            "package": "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-wordtally-0.1.0",
            "image": format!("sha256:{}", "a".repeat(64)),
            "inputs": { "nixpkgs": "sha256-AAA" },
            "hosts": { "prod": {
                "system": SYSTEM,
                "deployment": {
                    "address": "prod.example.com",
                    "port": 22,
                    "hostKey": null,
                    "pages": { "the": "https://prod.example.com/the/" },
                    "certificateAuthority": null,
                    "expectedCounts": { "the": { "hamlet": 995 } },
                },
            } },
        });
        let mut draft = Self {
            release,
            closure,
            statement: json!({
                "_type": STATEMENT,
                "subject": [],
                "predicateType": PREDICATE,
                "predicate": {
                    "buildDefinition": {
                        "buildType": BUILD_TYPE,
                        "externalParameters": { "repository": REPOSITORY, "commit": COMMIT, "ref": "refs/heads/main" },
                        "internalParameters": { "revision": COMMIT },
                        "resolvedDependencies": [{ "name": "source", "digest": { "gitCommit": COMMIT } }],
                    },
                    "runDetails": {
                        "builder": { "id": BUILDER },
                        "metadata": { "invocationId": "7", "startedOn": "then", "finishedOn": "now" },
                    },
                },
            }),
        };
        draft.name_subjects();
        draft
    }

    /// The statement's subjects, from the current draft.
    pub(crate) fn name_subjects(&mut self) {
        let image = self.release["image"].as_str().unwrap().replace("sha256:", "");
        self.statement["subject"] = json!([
            { "name": "hosts/prod", "digest": { "sha256": sha256(self.closure.as_bytes()) } },
            { "name": "image", "digest": { "sha256": image } },
            { "name": "release.json", "digest": { "sha256": sha256(self.text().as_bytes()) } },
        ]);
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(&self.release).unwrap()
    }

    pub(crate) fn sign(&self, pair: &Pair) -> SignedRelease {
        SignedRelease {
            bundle: pair.bundle(self.statement.to_string().as_bytes()).to_string(),
            release: self.text(),
            closure: self.closure.clone(),
        }
    }
}

/// The policy of a production host.
pub(crate) fn policy() -> Policy {
    Policy {
        key_files: vec!["/etc/cosign.pub".into()],
        repositories: vec![REPOSITORY.to_owned()],
        builders: vec!["https://gitlab.example.com/-/runners/*".to_owned()],
        refs: vec!["refs/heads/main".to_owned(), "refs/tags/v*".to_owned()],
    }
}
