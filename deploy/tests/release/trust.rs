//! The releases that a host accepts, and each reason to refuse.

use serde_json::{Value, json};
use wordtally_deploy::host_config::Policy;
use wordtally_deploy::protocol::{Deployed, SignedRelease};
use wordtally_deploy::trust::{judge, not_older};

use crate::signed::{BUILDER, COMMIT, Draft, Pair, REPOSITORY, SYSTEM, policy};

/// The sentence of a host about a release that is signed by its own key.
fn refused(policy: &Policy, pair: &Pair, signed: &SignedRelease) -> String {
    judge(policy, &[pair.public()], "prod", signed)
        .unwrap_err()
        .to_string()
}

/// The same for a draft that was altered before it was signed.
fn altered(change: impl FnOnce(&mut Draft)) -> String {
    let (pair, mut draft) = (Pair::new(), Draft::new());
    change(&mut draft);
    refused(&policy(), &pair, &draft.sign(&pair))
}

fn external(draft: &mut Draft) -> &mut Value {
    &mut draft.statement["predicate"]["buildDefinition"]["externalParameters"]
}

/// A change of a JSON document.
type Change = fn(&mut Value);

#[test]
fn a_signed_release_is_accepted() {
    let (pair, draft) = (Pair::new(), Draft::new());
    let keys = [Pair::new().public(), pair.public()];
    let trusted = judge(&policy(), &keys, "prod", &draft.sign(&pair)).unwrap();
    assert_eq!(trusted.release.hosts["prod"].system.to_str(), Some(SYSTEM));
    assert_eq!(trusted.closure.lines(), draft.closure);
    assert_eq!(
        trusted.digest,
        wordtally_deploy::closure::sha256(draft.text().as_bytes())
    );
    assert_eq!(
        trusted.deployed,
        Deployed {
            version: "0.1.0".to_owned(),
            commit: COMMIT.to_owned(),
            commit_time: 1_790_000_000,
            reference: "refs/heads/main".to_owned(),
        }
    );
}

#[test]
fn another_key_is_refused() {
    let signed = Draft::new().sign(&Pair::new());
    assert_eq!(
        refused(&policy(), &Pair::new(), &signed),
        "provenance.sigstore.json is not signed by the public key: the key is another, or the statement was altered"
    );
    assert_eq!(
        judge(&policy(), &[], "prod", &signed).unwrap_err().to_string(),
        "no public key is trusted here, so no release can be: wordtally.deployment.trust.keyFiles lists none"
    );
}

#[test]
fn an_altered_statement_is_refused() {
    let (pair, mut draft) = (Pair::new(), Draft::new());
    let good: Value = serde_json::from_str(&draft.sign(&pair).bundle).unwrap();
    external(&mut draft)["ref"] = json!("refs/heads/other");
    let mut bundle: Value = serde_json::from_str(&draft.sign(&pair).bundle).unwrap();
    bundle["dsseEnvelope"]["signatures"] = good["dsseEnvelope"]["signatures"].clone();
    let mut signed = draft.sign(&pair);
    signed.bundle = bundle.to_string();
    assert_eq!(
        refused(&policy(), &pair, &signed),
        "provenance.sigstore.json is not signed by the public key: the key is another, or the statement was altered"
    );
}

