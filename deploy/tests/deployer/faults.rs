//! Hosts that hang, die or send nonsense: the deployer ends in time, and reports what is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::deployment::{page, right};
use crate::host::{Instead, Model, Scripted};
use crate::scene::{Scene, path, put};
use crate::server::{counts, serve};

/// The end of a deployment to a host that misbehaves at its nth request of a kind.
fn with(
    kind: &'static str,
    number: usize,
    instead: impl Fn(&mut Model) -> Option<Instead> + Send + 'static,
) -> (i32, String, Scripted) {
    let host = Scripted::but(move |name, model| {
        if name == kind && model.count(kind) == number {
            return instead(model);
        }
        None
    });
    let server = right();
    let scene = Scene::prod(&host, page(&server));
    let (code, said) = scene.deploy(&["to", "prod"]);
    (code, said, host)
}

#[test]
fn an_unreachable_host_is_reported() {
    let host = Scripted::new();
    let mut scene = Scene::prod(&host, page(&right()));
    scene.draft.release["hosts"]["prod"]["deployment"]["port"] = serde_json::json!(1);
    scene.sign();
    let said = scene.ends(1, &["to", "prod"]);
    assert_eq!(
        said,
        "deploy: prod: ssh: connect to host 127.0.0.1 port 1: Connection refused\n"
    );
}

#[test]
fn an_answer_that_cannot_be_parsed_is_shown() {
    for (bytes, why) in [
        (
            &b"Welcome to prod\x1b[2J!\n"[..],
            "127.0.0.1 sent an answer that cannot be parsed: Welcome to prod [2J!",
        ),
        (
            b"{\"done\":{\"environment\":\"pr",
            "127.0.0.1 sent an answer that cannot be parsed: {\"done\":{\"environment\":\"pr",
        ),
        (
            b"{\"done\":{}}\n",
            "127.0.0.1 sent an answer that cannot be parsed: {\"done\":{}}",
        ),
        (b"", "127.0.0.1 ended the connection without an answer"),
    ] {
        let (code, said, host) = with("status", 1, move |_| Some(Instead::Bytes(bytes)));
        assert_eq!((code, said), (1, format!("deploy: prod: {why}\n")));
        assert_eq!(host.model().names(), ["status"]);
    }
}

#[test]
fn a_line_without_an_end_is_ended() {
    let (code, said, _) = with("offer", 1, |_| Some(Instead::Endless));
    assert_eq!(code, 1);
    assert_eq!(
        said,
        "deploy: prod: 127.0.0.1 sent an answer of more than 16777216 bytes\n"
    );
}

#[test]
fn an_interruption_of_the_connection_is_waited_out() {
    let (code, said, _) = with("progress", 2, |_| Some(Instead::Bytes(b"")));
    assert_eq!(code, 0, "{said}");
    let unreachable = "prod: unreachable, and will roll back by itself if it stays unreachable: 127.0.0.1 ended the connection";
    assert_eq!(said.matches(unreachable).count(), 1, "{said}");
    assert_eq!(said.matches("the first line").count(), 1, "{said}");

    let (code, said, host) = with("confirm", 1, |_| Some(Instead::Bytes(b"nonsense\n")));
    assert_eq!(code, 0, "{said}");
    assert_eq!(host.model().count("confirm"), 2, "it is confirmed again: {said}");
}

#[test]
fn a_begin_whose_answer_is_lost_is_followed() {
    let host = Scripted::but(|name, model| {
        if name == "begin" {
            // It is still reading the closure, and does not know the deployment yet.
            model.ahead = vec!["lost", "lost", "preflight", "refused"];
            model.reason = Some("love: not ready".to_owned());
            return Some(Instead::Bytes(b""));
        }
        None
    });
    let server = right();
    let scene = Scene::prod(&host, page(&server));
    let said = scene.ends(1, &["to", "prod"]);
    assert!(
        said.contains("prod: unreachable: 127.0.0.1 ended the connection without an answer\n"),
        "{said}"
    );
    assert!(!said.contains("lost"), "{said}");
    assert!(
        said.ends_with("deploy: prod: refused: love: not ready\n"),
        "{said}"
    );
}

