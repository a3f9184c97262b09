//! Requests to `deploy-host serve`, valid and malformed: each refusal has its own sentence.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use wordtally_deploy::closure::{Closure, nar_hash};
use wordtally_deploy::protocol::SignedRelease;

use crate::crashes::Full;
use crate::machine::{GLIBC, ID, Machine, NEW, OLD};
use crate::signed::{Draft, Pair, policy};

const GLIBC_NAR: &[u8] = b"22222222222222222222222222222222 is the NAR of glibc";
const NEW_NAR: &[u8] = b"the NAR of the new system, for 22222222222222222222222222222222-glibc";

fn hash(nar: &[u8]) -> String {
    nar_hash(digest(&SHA256, nar).as_ref())
}

/// A machine that trusts a key, and a release for it that is signed by this key.
struct Offering {
    machine: Machine,
    pair: Pair,
    draft: Draft,
}

impl Offering {
    fn new() -> Self {
        let (machine, pair, mut draft) = (Machine::new(), Pair::new(), Draft::new());
        machine.write("etc/cosign.pub", &pair.pem());
        machine.configure("etc/deploy-host/host.json", |config| {
            config["trust"] = serde_json::to_value(policy()).unwrap();
        });
        let closure = Closure(
            [(NEW, NEW_NAR), (GLIBC, GLIBC_NAR)]
                .map(|(path, nar)| (path.into(), hash(nar)))
                .into(),
        );
        draft.closure = closure.lines();
        draft.release["hosts"]["prod"]["system"] = json!(NEW);
        draft.name_subjects();
        machine.write("to-come", &draft.closure);
        machine.write(
            "closures/11111111111111111111111111111111-new",
            &format!("{NEW}\n{GLIBC}\n"),
        );
        Self { machine, pair, draft }
    }

    fn offer(&self, signed: &SignedRelease) -> Value {
        let mut request = serde_json::to_value(signed).unwrap();
        request["request"] = json!("offer");
        self.machine.asked(&request)
    }