#[test]
fn anything_but_a_bundle_is_refused() {
    let (pair, draft) = (Pair::new(), Draft::new());
    let sign = |change: Change| {
        let mut bundle: Value = serde_json::from_str(&draft.sign(&pair).bundle).unwrap();
        change(&mut bundle["dsseEnvelope"]);
        let mut signed = draft.sign(&pair);
        signed.bundle = bundle.to_string();
        refused(&policy(), &pair, &signed)
    };
    let start = "provenance.sigstore.json is not a Sigstore bundle with a signed statement: ";
    let cases: [(Change, &str); 5] = [
        (|envelope| *envelope = json!(7), "invalid type"),
        (
            |envelope| envelope["payload"] = json!("?"),
            "its payload is not base64",
        ),
        (
            |envelope| envelope["payloadType"] = json!("text/plain"),
            "its payload is of type text/plain, not application/vnd.in-toto+json",
        ),
        (
            |envelope| envelope["signatures"][0]["sig"] = json!("?"),
            "a signature is not base64",
        ),
        (
            |envelope| envelope["signatures"] = json!(vec![json!({ "sig": "AAAA" }); 9]),
            "it has 9 signatures, and at most 8 are tried",
        ),
    ];
    for (change, reason) in cases {
        let said = sign(change);
        assert!(said.starts_with(&format!("{start}{reason}")), "{said}");
    }
    let none = sign(|envelope| envelope["signatures"] = json!([]));
    assert!(
        none.starts_with("provenance.sigstore.json is not signed by"),
        "{none}"
    );
}

#[test]
fn another_statement_is_refused() {
    assert_eq!(
        altered(|draft| draft.statement["_type"] = json!("https://in-toto.io/Statement/v0.1")),
        "provenance.sigstore.json has no in-toto statement: its type is https://in-toto.io/Statement/v0.1, not https://in-toto.io/Statement/v1"
    );
    assert_eq!(
        altered(|draft| draft.statement["predicateType"] = json!("https://cyclonedx.org/bom")),
        "the signed statement is https://cyclonedx.org/bom: expected SLSA provenance, https://slsa.dev/provenance/v1"
    );
    assert_eq!(
        altered(|draft| {
            let subject = draft.statement["subject"][0].clone();
            draft.statement["subject"].as_array_mut().unwrap().push(subject);
        }),
        "the signed statement names the subject hosts/prod more than once: expected each once"
    );
}

#[test]
fn a_provenance_that_does_not_fit_is_refused() {
    assert_eq!(
        altered(
            |draft| draft.statement["predicate"]["buildDefinition"]["buildType"] =
                json!("https://example.com/by-hand")
        ),
        format!(
            "the provenance is of another kind of build: https://example.com/by-hand; expected {}",
            wordtally_deploy::provenance::BUILD_TYPE
        )
    );
    let other = "1".repeat(40);
    assert_eq!(
        altered(|draft| external(draft)["commit"] = json!(other)),
        format!("the provenance contradicts itself: it names commit {other}, but its source is {COMMIT}")
    );
    assert_eq!(
        altered(|draft| draft.statement["predicate"]["buildDefinition"]["resolvedDependencies"] = json!([])),
        format!("the provenance contradicts itself: it names commit {COMMIT}, but its source is none")
    );
    assert_eq!(
        altered(
            |draft| draft.statement["predicate"]["buildDefinition"]["internalParameters"]["revision"] =
                json!("unknown")
        ),
        format!("the release was built from commit unknown, but its provenance names commit {COMMIT}")
    );
    let said = altered(|draft| {
        draft.statement["predicate"]["runDetails"]
            .as_object_mut()
            .unwrap()
            .remove("builder");
    });
    assert_eq!(
        said,
        "the provenance is incomplete: missing field `builder`; docs/reference/release.md lists its fields"
    );
}

#[test]
fn an_altered_release_is_refused() {
    let (pair, draft) = (Pair::new(), Draft::new());
    let mut signed = draft.sign(&pair);
    signed.release = signed.release.replace("0.1.0", "0.1.1");
    let said = refused(&policy(), &pair, &signed);
    assert!(
        said.starts_with("release.json is not what was signed: its SHA-256 is "),
        "{said}"
    );
}

#[test]
fn a_release_that_was_signed_and_does_not_fit_is_refused() {
    let said = altered(|draft| {
        draft.release["image"] = json!(format!("sha256:{}", "b".repeat(64)));
        let image = json!({ "sha256": "a".repeat(64) });
        draft.name_subjects();
        draft.statement["subject"][1]["digest"] = image;
    });
    assert!(
        said.starts_with("image is not what was signed: its SHA-256 is bbbb"),
        "{said}"
    );

    let said = altered(|draft| {
        draft.release.as_object_mut().unwrap().remove("commitTime");
        draft.name_subjects();
    });
    assert!(
        said.starts_with("release.json is malformed: missing field `commitTime`"),
        "{said}"
    );

    // Of another commit than the provenance, as if two releases were mixed up.
    let other = "1".repeat(40);
    assert_eq!(
        altered(|draft| {
            draft.release["revision"] = json!(other);
            draft.name_subjects();
        }),
        format!("the release was built from commit {other}, but its provenance names commit {COMMIT}")
    );
}

