//! Unsigned content reaches no host.

use serde_json::json;

use crate::host::Scripted;
use crate::scene::Scene;

/// The error of `deploy` for a folder that was altered after it was signed; no host is contacted.
fn untrusted(alter: impl FnOnce(&Scene), more: &[&str]) -> String {
    let host = Scripted::new();
    let scene = Scene::prod(&host, json!({}));
    alter(&scene);
    let said = scene.ends(1, &[&["to", "prod"], more].concat());
    assert!(said.contains("this release is not trusted: "), "{said}");
    assert!(host.model().asked.is_empty(), "{said}");
    said
}

#[test]
fn an_altered_release_is_sent_to_no_host() {
    let said = untrusted(
        |scene| {
            let release = scene.read("attested/release.json");
            scene.write("attested/release.json", &release.replace("995", "1"));
        },
        &[],
    );
    assert!(said.contains("release.json is not what was signed"), "{said}");
}

#[test]
fn a_closure_that_was_altered_is_sent_to_no_host() {
    let said = untrusted(
        |scene| {
            let lines = scene.read("attested/closures/hosts/prod");
            let (_, rest) = lines.split_once('\n').unwrap();
            scene.write("attested/closures/hosts/prod", rest);
        },
        &[],
    );
    assert!(said.contains("hosts/prod is not what was signed"), "{said}");
}

#[test]
fn a_release_without_its_signature_is_sent_to_no_host() {
    let said = untrusted(
        |scene| std::fs::remove_file(scene.file("attested/provenance.sigstore.json")).unwrap(),
        &[],
    );
    assert!(said.contains("provenance.sigstore.json cannot be read"), "{said}");
}

#[test]
fn another_key_or_commit_is_sent_to_no_host() {
    let said = untrusted(
        |scene| scene.write("key.pub", &crate::signed::Pair::new().pem()),
        &[],
    );
    assert!(said.contains("is not signed by"), "{said}");
    let said = untrusted(|_| {}, &["--commit", &"e".repeat(40)]);
    assert!(
        said.contains("the release is of commit 4f1c0a9b2e774f1c0a9b2e774f1c0a9b2e774f1c"),
        "{said}"
    );
}

#[test]
fn a_host_that_the_release_does_not_have_is_named() {
    let host = Scripted::new();
    let scene = Scene::prod(&host, json!({}));
    let said = scene.ends(1, &["status", "nowhere"]);
    assert!(
        said.contains("the release has no host nowhere: it has prod"),
        "{said}"
    );
}

#[test]
fn invalid_arguments_have_their_own_exit_code() {
    let host = Scripted::new();
    let scene = Scene::prod(&host, json!({}));
    for (arguments, why) in [
        (&["to"][..], "required"),
        (&["to", "prod", "--bake", "300"], "expected e.g. 10m"),
        (
            &["to", "prod", "--force", " "],
            "expected the reason for forcing it",
        ),
        (
            &["to", "prod", "--commit", "4f1c0a9"],
            "expected a full commit SHA",
        ),
        (&["rollback", "prod", "newest"], "invalid digit"),
        (&["now"], "unrecognized subcommand"),
    ] {
        let said = scene.ends(2, arguments);
        assert!(said.contains(why), "{said}");
    }
    assert!(host.model().asked.is_empty());
}