    /// Name of the release.
    fn offered(&self) -> String {
        let answer = self.offer(&self.draft.sign(&self.pair));
        answer["done"]["release"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    }

    fn refused(&self, signed: &SignedRelease) -> String {
        let answer = self.offer(signed);
        answer["refused"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    }

    /// The answer to paths, each with its header.
    fn sent(&self, release: &str, paths: &[(Value, &[u8])], end: &[u8]) -> Value {
        let mut bytes = format!(
            "{}\n",
            json!({ "version": 1, "request": "receive", "release": release })
        )
        .into_bytes();
        for (header, nar) in paths {
            bytes.extend(format!("{header}\n").as_bytes());
            bytes.extend(*nar);
        }
        bytes.extend(end);
        self.machine.asked_bytes(&bytes)
    }

    fn receive(&self, release: &str) {
        let answer = self.sent(release, &[glibc(), new()], b"\n");
        assert_eq!(answer, json!({ "done": {} }));
    }

    fn begin(&self, release: &str, id: &str) -> Value {
        self.machine.asked(&json!({
            "request": "begin", "id": id, "release": release, "confirmation": 20, "force": null,
        }))
    }
}

fn header(path: &str, references: &[&str], nar: &'static [u8]) -> (Value, &'static [u8]) {
    (
        json!({ "path": path, "references": references, "size": nar.len() }),
        nar,
    )
}

fn glibc() -> (Value, &'static [u8]) {
    header(GLIBC, &[GLIBC], GLIBC_NAR)
}

fn new() -> (Value, &'static [u8]) {
    header(NEW, &[GLIBC], NEW_NAR)
}

#[test]
fn a_signed_release_is_offered_received_begun_and_known_from_then_on() {
    let it = Offering::new();
    let answer = it.offer(&it.draft.sign(&it.pair));
    assert_eq!(answer["done"]["system"], NEW);
    assert_eq!(answer["done"]["missing"], json!([NEW, GLIBC]));
    let release = answer["done"]["release"].as_str().unwrap();
    let root = it
        .machine
        .at(&format!("nix/var/nix/gcroots/deploy-host-{release}"));
    assert_eq!(fs::read_link(root).unwrap().to_str(), Some(NEW));

    it.receive(release);
    assert_eq!(fs::read(it.machine.at("import")).unwrap(), exported());
    assert_eq!(it.offer(&it.draft.sign(&it.pair))["done"]["missing"], json!([]));

    assert_eq!(it.begin(release, ID), json!({ "done": {} }));
    assert_eq!(
        it.begin(release, "fedcba9876543210")["refused"],
        "another deployment is under way"
    );
    let end = it.machine.watch();
    it.machine.settle();
    assert_eq!(end["state"], "committed", "{end}");

    let status = it.machine.asked(&json!({ "request": "status" }))["done"].clone();
    assert_eq!(
        [
            &status["current"],
            &status["default"],
            &status["generation"],
            &status["underWay"]
        ],
        [&json!(NEW), &json!(NEW), &json!(2), &json!(false)]
    );
    assert_eq!(status["release"]["ref"], "refs/heads/main");
    assert_eq!(status["words"], json!({ "love": "ready", "the": "ready" }));
    assert_eq!(status["last"]["id"], ID);
}

/// The paths as `nix-store --export` writes them.
fn exported() -> Vec<u8> {
    fn text(text: &str) -> Vec<u8> {
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes.resize(8 + text.len().next_multiple_of(8), 0);
        bytes
    }
    let path = |path: &str, references: &[&str], nar: &[u8]| {
        let references: Vec<_> = references.iter().map(|path| text(path)).collect();
        [
            &1u64.to_le_bytes()[..],
            nar,
            b"NIXE\0\0\0\0",
            &text(path),
            &(references.len() as u64).to_le_bytes(),
            &references.concat(),
            &text(""),
            &0u64.to_le_bytes(),
        ]
        .concat()
    };
    [
        path(GLIBC, &[GLIBC], GLIBC_NAR),
        path(NEW, &[GLIBC], NEW_NAR),
        0u64.to_le_bytes().to_vec(),
    ]
    .concat()
}

#[test]
fn a_release_that_the_policy_does_not_accept_is_refused_with_its_own_sentence() {
    let it = Offering::new();
    let signed = it.draft.sign(&it.pair);
    let other = it.refused(&it.draft.sign(&Pair::new()));
    assert!(other.contains("is not signed by"), "{other}");

    let mut altered = signed.clone();
    altered.closure = altered.closure.replacen("sha256:", "sha256:0", 1);
    assert!(!it.refused(&altered).is_empty());

    it.machine.configure("etc/deploy-host/host.json", |config| {
        config["trust"]["refs"] = json!(["refs/tags/*"])
    });
    let branch = it.refused(&signed);
    assert!(
        branch.contains("was built from refs/heads/main, which this host does not accept"),
        "{branch}"
    );

    it.machine.configure("etc/deploy-host/host.json", |config| {
        config["trust"]["keyFiles"] = json!(["/etc/none"])
    });
    let keyless = it.refused(&signed);
    assert!(keyless.contains("no public key is trusted here"), "{keyless}");

    it.machine.configure("etc/deploy-host/host.json", |config| {
        config["environment"] = json!("dev")
    });
    assert!(
        !it.machine.at("var/lib/deploy-host/releases").exists(),
        "a refused release is kept"
    );
}

#[test]
fn a_release_that_is_older_than_what_runs_is_refused() {
    let mut it = Offering::new();
    let release = it.offered();
    it.receive(&release);
    it.begin(&release, ID);
    assert_eq!(it.machine.watch()["state"], "committed");
    it.machine.settle();
    it.draft.release["commitTime"] = json!(1_780_000_000);
    it.draft.name_subjects();
    let older = it.refused(&it.draft.sign(&it.pair));
    assert!(
        older.contains("is older than what runs") && older.contains("deploy rollback"),
        "{older}"
    );
}

#[test]
fn of_two_that_begin_at_once_one_waits_and_leaves_nothing() {
    let it = Offering::new();
    let release = it.offered();
    it.receive(&release);
    it.machine.write("slow-start", "");
    let (ended, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let answers: Vec<_> = thread::scope(|scope| {
        let both = [ID, "fedcba9876543210"].map(|id| {
            let (it, release, ended) = (&it, &release, &ended);
            scope.spawn(move || {
                let answer = it.begin(release, id);
                ended.fetch_add(1, Ordering::Relaxed);
                answer
            })
        });
        while ended.load(Ordering::Relaxed) < 2 {
            let deployments = it.machine.at("var/lib/deploy-host/deployments");
            most.fetch_max(
                fs::read_dir(deployments).into_iter().flatten().count(),
                Ordering::Relaxed,
            );
            thread::sleep(Duration::from_millis(10));
        }
        both.map(|thread| thread.join().unwrap()).into()
    });
    assert_eq!(most.into_inner(), 1, "a record beside the one under way");
    let refused: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer["refused"].as_str())
        .collect();
    assert_eq!(refused, ["another deployment is under way"], "{answers:?}");
    it.machine.settle();
}

#[test]
fn a_release_that_has_become_older_than_what_runs_is_not_begun() {
    let it = Offering::new();
    let release = it.offered();
    it.receive(&release);
    let path = it.machine.at("var/lib/deploy-host/beginning.lock");
    let held = fs::File::create(path).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let answer = thread::scope(|scope| {
        let begun = scope.spawn(|| it.begin(&release, ID));
        // Until it waits for the lock.
        thread::sleep(Duration::from_secs(3));
        let newer = "/nix/store/33333333333333333333333333333333-newer";
        it.machine.old_record(7);
        it.machine.configure(
            "var/lib/deploy-host/deployments/0000000000000007/record.json",
            |record| {
                record["way"]["new"] = json!(newer);
                record["release"] = json!({
                    "version": "9.9.9", "commit": "0".repeat(40), "commitTime": 4_000_000_000_u64,
                    "ref": "refs/heads/main",
                });
            },
        );
        it.machine.system(newer, &[]);
        fs::remove_file(it.machine.at("run/current-system")).unwrap();
        symlink(newer, it.machine.at("run/current-system")).unwrap();
        drop(held);
        begun.join().unwrap()
    });
    let refused = answer["refused"].to_string();
    assert!(refused.contains("is older than what runs"), "{answer}");
    assert!(!it.machine.is_held());
}

#[test]
fn a_dry_run_leaves_a_deployment_that_is_under_way() {
    let it = Offering::new();
    let release = it.offered();
    it.receive(&release);
    let dry_run = || {
        it.machine
            .asked(&json!({ "request": "dry-run", "release": release }))
    };
    assert_eq!(
        dry_run()["done"]["text"],
        "would restart the following units: wordtally-the.service\n"
    );
    it.machine.write("units/deploy-wordtally.service", "");
    assert_eq!(dry_run()["refused"], "another deployment is under way");
}

#[test]
fn the_policy_is_asked_again_when_a_release_is_begun() {
    let it = Offering::new();
    let release = it.offered();
    it.receive(&release);
    it.machine.configure("etc/deploy-host/host.json", |config| {
        config["trust"]["builders"] = json!([])
    });
    let refused = it.begin(&release, ID)["refused"].to_string();
    assert!(refused.contains("which this host does not accept"), "{refused}");
}

#[test]
fn a_path_that_was_here_with_other_content_refuses() {
    let it = Offering::new();
    it.machine
        .write("valid", &format!("{GLIBC} {}\n", hash(b"another glibc")));
    let release = it.offered();
    assert_eq!(it.sent(&release, &[new()], b"\n"), json!({ "done": {} }));
    for request in ["begin", "dry-run", "diff"] {
        let answer = it.machine.asked(&json!({
            "request": request, "id": ID, "release": release, "confirmation": 20, "force": null,
        }));
        let refused = answer["refused"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert!(
            refused.starts_with(&format!("{GLIBC} has other content here than was signed")),
            "{refused}"
        );
    }
    assert!(!it.machine.is_held());
}

#[test]
fn references_that_were_not_signed_refuse() {
    let it = Offering::new();
    let release = it.offered();
    it.receive(&release);
    // As if the new system had been sent without its reference.
    it.machine.write(
        "closures/11111111111111111111111111111111-new",
        &format!("{NEW}\n"),
    );
    let refused = it.begin(&release, ID)["refused"].to_string();
    assert!(
        refused.contains("has other paths here than were signed: 1 and not 2"),
        "{refused}"
    );
}

#[test]
fn paths_that_are_not_here_refuse() {
    let it = Offering::new();
    let release = it.offered();
    let refused = it.begin(&release, ID)["refused"].to_string();
    assert!(
        refused.contains("2 paths of the release are not here"),
        "{refused}"
    );
}

#[test]
fn what_is_sent_is_taken_only_as_it_was_signed() {
    let it = Offering::new();
    let release = it.offered();
    let other = "/nix/store/33333333333333333333333333333333-other";
    let huge = json!({ "path": GLIBC, "references": [], "size": 17_u64 << 30 });
    let refused = |paths: &[(Value, &[u8])], end: &[u8], sentence: &str| {
        let answer = it.sent(&release, paths, end);
        let said = answer["refused"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert!(said.starts_with(sentence), "{said}");
        assert_eq!(it.machine.read("import"), "", "the store was given something");
    };
    refused(
        &[header(GLIBC, &[], b"the NAR of glibX")],
        b"\n",
        &format!(
            "{GLIBC} is altered: its content is {}, and {} was signed",
            hash(b"the NAR of glibX"),
            hash(GLIBC_NAR)
        ),
    );
    refused(
        &[header(other, &[], b"x")],
        b"\n",
        &format!("{other} is not a path of this release"),
    );
    refused(
        &[header("/etc/passwd", &[], b"x")],
        b"\n",
        "invalid store path '/etc/passwd': expected /nix/store/",
    );
    refused(
        &[new()],
        b"\n",
        &format!("{NEW} was sent before {GLIBC}, which it refers to"),
    );
    refused(
        &[header(GLIBC, &[other], GLIBC_NAR)],
        b"\n",
        &format!("{GLIBC} refers to {other}, which is not a path"),
    );
    refused(
        &[(huge, b"")],
        b"",
        &format!("{GLIBC} has too many bytes: all paths together may have 17179869184"),
    );
    refused(
        &[glibc(), (json!({}), b"")],
        b"\n",
        "malformed header of a path: missing field",
    );
    refused(
        &[(json!({ "path": GLIBC, "references": [], "size": 100 }), GLIBC_NAR)],
        b"",
        &format!("{GLIBC} is incomplete: 48 of 100 bytes are missing"),
    );
    refused(
        &[header(GLIBC, &[], GLIBC_NAR)],
        b"\n",
        &format!("{GLIBC} refers to {GLIBC}, which its content names and its header does not"),
    );
    refused(
        &[header(GLIBC, &[GLIBC, NEW], GLIBC_NAR)],
        b"\n",
        &format!("{GLIBC} was sent before {NEW}, which it refers to"),
    );
    it.machine.write("valid", &format!("{NEW} {}\n", hash(NEW_NAR)));
    refused(
        &[header(GLIBC, &[GLIBC, NEW], GLIBC_NAR)],
        b"\n",
        &format!("{GLIBC} does not refer to {NEW}, as its header says: its content does not name it"),
    );
    it.machine.write("valid", "");
    refused(
        &[],
        b"",
        "the paths end without an empty line: they are incomplete",
    );
    refused(
        &[],
        &vec![b'x'; (4 << 20) + 1],
        "the header of a path is too long: expected at most 4194304 bytes",
    );
}

#[test]
fn paths_are_received_once_at_a_time_and_only_with_room_for_them() {
    let it = Offering::new();
    let release = it.offered();
    let path = it.machine.at("var/lib/deploy-host/receiving.lock");
    let held = fs::File::create(path).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(
        it.sent(&release, &[glibc(), new()], b"\n")["refused"],
        "paths are being received already: wait until they are here"
    );
    drop(held);
    let Some(_full) = Full::mount(&it.machine, "var/lib/deploy-host") else {
        eprintln!("not root: a small file system is not tried");
        return;
    };
    let refused = it.sent(&release, &[glibc(), new()], b"\n")["refused"].to_string();
    assert!(
        refused.contains(" has no space here: it has 52 bytes, 268435456 stay free, and "),
        "{refused}"
    );
}

#[test]
fn a_path_is_accepted_only_once() {
    let it = Offering::new();
    let release = it.offered();
    let answer = it.sent(&release, &[glibc(), glibc()], b"\n");
    assert_eq!(answer["refused"], format!("{GLIBC} was sent twice"));
}

#[test]
fn a_malformed_request_is_refused_by_its_own_sentence() {
    let machine = Machine::new();
    let said = |bytes: &[u8]| {
        let answer = machine.asked_bytes(bytes);
        answer["refused"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    };
    let mut long = vec![b' '; 16 << 20];
    long.push(b'\n');
    assert_eq!(
        said(&long),
        "the request is too long: expected at most 16777216 bytes"
    );
    let long = "x".repeat(100_000);
    for (request, sentence) in [
        (
            "status",
            "the request is too long: expected at most 65536 bytes, except for an offer",
        ),
        ("offer", "no public key is trusted here"),
    ] {
        let line = json!({
            "version": 1, "request": request, "bundle": "{}", "release": long, "closure": "", "more": [1],
        });
        let said = said(format!("{line}\n").as_bytes());
        assert!(said.starts_with(sentence), "{said}");
    }
    assert_eq!(said(b""), "the request has no line end: expected one line");
    assert_eq!(
        said(b"{\"version\":1,\"request\":\"status\"}"),
        "the request has no line end: expected one line"
    );
    let other = said(b"{\"version\":2,\"request\":\"fly\"}\n");
    assert!(
        other.starts_with("this host speaks version 1 of the protocol, and was asked in version 2"),
        "{other}"
    );
    for (bytes, sentence) in [
        (&b"\n"[..], "malformed request: "),
        (b"{}\n", "malformed request: missing field `version`"),
        (b"{\"version\":1,\"request\":\"fly\"}\n", "malformed request: unknown variant `fly`"),
        (b"\xff\n", "malformed request: "),
        (
            b"{\"version\":1,\"request\":\"progress\",\"id\":\"../../etc\",\"seen\":0}\n",
            "invalid name of a deployment '../../etc': expected 16 hexadecimal digits",
        ),
        (
            b"{\"version\":1,\"request\":\"receive\",\"release\":\"../x\"}\n",
            "invalid name of a release '../x': expected 64 hexadecimal digits",
        ),
        (
            b"{\"version\":1,\"request\":\"rollback\",\"id\":\"0123456789abcdef\",\"generation\":9,\"confirmation\":20}\n",
            "there is no generation 9: expected one of 1",
        ),
        (
            b"{\"version\":1,\"request\":\"rollback\",\"id\":\"0123456789abcdef\",\"generation\":-1,\"confirmation\":20}\n",
            "malformed request: invalid value: integer `-1`",
        ),
        (
            b"{\"version\":1,\"request\":\"rollback\",\"id\":\"0123456789abcdef\",\"generation\":null,\"confirmation\":20}\n",
            "there is no generation before 1",
        ),
        (
            b"{\"version\":1,\"request\":\"confirm\",\"id\":\"0123456789abcdef\"}\n",
            "the host does not know this deployment",
        ),
    ] {
        let said = said(bytes);
        assert!(said.starts_with(sentence), "{said}");
    }
    let unknown = "a".repeat(64);
    assert!(
        machine
            .refused(&json!({ "request": "receive", "release": unknown }))
            .ends_with("was not offered here, or was offered long ago: offer it again")
    );
}

#[test]
fn a_deployment_is_confirmed_only_while_it_waits_and_aborted_only_while_it_goes_on() {
    let machine = Machine::new();
    machine.answers(NEW, "the", crate::machine::Word::Unready);
    machine.begin(None);
    let confirm = json!({ "request": "confirm", "id": ID });
    let early = machine.refused(&confirm);
    assert!(
        early.starts_with("the deployment cannot be confirmed: it is at '"),
        "{early}"
    );
    let abort = json!({ "request": "abort", "id": ID, "reason": "it was\ninterrupted\u{1b}" });
    assert_eq!(machine.asked(&abort), json!({ "done": {} }));
    let end = machine.watch();
    machine.settle();
    assert_eq!(
        [&end["state"], &end["reason"]],
        [&json!("refused"), &json!("it was interrupted ")]
    );
    assert_eq!(machine.refused(&confirm), "the deployment has ended: refused");
    assert_eq!(machine.refused(&abort), "the deployment has ended: refused");
}

#[test]
fn a_rollback_goes_to_the_previous_generation_and_needs_no_ready_word() {
    let machine = Machine::new();
    machine.begin(None);
    assert_eq!(machine.watch()["state"], "committed");
    machine.settle();
    fs::remove_dir_all(machine.at(&format!("var/lib/deploy-host/deployments/{ID}"))).unwrap();
    let list = machine.asked(&json!({ "request": "list" }))["done"]["generations"].clone();
    assert_eq!([&list[0]["number"], &list[1]["number"]], [&json!(1), &json!(2)]);
    assert_eq!(
        [&list[0]["system"], &list[1]["system"]],
        [&json!(OLD), &json!(NEW)]
    );
    assert_eq!(
        [&list[1]["current"], &list[1]["default"], &list[0]["default"]],
        [&json!(true), &json!(true), &json!(false)]
    );

    machine.answers(OLD, "the", crate::machine::Word::Unready);
    fs::remove_file(machine.at("new-system")).unwrap();
    symlink(OLD, machine.at("new-system")).unwrap();
    let done = machine.command(&["rollback"]).output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    machine.settle();
    assert!(
        done.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(
        said.contains("to generation 1, ") && said.ends_with("committed\n"),
        "{said}"
    );
    assert_eq!([machine.current(), machine.default()], [OLD, OLD]);
    assert_eq!(
        fs::read_link(machine.at("nix/var/nix/profiles/system"))
            .unwrap()
            .to_str(),
        Some("system-1-link")
    );
    assert_eq!(machine.read("boot-loader").trim(), OLD);
    let log = machine.asked(&json!({ "request": "log" }))["done"]["deployments"].clone();
    assert_eq!(log[0]["generation"], 1);
}

#[test]
fn a_rollback_continues_if_systemd_does_not_report_its_state() {
    let machine = Machine::new();
    machine.begin(None);
    assert_eq!(machine.watch()["state"], "committed");
    machine.settle();
    fs::remove_file(machine.at("new-system")).unwrap();
    symlink(OLD, machine.at("new-system")).unwrap();
    // The first two belong to its start.
    machine.write("shows", "");
    machine.write("deaf-at", "3\n4\n");
    let done = machine.command(&["rollback", "1"]).output().unwrap();
    machine.settle();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!([machine.current(), machine.default()], [OLD, OLD]);
}

#[test]
fn the_running_system_is_reported_with_its_own_hashes_and_each_words_program() {
    let machine = Machine::new();
    machine.write("valid", &format!("{OLD} {}\n", hash(b"old")));
    machine.write(
        "closures/00000000000000000000000000000000-old",
        &format!("{OLD}\n"),
    );
    let process = std::process::id();
    fs::create_dir_all(machine.at(&format!("proc/{process}"))).unwrap();
    symlink(
        "/nix/store/x/bin/wordtally",
        machine.at(&format!("proc/{process}/exe")),
    )
    .unwrap();
    let checked = machine.asked(&json!({ "request": "check" }))["done"].clone();
    let closure = Closure([(OLD.into(), hash(b"old"))].into());
    assert_eq!(checked["closure"], closure.digest());
    assert_eq!(checked["programs"]["the"], "/nix/store/x/bin/wordtally");
    assert_eq!(
        machine.asked(&json!({ "request": "stop" })),
        json!({ "done": {} })
    );
    assert_eq!(
        machine.read("stopped"),
        "wordtally-love.socket\nwordtally-love.service\nwordtally-the.socket\nwordtally-the.service\n"
    );
}
