//! A deployment from its offer to its end.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::host::{Instead, Scripted};
use crate::scene::{OBJECTS, Scene, path};
use crate::server::{Server, counts, response, serve};

pub(crate) fn right() -> Server {
    serve(|_| counts([("hamlet", 995), ("othello", 1)]))
}

pub(crate) fn page(server: &Server) -> serde_json::Value {
    json!({ "the": format!("http://{}/the/", server.address) })
}

#[test]
fn a_good_release_stays() {
    let (server, host) = (right(), Scripted::new());
    let scene = Scene::prod(&host, page(&server));
    let said = scene.ends(0, &["to", "prod"]);
    let url = format!("http://{}/the/", server.address);
    let system = path("z-system");
    let expected = [
        &format!("copying {system}: 3 of 3 paths, 1 MB"),
        "the first line",
        "the second line",
        "preflight",
        "activating",
        "readiness",
        "unconfirmed",
        &format!("from outside: {url} lists 2 corpora"),
        "finalizing",
        "committed",
        &format!("runs {system}, now and after a restart"),
    ];
    let expected: String = expected.iter().map(|line| format!("prod: {line}\n")).collect();
    assert_eq!(said, expected);
    let model = host.model();
    assert_eq!(
        model.names(),
        [
            "status", "offer", "receive", "begin", "progress", "progress", "progress", "progress", "confirm",
            "progress", "progress"
        ]
    );
    // The references of a path arrive before it.
    let order: Vec<_> = model.received.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(order, ["m-glibc", "a-wordtally", "z-system"].map(path));
    for (name, nar, _) in OBJECTS {
        assert!(model.received.contains(&(path(name), nar.to_owned())));
    }
    assert_eq!(model.asked[3]["confirmation"], 120);
}

#[test]
fn only_what_the_host_lacks_is_sent() {
    let (server, host) = (right(), Scripted::new());
    host.model().missing = vec![path("a-wordtally")];
    let scene = Scene::prod(&host, page(&server));
    let said = scene.ends(0, &["to", "prod"]);
    assert!(said.contains("1 of 3 paths"), "{said}");
    let (name, nar, _) = OBJECTS[1];
    assert_eq!(host.model().received, [(path(name), nar.to_owned())]);
}

#[test]
fn a_release_that_already_runs_only_has_its_pages_checked() {
    let (server, host) = (right(), Scripted::new());
    {
        let mut model = host.model();
        (model.current, model.default) = (path("z-system"), Some(path("z-system")));
        model.missing.clear();
    }
    let scene = Scene::prod(&host, page(&server));
    let said = scene.ends(0, &["to", "prod"]);
    assert!(said.contains("prod: has this release already\n"), "{said}");
    assert_eq!(host.model().names(), ["status", "offer"]);
}

#[test]
fn a_release_that_already_runs_and_answers_wrongly_is_deployed_again() {
    let host = Scripted::but(|name, model| {
        if name == "status" {
            (model.current, model.default) = (path("z-system"), Some(path("z-system")));
            model.missing.clear();
        }
        None
    });
    let scene = Scene::prod(&host, page(&serve(|_| counts([("hamlet", 3)]))));
    let said = scene.ends(1, &["to", "prod"]);
    assert!(said.contains("and is deployed to again: http://"), "{said}");
    assert!(said.contains("/the/: hamlet has 3 and not 995"), "{said}");
    assert_eq!(host.model().count("begin"), 1);
}

#[test]
fn a_page_that_is_wrong_from_outside_rolls_it_back() {
    let host = Scripted::new();
    let server = serve(|_| counts([("hamlet", 3)]));
    let scene = Scene::prod(&host, page(&server));
    let said = scene.ends(1, &["to", "prod"]);
    let why = format!("http://{}/the/: hamlet has 3 and not 995", server.address);
    assert!(
        said.ends_with(&format!("deploy: prod: rolled back: {why}\n")),
        "{said}"
    );
    assert_eq!(host.model().count("confirm"), 0);
}

#[test]
fn an_excused_word_may_be_down_and_not_wrong() {
    let down = || serve(|_| response("503 Service Unavailable", "Retry-After: 1\r\n", "no table"));
    let host = Scripted::new();
    host.model().excused = vec!["the".to_owned()];
    let scene = Scene::prod(&host, page(&down()));
    let said = scene.ends(0, &["to", "prod", "--force", "an outage"]);
    assert!(said.contains("from outside: the is excused: http://"), "{said}");
    assert_eq!(host.model().asked[3]["force"], "an outage");

    let host = Scripted::new();
    host.model().excused = vec!["the".to_owned()];
    let scene = Scene::prod(&host, page(&serve(|_| counts([("hamlet", 3)]))));
    let said = scene.ends(1, &["to", "prod"]);
    assert!(said.contains("rolled back: http://"), "{said}");
}

