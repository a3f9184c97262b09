//! `deploy publish`, `attest` and `verify`, with programs that record their arguments. Real cosign, skopeo and a
//! registry are in release/tests.

use std::fs;

use crate::desk::Desk;
use crate::signed::{BUILDER, COMMIT, REPOSITORY};

const IMAGE: &str = "registry.example.com/wordtally";

#[test]
fn verify_needs_only_a_folder_and_a_key() {
    let desk = Desk::new();
    fs::remove_dir_all(desk.path("bin")).unwrap();
    let said = desk.deploy(&["verify", "attested", "--commit", COMMIT]);
    assert_eq!((said.code, said.complaint.as_str()), (Some(0), ""));
    for line in [
        "signature: by cosign.pub\n".to_owned(),
        format!("repository: {REPOSITORY}\n"),
        format!("commit: {COMMIT}\n"),
        "ref: refs/heads/main\n".to_owned(),
        format!("builder: {BUILDER}\n"),
        format!("image: sha256:{}\n", "a".repeat(64)),
        ", 2 paths\n".to_owned(),
    ] {
        assert!(said.output.contains(&line), "{line} is not in {}", said.output);
    }
}

#[test]
fn each_file_is_verified() {
    for name in [
        "release.json",
        "sbom.cdx.json",
        "provenance.json",
        "provenance.sigstore.json",
        "closures/package",
        "closures/hosts/prod",
    ] {
        let desk = Desk::new();
        let file = format!("attested/{name}");
        let content = desk.read(&file);
        desk.write(&file, &content.replacen('a', "b", 1));
        let said = desk.refused(&["verify", "attested"]);
        assert!(
            said.contains("is not what was signed") || said.starts_with("provenance.sigstore.json is no"),
            "{name}: {said}"
        );
        fs::remove_file(desk.path(&file)).unwrap();
        let said = desk.refused(&["verify", "attested"]);
        assert!(
            said.starts_with(&format!("{file} cannot be read: No such file")),
            "{name}: {said}"
        );
    }
}

#[test]
fn a_store_is_asked_for_a_host_only() {
    let desk = Desk::new();
    let host = ["verify", "attested", "--host", "prod"];
    let missing = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-nixos-system-prod is not in this machine's store: nix-store: ";
    assert_eq!(
        desk.refused(&host),
        format!("{missing}it is not installed, or not on $PATH")
    );
    desk.program("nix-store", "echo 'error: path is not valid' >&2; exit 1");
    assert_eq!(desk.refused(&host), format!("{missing}error: path is not valid"));
    // The same paths, one with another hash.
    let lines = desk.read("attested/closures/hosts/prod");
    let (paths, hashes): (Vec<_>, Vec<_>) = lines.lines().map(|line| line.split_once(' ').unwrap()).unzip();
    let store = |hashes: &str| {
        let (paths, hashes) = (paths.join("\n"), hashes.to_owned());
        let script = format!("case $2 in --requisites) echo '{paths}' ;; --hash) echo '{hashes}' ;; esac");
        desk.program("nix-store", &script);
    };
    store(&hashes.join("\n"));
    let said = desk.deploy(&host);
    assert!(
        said.output.ends_with("nixos-system-prod\n"),
        "{}{}",
        said.output,
        said.complaint
    );
    store(&hashes.join("\n").replace('0', "3"));
    let said = desk.refused(&host);
    assert!(
        said.starts_with("hosts/prod is not what was signed: its SHA-256 is "),
        "{said}"
    );
    assert_eq!(
        desk.refused(&["verify", "attested", "--host", "staging"]),
        "the release has no host staging: it has prod"
    );
}

/// A skopeo that records its arguments and its login.
const SKOPEO: &str = r#"echo "$*" >>"$ROOT/called"
if [ -n "$REGISTRY_AUTH_FILE" ]; then read -r login <"$REGISTRY_AUTH_FILE"; echo "$login" >>"$ROOT/login"; echo "$REGISTRY_AUTH_FILE" >>"$ROOT/files"; fi"#;

fn in_a_job() -> Desk {
    let desk = Desk::new();
    desk.program("skopeo", SKOPEO);
    desk.variable("CI_REGISTRY", "registry.example.com")
        .variable("CI_REGISTRY_USER", "job")
        .variable("CI_REGISTRY_PASSWORD", "token-of-the-job")
}

#[test]
fn a_job_publishes_by_its_own_login() {
    let desk = in_a_job();
    let said = desk.deploy(&["publish", "built", IMAGE]);
    assert_eq!((said.code, said.complaint.as_str()), (Some(0), ""));
    let digest = "a".repeat(64);
    assert_eq!(
        said.output,
        format!("tag: {IMAGE}:0.1.0-4f1c0a9b2e77\n{IMAGE}@sha256:{digest}\n")
    );
    // `job:token-of-the-job` in base64.
    let login = r#"{"auths":{"registry.example.com":{"auth":"am9iOnRva2VuLW9mLXRoZS1qb2I="}}}"#;
    assert_eq!(desk.read("login"), format!("{login}\n{login}\n"));
    let called = desk.read("called");
    assert_eq!(called.lines().count(), 2, "{called}");
    assert!(!called.contains("token"), "{called}");
    for file in desk.read("files").lines() {
        assert!(!std::path::Path::new(file).exists(), "{file} is left");
    }
}