#[test]
fn an_altered_closure_is_refused() {
    let (pair, draft) = (Pair::new(), Draft::new());
    for (from, to) in [
        ("sha256:0", "sha256:1"),
        ("glibc-2.42", "glibc-2.43"),
        ("/nix/store/z", "/nix/store/y"),
    ] {
        let mut signed = draft.sign(&pair);
        signed.closure = signed.closure.replacen(from, to, 1);
        assert_ne!(signed.closure, draft.closure);
        let said = refused(&policy(), &pair, &signed);
        assert!(
            said.starts_with("hosts/prod is not what was signed: its SHA-256 is "),
            "{said}"
        );
    }
    assert_eq!(
        altered(|draft| {
            draft.closure = draft.closure.replace("-nixos-system-prod", "-nixos-system-dev");
            draft.name_subjects();
        }),
        format!("the signed closure of hosts/prod lacks the host's own system, {SYSTEM}")
    );
    assert_eq!(
        altered(|draft| {
            draft.closure.push_str("/etc/shadow sha256:0\n");
            draft.name_subjects();
        }),
        "line 3 of the closure is malformed: expected `/nix/store/HASH-NAME sha256:HASH`"
    );
}

#[test]
fn another_hosts_release_is_refused() {
    let (pair, draft) = (Pair::new(), Draft::new());
    assert_eq!(
        judge(&policy(), &[pair.public()], "staging", &draft.sign(&pair))
            .unwrap_err()
            .to_string(),
        "the release has no host staging: it has prod"
    );
}

#[test]
fn another_origin_is_refused() {
    let policy_says = "which this host does not accept: expected";
    assert_eq!(
        altered(|draft| external(draft)["repository"] = json!("https://gitlab.example.com/fork/wordtally")),
        format!(
            "the release was built from the repository https://gitlab.example.com/fork/wordtally, {policy_says} {REPOSITORY}"
        )
    );
    assert_eq!(
        altered(
            |draft| draft.statement["predicate"]["runDetails"]["builder"]["id"] =
                json!("https://gitlab.example.org/-/runners/12")
        ),
        format!(
            "the release was built by https://gitlab.example.org/-/runners/12, {policy_says} https://gitlab.example.com/-/runners/*"
        )
    );
    for reference in [
        "refs/heads/feature",
        "refs/heads/main2",
        "refs/tags/0.1.0",
        "main",
    ] {
        assert_eq!(
            altered(|draft| external(draft)["ref"] = json!(reference)),
            format!("the release was built from {reference}, {policy_says} refs/heads/main or refs/tags/v*")
        );
    }
    let (pair, draft) = (Pair::new(), Draft::new());
    let nobody = Policy {
        builders: vec![],
        ..policy()
    };
    assert_eq!(
        refused(&nobody, &pair, &draft.sign(&pair)),
        format!(
            "the release was built by {BUILDER}, {policy_says} none, as wordtally.deployment.trust.builders is empty"
        )
    );
}

#[test]
fn a_tag_that_the_policy_names_is_accepted() {
    let (pair, mut draft) = (Pair::new(), Draft::new());
    external(&mut draft)["ref"] = json!("refs/tags/v0.1.0");
    let trusted = judge(&policy(), &[pair.public()], "prod", &draft.sign(&pair)).unwrap();
    assert_eq!(trusted.deployed.reference, "refs/tags/v0.1.0");
}

fn of(commit_time: u64) -> Deployed {
    Deployed {
        version: "0.1.0".to_owned(),
        commit: format!("{commit_time}"),
        commit_time,
        reference: "refs/heads/main".to_owned(),
    }
}