#[test]
fn a_page_that_was_wrong_from_outside_before_does_not_refuse_a_release() {
    // As with an expired certificate: the host itself finds each word ready.
    let host = Scripted::new();
    let gone = serve(|_| None);
    let mut pages = page(&gone);
    pages["new"] = json!(format!("http://{}/new/", gone.address));
    let scene = Scene::prod(&host, pages);
    let said = scene.ends(0, &["to", "prod"]);
    let said_before = "prod: from outside: the was already wrong, and is only reported: http://";
    assert!(
        said.find(said_before).unwrap() < said.find("preflight").unwrap(),
        "{said}"
    );
    assert!(
        said.contains("no page responds, so these are only reported too: new\n"),
        "{said}"
    );
    for word in ["the", "new"] {
        assert!(
            said.contains(&format!("from outside: {word} is excused: http://")),
            "{said}"
        );
    }
}

#[test]
fn a_page_that_answered_from_outside_before_has_to_answer_afterwards() {
    // A new word has not answered before, and must now.
    for (path, wrong) in [("/the/", true), ("/new/", false)] {
        let asked = AtomicU32::new(0);
        let server = serve(move |at| {
            let before = asked.fetch_add(1, Ordering::Relaxed) == 0;
            match at == path && !before {
                true => response("502 Bad Gateway", "", ""),
                // Wrong counts are an answer.
                false => counts([("hamlet", if before && wrong { 3 } else { 995 })]),
            }
        });
        let mut pages = page(&server);
        pages["new"] = json!(format!("http://{}/new/", server.address));
        let host = Scripted::new();
        let scene = Scene::prod(&host, pages);
        let said = scene.ends(1, &["to", "prod"]);
        assert!(said.ends_with(&format!("{path} answers 502\n")), "{said}");
        assert!(said.contains("rolled back: http://"), "{said}");
    }
}

#[test]
fn an_excused_word_takes_no_time_of_the_others() {
    let server = serve(|path| {
        if path == "/another/" {
            std::thread::sleep(std::time::Duration::from_secs(30));
        }
        counts([("hamlet", 995)])
    });
    let host = Scripted::new();
    host.model().excused = vec!["another".to_owned()];
    let mut pages = page(&server);
    pages["another"] = json!(format!("http://{}/another/", server.address));
    let scene = Scene::prod(&host, pages);
    let mut running = scene.start(&["to", "prod"]);
    running.until("prod: from outside: http://");
    let begun = std::time::Instant::now();
    running.until("prod: from outside: another is excused: http://");
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    running.ends(0);
}

#[test]
fn a_second_deployment_is_not_begun() {
    let host = Scripted::but(|name, _| {
        (name == "begin").then_some(Instead::Refused("another deployment is under way"))
    });
    let scene = Scene::prod(&host, page(&right()));
    let said = scene.ends(1, &["to", "prod"]);
    assert!(
        said.ends_with("deploy: prod: not started: another deployment is under way\n"),
        "{said}"
    );
    assert_eq!(host.model().count("progress"), 0);
}

#[test]
fn a_host_s_refusal_of_the_release_is_its_own_sentence_and_sends_nothing() {
    let host = Scripted::but(|name, _| {
        (name == "offer").then_some(Instead::Refused(
            "the release was built from refs/heads/x, which this host does not accept",
        ))
    });
    let scene = Scene::prod(&host, page(&right()));
    let said = scene.ends(1, &["to", "prod"]);
    assert_eq!(
        said,
        "deploy: prod: the release was built from refs/heads/x, which this host does not accept\n"
    );
    assert_eq!(host.model().names(), ["status", "offer", "status"]);
}

/// A release that is newer than the scene's.
fn newer() -> Value {
    json!({
        "version": "0.2.0", "commit": "e".repeat(40), "commitTime": 1_790_000_001, "ref": "refs/heads/main",
    })
}