#[test]
fn another_registry_gets_no_login_of_the_jobs() {
    let desk = in_a_job();
    assert_eq!(
        desk.deploy(&["publish", "built", "registry.example.org/wordtally"])
            .code,
        Some(0)
    );
    assert!(!desk.path("login").exists());
    let desk = desk.variable("REGISTRY_AUTH_FILE", "own");
    desk.write("own", "the login of somebody\n");
    assert_eq!(desk.deploy(&["publish", "built", IMAGE]).code, Some(0));
    assert_eq!(desk.read("login"), "the login of somebody\n".repeat(2));
}

#[test]
fn a_program_that_fails_is_named_with_its_last_line() {
    let desk = Desk::new();
    let publish = ["publish", "built", IMAGE];
    assert_eq!(
        desk.refused(&publish),
        "skopeo: it is not installed, or not on $PATH"
    );
    desk.program(
        "skopeo",
        "echo warning >&2; echo 'unauthorized: log in' >&2; echo >&2; exit 3",
    );
    assert_eq!(desk.refused(&publish), "skopeo: unauthorized: log in");
    desk.program("skopeo", "exit 3");
    assert_eq!(desk.refused(&publish), "skopeo: it ended by exit status: 3");
    // More than a pipe holds, in both directions at the same time.
    desk.program(
        "skopeo",
        "i=0; while [ $i -lt 20000 ]; do echo 0123456789; echo 0123456789 >&2; i=$((i+1)); done",
    );
    assert_eq!(desk.deploy(&publish).code, Some(0));
}

#[test]
fn a_checkout_that_is_not_the_releases_is_refused() {
    let built = ["publish", "built", IMAGE];
    let other = "1".repeat(40);
    for (name, value, sentence) in [
        (
            "CI_COMMIT_SHA",
            other.as_str(),
            format!("commit {COMMIT} is checked out, but $CI_COMMIT_SHA is {other}"),
        ),
        (
            "COMMIT",
            &other,
            format!("the release was built from commit {COMMIT}, but {other} is checked out"),
        ),
        (
            "CI_COMMIT_TAG",
            "v0.2.0",
            "the tag v0.2.0 is not that of version 0.1.0: expected v0.1.0".to_owned(),
        ),
    ] {
        assert_eq!(Desk::new().variable(name, value).refused(&built), sentence);
    }
    let desk = Desk::new();
    desk.program(
        "git",
        &format!(
            "case \"$*\" in status*) echo ' M src/a file.rs' ;; *top*) echo . ;; *) echo {COMMIT} ;; esac"
        ),
    );
    assert_eq!(
        desk.refused(&built),
        format!("src/a file.rs differs from commit {COMMIT}: commit or restore it first")
    );
}

/// A cosign that records its arguments and input, and signs what a test prepared.
const COSIGN: &str = r#"echo "$*" >>"$ROOT/called"
IFS= read -r password; echo "$password" >>"$ROOT/password-given"
for argument; do case $argument in --bundle=*) bundle=${argument#--bundle=} ;; esac; done
case $1 in
    public-key) while read -r line; do echo "$line"; done <"$ROOT/cosign.pub" ;;
    attest-blob) read -r line <"$ROOT/prepared"; echo "$line" >"$bundle" ;;
esac"#;

#[test]
fn what_cosign_signs_is_verified_before_it_is_written() {
    let desk = Desk::new()
        .variable("COSIGN_KEY", "cosign.key")
        .variable("COSIGN_PASSWORD_FILE", "password");
    let attest = ["attest", "built", "output"];
    assert_eq!(
        desk.refused(&attest),
        "cosign.key cannot be read: No such file or directory (os error 2)"
    );
    desk.write("cosign.key", "a key");
    desk.write("password", "a password \r\n");
    desk.program("cosign", COSIGN);

    // Signed by another key; signed by this one, but another statement.
    desk.write("prepared", &crate::signed::Pair::new().bundle(b"{}").to_string());
    let said = desk.refused(&attest);
    assert!(
        said.starts_with("provenance.sigstore.json is not signed by the public key"),
        "{said}"
    );
    desk.write("prepared", &desk.read("attested/provenance.sigstore.json"));
    assert_eq!(
        desk.refused(&attest),
        "cosign signed another statement than it was given"
    );

    assert!(!desk.path("output").exists());
    let called = desk.read("called");
    assert!(
        called.contains("--signing-config=") && called.contains("--trusted-root="),
        "{called}"
    );
    assert!(!called.contains("a password"), "{called}");
    // The space belongs to the password, and the line end does not.
    assert!(desk.read("password-given").starts_with("a password \n"));
}

#[test]
fn no_private_key_names_the_how_to() {
    assert_eq!(
        Desk::new().refused(&["attest", "built", "output"]),
        "no private key is named: set $COSIGN_KEY to its file; docs/how-to/release-it.md says how to make the key pair"
    );
}

#[test]
fn a_folder_that_is_not_a_release_is_refused() {
    let desk = Desk::new();
    let attest = ["attest", "built", "output"];
    let release = desk.read("built/release.json");
    for (from, to, reason) in [
        (
            "\"prod\":{",
            "\"../prod\":{",
            "\"../prod\" is not the name of a host",
        ),
        ("sha256:aaaa", "latest:aaaa", "its image is latest:"),
        ("\"version\"", "\"name\"", "missing field `version`"),
    ] {
        desk.write("built/release.json", &release.replacen(from, to, 1));
        let said = desk.refused(&attest);
        assert!(
            said.starts_with(&format!("built/release.json is malformed: {reason}")),
            "{said}"
        );
    }
}
