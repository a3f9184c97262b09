//! A host's reports about itself, and how it is reached.

use serde_json::{Value, json};

use crate::deployment::{page, right};
use crate::host::{Instead, Scripted};
use crate::scene::{Scene, path};
use crate::server::{Server, counts, response, serve};

fn scene() -> (Scripted, Scene) {
    let host = Scripted::new();
    let scene = Scene::prod(&host, json!({}));
    (host, scene)
}

#[test]
fn a_table_is_for_people_and_json_for_programs() {
    let (_host, scene) = scene();
    let said = scene.ends(0, &["status", "prod"]);
    assert_eq!(
        said,
        format!(
            "host     prod\nruns     {}\nrelease  unknown\nboots    the same, generation 7\nthe      ready\n",
            path("old")
        )
    );
    let (_, said) = scene.deploy(&["list", "prod"]);
    let rows: Vec<Vec<_>> = said
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    let (old, older) = (path("old"), path("older"));
    assert_eq!(
        rows,
        [
            vec!["generation", "made", "release", "system"],
            vec!["6", "2026-09-21T14:13:20Z", "unknown", &older],
            vec![
                "7",
                "2026-09-21T15:13:20Z",
                "runs, boots",
                "0.1.0 of ffffffffffff, refs/heads/main",
                &old
            ],
        ]
    );
    let columns = |cell| {
        said.lines()
            .filter_map(|line| line.find(cell))
            .collect::<Vec<_>>()
    };
    assert_eq!(columns("2026-09-21"), [12, 12], "{said}");
    assert_eq!(columns("/nix/store")[0], columns("/nix/store")[1], "{said}");
    let (_, said) = scene.deploy(&["log", "prod"]);
    assert!(
        said.ends_with("back to 6: unknown  rolled back: love: it  broke (forced: an outage)\n"),
        "no control character reaches the terminal: {said}"
    );
    for command in ["status", "list", "log"] {
        let said = scene.ends(0, &[command, "prod", "--json"]);
        let value: Value = serde_json::from_str(&said).unwrap();
        let field = match command {
            "status" => &value["environment"],
            "list" => &value["generations"][1]["release"]["version"],
            _ => &value["deployments"][0]["state"],
        };
        assert!(
            matches!(field.as_str(), Some("prod" | "0.1.0" | "rolled-back")),
            "{said}"
        );
    }
}

#[test]
fn a_dry_run_sends_and_begins_nothing() {
    let (host, scene) = scene();
    let said = scene.ends(0, &["dry-run", "prod"]);
    assert!(
        said.ends_with("would restart\nwordtally-the.service\nprod: dry run: nothing was changed\n"),
        "{said}"
    );
    let said = scene.ends(0, &["diff", "prod"]);
    assert!(said.ends_with("would restart\nwordtally-the.service\n"), "{said}");
    let model = host.model();
    assert_eq!(
        model.names(),
        [
            "status", "offer", "receive", "dry-run", "offer", "receive", "diff"
        ]
    );
}

#[test]
fn stopping_is_reported() {
    let (host, scene) = scene();
    let (code, said) = scene.deploy(&["stop", "prod"]);
    assert_eq!(
        (code, said.as_str()),
        (
            0,
            "prod: its words are stopped until the next deployment or restart\n"
        )
    );
    assert_eq!(host.model().names(), ["stop"]);
}

/// A change of a host's report.
type Change = fn(&mut Value);

/// The output of `deploy check` for a host with this report.
fn checked(change: impl Fn(&mut Value) + Send + 'static) -> (i32, String) {
    checked_at(&right(), change, |_| {})
}

/// The same with these pages, and these deployments on the host.
fn checked_at(
    server: &Server,
    change: impl Fn(&mut Value) + Send + 'static,
    log: impl Fn(&mut Value) + Send + 'static,
) -> (i32, String) {
    let closure = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let shared = std::sync::Arc::clone(&closure);
    let host = Scripted::but(move |name, _| {
        if name == "log" {
            let mut says = json!([]);
            log(&mut says);
            return Some(Instead::Done(json!({ "deployments": says })));
        }
        let mut says = json!({
            "current": path("z-system"), "default": path("z-system"), "closure": *shared.lock().unwrap(),
            "programs": { "the": format!("{}/bin/wordtally", path("a-wordtally")) },
        });
        change(&mut says);
        Some(Instead::Done(says))
    });
    let scene = Scene::prod(&host, page(server));
    *closure.lock().unwrap() = wordtally_deploy::closure::sha256(scene.draft.closure.as_bytes());
    scene.deploy(&["check", "prod"])
}