#[test]
fn a_newer_release_on_the_host_has_its_own_exit_code() {
    let host = Scripted::new();
    host.model().running = newer();
    let scene = Scene::prod(&host, page(&right()));
    let said = scene.ends(3, &["to", "prod"]);
    assert!(
        said.starts_with("deploy: prod: superseded: it runs 0.2.0 of commit eee"),
        "{said}"
    );
    assert_eq!(host.model().names(), ["status"]);
}

#[test]
fn a_host_that_gets_a_newer_release_meanwhile_has_the_same_exit_code() {
    for (at, also) in [("offer", None), ("begin", Some("receive"))] {
        let host = Scripted::but(move |name, model| {
            if name != at {
                return None;
            }
            model.running = newer();
            Some(Instead::Refused("the release is older than what runs"))
        });
        let scene = Scene::prod(&host, page(&right()));
        let said = scene.ends(3, &["to", "prod"]);
        assert!(
            said.contains("deploy: prod: superseded: it runs 0.2.0 of commit eee"),
            "{said}"
        );
        let model = host.model();
        assert_eq!(model.names().last(), Some(&"status"));
        assert_eq!(model.names().contains(&"receive"), also.is_some());
        assert_eq!(model.count("progress"), 0);
    }
}

#[test]
fn an_interrupt_rolls_it_back_and_the_command_waits() {
    for signal in ["INT", "TERM", "HUP"] {
        let (server, host) = (right(), Scripted::new());
        let scene = Scene::prod(&host, page(&server));
        let mut running = scene.start(&["to", "prod"]);
        running.until("prod: activating");
        running.signal(signal);
        let said = running.ends(1);
        assert!(said.contains("prod: interrupted: it is rolled back\n"), "{said}");
        assert!(
            said.ends_with("deploy: prod: rolled back: it was interrupted\n"),
            "{said}"
        );
        assert_eq!(host.model().count("abort"), 1);
    }
}

#[test]
fn a_terminal_s_interrupt_ends_no_request_that_is_under_way() {
    let host = Scripted::but(|name, model| {
        if name == "progress" && model.count("progress") == 3 {
            std::thread::sleep(std::time::Duration::from_secs(2));
        }
        None
    });
    let server = right();
    let scene = Scene::prod(&host, page(&server));
    let mut running = scene.start(&["to", "prod"]);
    running.until("prod: activating");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    // All processes of the terminal receive it.
    running.signal_group("INT");
    let said = running.ends(1);
    assert!(!said.contains("unreachable"), "{said}");
    assert!(
        said.ends_with("deploy: prod: rolled back: it was interrupted\n"),
        "{said}"
    );
}

#[test]
fn an_interrupt_before_it_begins_changes_nothing() {
    let host = Scripted::but(|name, _| {
        (name == "receive").then_some(Instead::Hang(std::time::Duration::from_secs(30)))
    });
    let scene = Scene::prod(&host, page(&right()));
    let mut running = scene.start(&["to", "prod"]);
    running.until("prod: copying");
    running.signal("INT");
    let begun = std::time::Instant::now();
    let said = running.ends(1);
    assert!(
        said.ends_with("deploy: prod: interrupted before anything was changed\n"),
        "{said}"
    );
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    assert_eq!(host.model().count("begin"), 0);
}

#[test]
fn an_interrupt_ends_a_fetch_from_a_cache() {
    let host = Scripted::new();
    let scene = Scene::prod(&host, page(&right()));
    std::fs::remove_file(scene.file("store").join(&path("m-glibc")["/nix/store/".len()..])).unwrap();
    scene.write("slow", "");
    let mut running = scene.start(&["to", "prod"]);
    running.until("fetching 1 paths");
    let begun = std::time::Instant::now();
    running.signal("TERM");
    let said = running.ends(1);
    assert!(
        said.ends_with("deploy: prod: interrupted before anything was changed\n"),
        "{said}"
    );
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn a_rollback_sends_nothing() {
    let host = Scripted::new();
    let scene = Scene::prod(&host, json!({}));
    let said = scene.ends(0, &["rollback", "prod", "6"]);
    assert!(
        said.starts_with(&format!("prod: going back to generation 6, {}\n", path("older"))),
        "{said}"
    );
    assert!(
        said.ends_with(&format!(
            "prod: runs {}, now and after a restart\n",
            path("older")
        )),
        "{said}"
    );
    let model = host.model();
    assert_eq!(model.asked[0]["generation"], 6);
    assert_eq!((model.count("offer"), model.count("confirm")), (0, 1));
}
