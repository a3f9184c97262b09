//! Several hosts: the release bakes on the first before the next is changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::deployment::{page, right};
use crate::host::Scripted;
use crate::scene::{Scene, path};
use crate::server::{Server, counts, serve};

/// Pages that are correct until the test says otherwise.
fn turning() -> (Server, Arc<AtomicBool>) {
    let wrong = Arc::new(AtomicBool::new(false));
    let turned = Arc::clone(&wrong);
    let server = serve(move |_| counts([("hamlet", if turned.load(Ordering::Relaxed) { 3 } else { 995 })]));
    (server, wrong)
}

#[test]
fn a_canary_that_bakes_successfully_is_followed_by_the_next_host() {
    let (canary, other, server) = (Scripted::new(), Scripted::new(), right());
    let scene = Scene::new(&[("prod", &canary, page(&server)), ("other", &other, page(&server))]);
    let said = scene.ends(0, &["to", "prod", "other", "--bake", "2s"]);
    let baked = said
        .find("prod: baked: its pages were correct 2 times\n")
        .unwrap();
    assert!(baked < said.find("other: copying").unwrap(), "{said}");
    assert!(!said.contains("other: bakes"), "{said}");
    assert_eq!(
        (canary.model().count("confirm"), other.model().count("confirm")),
        (1, 1)
    );
}

#[test]
fn a_canary_that_becomes_wrong_rolls_back_and_no_other_host_is_changed() {
    let (server, wrong) = turning();
    let (canary, other) = (Scripted::new(), Scripted::new());
    let scene = Scene::new(&[("prod", &canary, page(&server)), ("other", &other, page(&server))]);
    let mut running = scene.start(&["to", "prod", "other", "--bake", "5s"]);
    running.until("prod: bakes for 5s");
    wrong.store(true, Ordering::Relaxed);
    let said = running.ends(1);
    let why = format!(
        "while it baked: http://{}/the/: hamlet has 3 and not 995",
        server.address
    );
    assert!(
        said.ends_with(&format!("deploy: prod: rolled back: {why}\n")),
        "{said}"
    );
    assert!(
        said.contains("prod: stops here, and other was not touched\n"),
        "{said}"
    );
    assert!(other.model().asked.is_empty());
    let model = canary.model();
    let back = model
        .asked
        .iter()
        .find(|one| one["request"] == "rollback")
        .unwrap();
    // The generation that it booted before, whatever generations there are.
    assert_eq!(back["generation"], 7);
    assert_eq!(model.count("confirm"), 2, "the rollback is confirmed, too");
}

#[test]
fn a_canary_that_cannot_roll_back_gets_nothing() {
    let (canary, other, server) = (Scripted::new(), Scripted::new(), right());
    {
        let mut model = canary.model();
        (model.generation, model.default) = (None, None);
    }
    let scene = Scene::new(&[("prod", &canary, page(&server)), ("other", &other, page(&server))]);
    let said = scene.ends(1, &["to", "prod", "other", "--bake", "2s"]);
    assert!(
        said.ends_with(
            "deploy: prod: it has no generation to roll back to, so nothing can bake there: deploy to it without --bake \
             first\n"
        ),
        "{said}"
    );
    assert_eq!(canary.model().names(), ["status"]);
    assert!(other.model().asked.is_empty());
}

#[test]
fn an_interrupt_while_it_bakes_rolls_it_back() {
    let (canary, other, server) = (Scripted::new(), Scripted::new(), right());
    let scene = Scene::new(&[("prod", &canary, page(&server)), ("other", &other, page(&server))]);
    let mut running = scene.start(&["to", "prod", "other", "--bake", "1h"]);
    running.until("prod: bakes for 1h");
    running.signal("TERM");
    let said = running.ends(1);
    assert!(
        said.ends_with("deploy: prod: rolled back: while it baked: it was interrupted\n"),
        "{said}"
    );
    assert_eq!(canary.model().count("confirm"), 2);
    assert!(other.model().asked.is_empty());
}

#[test]
fn a_canary_that_had_it_before_is_not_rolled_back() {
    let (server, wrong) = turning();
    let canary = Scripted::new();
    {
        let mut model = canary.model();
        (model.current, model.default) = (path("z-system"), Some(path("z-system")));
        model.missing.clear();
    }
    let scene = Scene::new(&[("prod", &canary, page(&server))]);
    let mut running = scene.start(&["to", "prod", "--bake", "3s"]);
    running.until("prod: bakes for 3s");
    wrong.store(true, Ordering::Relaxed);
    let said = running.ends(1);
    assert!(
        said.contains("deploy: prod: it had this release before, and while it baked: http://"),
        "{said}"
    );
    assert_eq!(canary.model().names(), ["status", "offer"]);
}

#[test]
fn a_fault_of_one_host_leaves_the_next_unchanged() {
    let (first, second, wrong) = (Scripted::new(), Scripted::new(), serve(|_| counts([])));
    let scene = Scene::new(&[("prod", &first, page(&wrong)), ("other", &second, page(&wrong))]);
    let said = scene.ends(1, &["to", "prod", "other"]);
    assert!(
        said.contains("prod: stops here, and other was not touched\n"),
        "{said}"
    );
    assert!(second.model().asked.is_empty());
}

#[test]
fn every_host_s_part_is_verified_before_the_first_is_changed() {
    let (first, second) = (Scripted::new(), Scripted::new());
    let scene = Scene::new(&[("prod", &first, json!({})), ("other", &second, json!({}))]);
    scene.write("attested/closures/hosts/other", "");
    let said = scene.ends(1, &["to", "prod", "other"]);
    assert!(
        said.starts_with("deploy: other: this release is not trusted: "),
        "{said}"
    );
    assert!(first.model().asked.is_empty());
}