#[test]
fn a_lost_deployment_is_reported_within_seconds() {
    let begun = Instant::now();
    let (code, said, _) = with("progress", 2, |model| {
        model.ahead = vec!["lost"];
        model.reason = Some("the host was restarted, and runs what it ran before".to_owned());
        None
    });
    assert_eq!(code, 1);
    assert!(
        said.ends_with("deploy: prod: lost: the host was restarted, and runs what it ran before\n"),
        "{said}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_host_that_does_not_report_its_state_is_asked_again() {
    // As while systemd re-executes itself.
    let host = Scripted::but(|name, model| {
        (name == "progress" && (3..6).contains(&model.count("progress")))
            .then_some(Instead::Refused("systemd does not report what is under way"))
    });
    let server = right();
    let scene = Scene::prod(&host, page(&server));
    let said = scene.ends(0, &["to", "prod"]);
    assert_eq!(host.model().count("confirm"), 1);
    let refused =
        "will roll back by itself if it stays unreachable: systemd does not report what is under way\n";
    assert_eq!(said.matches(refused).count(), 1, "{said}");
}

#[test]
fn a_confirmation_that_is_not_accepted_is_sent_again() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let server = serve(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        counts([("hamlet", 995)])
    });
    let host = Scripted::but(|name, model| {
        (name == "confirm" && model.count("confirm") < 3)
            .then_some(Instead::Refused("systemd does not report what is under way"))
    });
    let scene = Scene::prod(&host, page(&server));
    let said = scene.ends(0, &["to", "prod"]);
    assert_eq!(host.model().count("confirm"), 3);
    assert_eq!(said.matches("not accepted: systemd").count(), 1, "{said}");
    // Once before it and once after it: the pages take their time, and the host does not wait for long.
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn an_abort_that_is_not_accepted_is_sent_again() {
    let host = Scripted::but(|name, model| {
        (name == "abort" && model.count("abort") == 1)
            .then_some(Instead::Refused("systemd does not report what is under way"))
    });
    let server = serve(|_| counts([("hamlet", 3)]));
    let scene = Scene::prod(&host, page(&server));
    let said = scene.ends(1, &["to", "prod"]);
    assert_eq!(host.model().count("abort"), 2);
    assert!(said.contains("deploy: prod: rolled back: http://"), "{said}");
}

#[test]
fn a_confirmation_that_is_too_late_is_followed_by_the_host_s_own_end() {
    let (code, said, _) = with("confirm", 1, |model| {
        model.ahead = vec!["rolling-back", "rolled-back"];
        model.reason = Some("it was not confirmed from outside within 120 s".to_owned());
        Some(Instead::Refused("it does not wait for a confirmation"))
    });
    assert_eq!(code, 1);
    assert!(
        said.contains("prod: not accepted: it does not wait for a confirmation\n"),
        "{said}"
    );
    assert!(
        said.ends_with("deploy: prod: rolled back: it was not confirmed from outside within 120 s\n"),
        "{said}"
    );
}

#[test]
fn a_host_that_hangs_while_it_goes_on_is_asked_again() {
    // One answer takes longer than its limit.
    let (code, said, _) = with("progress", 2, |_| Some(Instead::Hang(Duration::from_secs(40))));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("no answer within 30 s\n"), "{said}");
}

#[test]
fn a_refusal_in_the_middle_of_the_bytes_is_the_host_s_sentence() {
    let (code, said, host) = with("receive", 1, |_| Some(Instead::Refused("the disk is full")));
    assert_eq!(code, 1);
    assert!(said.ends_with("deploy: prod: the disk is full\n"), "{said}");
    assert_eq!(host.model().count("begin"), 0);
}

#[test]
fn a_path_that_is_here_with_other_content_is_not_sent() {
    let host = Scripted::new();
    let scene = Scene::prod(&host, page(&right()));
    put(
        &scene.file("store"),
        ("a-wordtally", "another program", &["m-glibc"]),
    );
    let said = scene.ends(1, &["to", "prod"]);
    let start = format!(
        "deploy: prod: this release is not trusted: {} is here with the hash sha256:",
        path("a-wordtally")
    );
    assert!(said.starts_with(&start), "{said}");
    assert_eq!(host.model().names(), ["status", "offer"]);
}

#[test]
fn a_path_whose_size_is_not_the_one_in_nix_s_database_is_not_sent_completely() {
    let host = Scripted::new();
    let scene = Scene::prod(&host, page(&right()));
    scene.write(
        &format!("store/{}", &path("m-glibc")["/nix/store/".len()..]),
        "short",
    );
    let said = scene.ends(1, &["to", "prod"]);
    assert!(
        said.ends_with(&format!(
            "deploy: prod: {} cannot be read: it has 5 bytes, and Nix knows it with 11\n",
            path("m-glibc")
        )),
        "{said}"
    );
    assert_eq!(host.model().count("begin"), 0);
}

#[test]
fn a_path_that_this_store_lacks_comes_from_a_cache_or_is_named() {
    let host = Scripted::new();
    let scene = Scene::prod(&host, page(&right()));
    let name = &path("m-glibc")["/nix/store/".len()..];
    for file in [name.to_owned(), format!("{name}.db")] {
        std::fs::rename(scene.file("store").join(&file), scene.file("cache").join(&file)).unwrap();
    }
    let said = scene.ends(0, &["to", "prod"]);
    assert!(
        said.starts_with("fetching 1 paths that this store lacks\n"),
        "{said}"
    );

    for folder in ["store", "cache"] {
        std::fs::remove_file(scene.file(folder).join(name)).unwrap();
    }
    let said = scene.ends(1, &["to", "prod"]);
    assert!(
        said.contains(&format!(
            "{} is on neither machine, and no cache has it",
            path("m-glibc")
        )),
        "{said}"
    );
}

#[test]
fn a_host_that_asks_for_another_path_gets_none() {
    let host = Scripted::new();
    host.model()
        .missing
        .push("/nix/store/0123456789abcdfghijklmnpqrsvwxyz-secret".to_owned());
    let scene = Scene::prod(&host, page(&right()));
    let said = scene.ends(1, &["to", "prod"]);
    assert!(said.ends_with("-secret, which was not signed\n"), "{said}");
    assert_eq!(host.model().count("receive"), 0);
}