#[test]
fn only_an_older_release_is_refused() {
    let now = 1_790_000_000;
    for running in [None, Some(&of(now)), Some(&of(now - 1)), Some(&of(0))] {
        assert_eq!(not_older(&of(now), running), Ok(()));
    }
    assert_eq!(
        not_older(&of(now - 60), Some(&of(now))).unwrap_err().to_string(),
        "the release is older than what runs: its commit 1789999940 is of 2026-09-21T14:12:20Z, and 1790000000 is of 2026-09-21T14:13:20Z; use `deploy rollback` to go back"
    );
    assert_eq!(
        not_older(&of(0), Some(&of(now))).unwrap_err().to_string(),
        "the release does not say when its commit 0 was made, so it may be older than what runs: build it from a git repository"
    );
    // A time without a calendar date.
    let said = not_older(&of(u64::MAX - 1), Some(&of(u64::MAX)))
        .unwrap_err()
        .to_string();
    assert!(said.contains(&format!("{} s after 1970", u64::MAX)), "{said}");
}

#[test]
fn a_text_that_is_too_long_is_not_read() {
    let (pair, draft) = (Pair::new(), Draft::new());
    let mut signed = draft.sign(&pair);
    signed.bundle.push_str(&" ".repeat(4 * 1024 * 1024));
    let said = refused(&policy(), &pair, &signed);
    assert!(said.starts_with("provenance.sigstore.json has 4"), "{said}");
    assert!(said.ends_with("bytes: expected at most 4194304"), "{said}");
}

/// Whatever a byte becomes, the result is an answer: never a panic, and never a release that nobody signed.
#[test]
fn no_altered_byte_is_taken() {
    let (pair, draft) = (Pair::new(), Draft::new());
    let (keys, good) = ([pair.public()], draft.sign(&pair));
    let was = judge(&policy(), &keys, "prod", &good).unwrap();
    // A generator with a fixed seed: each run alters the same bytes in the same way.
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut taken = 0;
    for round in 0..3_000 {
        let mut signed = good.clone();
        let text = match round % 3 {
            0 => &mut signed.bundle,
            1 => &mut signed.release,
            _ => &mut signed.closure,
        };
        let mut bytes = std::mem::take(text).into_bytes();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes[at] = u8::try_from(random(128)).unwrap(),
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, b"{}[]\",:0"[random(8)]),
            }
        }
        *text = String::from_utf8(bytes).unwrap();
        if let Ok(trusted) = judge(&policy(), &keys, "prod", &signed) {
            // Only the unsigned part may differ: the bundle's own frame.
            assert_eq!(trusted, was);
            taken += usize::from(signed != good);
        }
    }
    assert!(
        taken < 1_000,
        "{taken} of 1,000 altered bundles are as good as the signed one"
    );
}

/// The same, with a key that signs whatever a faulty pipeline makes of a statement.
#[test]
fn no_signed_statement_makes_it_panic() {
    let pair = Pair::new();
    let keys = [pair.public()];
    let draft = Draft::new();
    let odd = [
        json!(null),
        json!(-1),
        json!("\u{0}"),
        json!([]),
        json!({}),
        json!([[[]]]),
        json!(1e300),
    ];
    let mut places = Vec::new();
    walk(&draft.statement, String::new(), &mut places);
    assert!(places.len() > 20, "{places:?}");
    for place in places {
        for value in &odd {
            let mut draft = Draft::new();
            *draft.statement.pointer_mut(&place).unwrap() = value.clone();
            assert!(
                judge(&policy(), &keys, "prod", &draft.sign(&pair)).is_err() || place.contains("metadata"),
                "{place}: {value}"
            );
        }
    }
}

fn walk(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| walk(value, format!("{place}/{name}"), places)),
        Value::Array(values) => values
            .iter()
            .enumerate()
            .for_each(|(at, value)| walk(value, format!("{place}/{at}"), places)),
        _ => {}
    }
    places.push(place);
}