#[test]
fn a_check_compares_bytes_programs_and_pages() {
    let (code, said) = checked(|_| {});
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("prod: on the host: 1 words run /nix/store/"),
        "{said}"
    );
    assert!(
        said.contains("prod: on the host: its 3 paths are what was signed\n"),
        "{said}"
    );
    assert!(said.contains("/the/ lists 2 corpora\n"), "{said}");
    let cases: [(Change, &str); 6] = [
        (|says| says["current"] = json!(path("old")), "-old, and not /nix"),
        (
            |says| says["default"] = json!(path("old")),
            ", and after a restart /nix",
        ),
        (
            |says| says["default"] = Value::Null,
            ", and after a restart nothing known",
        ),
        (
            |says| says["closure"] = json!("0".repeat(64)),
            "its paths are not what was signed: the digest of its closure is 000",
        ),
        (
            |says| says["programs"] = json!({}),
            "the word the runs nothing, and not /nix",
        ),
        (
            |says| says["programs"]["new"] = json!("/bin/sh"),
            "the word new runs /bin/sh, and not /nix",
        ),
    ];
    for (change, why) in cases {
        let (code, said) = checked(change);
        assert_eq!(code, 1, "{said}");
        assert!(said.starts_with("deploy: prod: ") && said.contains(why), "{said}");
    }
}

#[test]
fn a_check_excuses_what_the_deployment_of_this_system_excused() {
    let down = serve(|_| response("503 Service Unavailable", "", "no table"));
    let last = |state: &'static str, system: &'static str, excused: &'static str| {
        move |says: &mut Value| {
            let record = |system, state, excused| {
                json!({
                    "id": "0123456789abcdef", "begun": 1_790_000_000, "system": path(system), "before": path("old"),
                    "release": null, "generation": null, "force": null, "state": state, "reason": null,
                    "excused": [excused],
                })
            };
            // The deployment before it says nothing about the running system.
            *says = json!([
                record("z-system", "committed", "the"),
                record(system, state, excused),
            ]);
        }
    };
    let (code, said) = checked_at(&down, |_| {}, last("committed", "z-system", "the"));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("from outside: the is excused: http://"), "{said}");
    for log in [
        last("committed", "z-system", "love"),
        last("committed", "old", "the"),
        last("rolled-back", "z-system", "the"),
    ] {
        let (code, said) = checked_at(&down, |_| {}, log);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("/the/ answers 503: no table"), "{said}");
    }
    let gone = |says: &mut Value| says["programs"]["the"] = Value::Null;
    let (code, said) = checked_at(&down, gone, last("committed", "z-system", "the"));
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("on the host: the is excused: it does not run\n"),
        "{said}"
    );
    let other = |says: &mut Value| says["programs"]["the"] = json!("/bin/sh");
    let (code, said) = checked_at(&down, other, last("committed", "z-system", "the"));
    assert_eq!(code, 1, "{said}");
    let wrong = serve(|_| counts([("hamlet", 3)]));
    let (code, said) = checked_at(&wrong, |_| {}, last("committed", "z-system", "the"));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("hamlet has 3 and not 995"), "{said}");
}

#[test]
fn ssh_gets_its_own_copy_of_the_key_and_only_the_host_s_key() {
    let host = Scripted::new();
    let mut scene = Scene::prod(&host, json!({}));
    scene.draft.release["hosts"]["prod"]["deployment"]["hostKey"] = json!("ssh-ed25519 AAAA");
    scene.sign();
    scene.write("login", "a key without its last line break");
    std::fs::set_permissions(
        scene.file("login"),
        std::os::unix::fs::PermissionsExt::from_mode(0o666),
    )
    .unwrap();
    scene.ends(0, &["stop", "prod", "--identity", "login"]);
    assert_eq!(scene.read("identity.mode"), "600\n");
    assert_eq!(scene.read("identity"), "a key without its last line break\n");
    assert_eq!(scene.read("known_hosts"), "wordtally ssh-ed25519 AAAA\n");
    let log = scene.read("ssh.log");
    let arguments: Vec<_> = log.lines().collect();
    for option in [
        "BatchMode=yes",
        "ControlPath=none",
        "ConnectTimeout=10",
        "StrictHostKeyChecking=yes",
        "HostKeyAlias=wordtally",
        "IdentitiesOnly=yes",
    ] {
        assert!(arguments.contains(&option), "{option}: {log}");
    }
    assert!(
        arguments.ends_with(&["deploy@127.0.0.1", "deploy-host connect"]),
        "{log}"
    );

    let said = scene.ends(1, &["stop", "prod", "--identity", "nowhere"]);
    assert!(
        said.starts_with("deploy: prod: the login key nowhere cannot be read: No such file"),
        "{said}"
    );
}
