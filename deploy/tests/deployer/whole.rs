//! Both programs: `deploy`, and behind its SSH the real `deploy-host` on a machine that is a folder.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::deployment::{page, right};
use crate::machine::{HOST, Machine, OLD, Word};
use crate::scene::{OBJECTS, Scene, alone, path, program, put};
use crate::server::{Server, counts, serve};
use crate::signed::{BUILDER, Pair, REPOSITORY};

struct Whole {
    machine: Machine,
    scene: Scene,
    _server: Server,
}

/// A machine that also knows the release's system.
fn machine() -> Machine {
    let _alone = alone();
    let machine = Machine::new();
    machine.system(&path("z-system"), &[("the", Word::Ready), ("love", Word::Ready)]);
    machine
}

impl Whole {
    fn new() -> Self {
        Self::with(right())
    }

    /// A machine that accepts releases signed by the scene's key, and has none of their paths.
    fn with(server: Server) -> Self {
        let scene = Scene::at(&[("prod", 22, &page(&server))]);
        let machine = machine();
        let ssh = format!(
            "PATH={}:$PATH\nexec '{HOST}' --root '{}' serve",
            machine.at("programs").display(),
            machine.at("").display()
        );
        program(&scene.file("bin/ssh"), &ssh);
        fs::remove_file(machine.at("new-system")).unwrap();
        std::os::unix::fs::symlink(path("z-system"), machine.at("new-system")).unwrap();
        let requisites: Vec<_> = OBJECTS.iter().map(|(name, ..)| path(name) + "\n").collect();
        let name = path("z-system").replace("/nix/store/", "");
        machine.write(&format!("closures/{name}"), &requisites.concat());
        machine.write("to-come", &scene.draft.closure);
        machine.write("key.pub", &scene.read("key.pub"));
        let whole = Self {
            machine,
            scene,
            _server: server,
        };
        whole.trusts(|_| {});
        whole
    }

    /// Changes which releases the machine accepts.
    fn trusts(&self, change: impl FnOnce(&mut Value)) {
        let mut trust = json!({
            "keyFiles": ["/key.pub"], "repositories": [REPOSITORY], "builders": [BUILDER], "refs": ["refs/heads/main"],
        });
        change(&mut trust);
        self.machine
            .configure("etc/deploy-host/host.json", |config| config["trust"] = trust);
    }

    fn deploys(&self) -> String {
        let (code, said) = self.scene.deploy(&["to", "prod"]);
        assert_eq!(code, 0, "{said}\n{}", self.machine.read("journal"));
        self.machine.settle();
        said
    }

    /// The sentence with which a release is refused; nothing changed.
    fn refused(&self) -> String {
        let said = self.scene.ends(1, &["to", "prod"]);
        assert_eq!([self.machine.current(), self.machine.default()], [OLD, OLD]);
        said
    }
}

#[test]
fn a_release_is_deployed_reported_and_rolled_back() {
    let whole = Whole::new();
    let said = whole.deploys();
    let system = path("z-system");
    assert!(
        said.contains(&format!("prod: copying {system}: 3 of 3 paths")),
        "{said}"
    );
    assert!(
        said.ends_with(&format!("prod: runs {system}, now and after a restart\n")),
        "{said}"
    );
    let machine = &whole.machine;
    assert_eq!([machine.current(), machine.default()], [&*system, &*system]);
    for (_, nar, _) in OBJECTS {
        assert!(machine.read("import").contains(nar), "{nar} came into the store");
    }

    let said = whole.scene.ends(0, &["to", "prod"]);
    assert!(said.ends_with("prod: has this release already\n"), "{said}");
    let (_, said) = whole.scene.deploy(&["status", "prod", "--json"]);
    let status: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(status["release"]["version"], "0.1.0");
    assert_eq!(status["last"]["state"], "committed");
    assert_eq!(status["words"], json!({ "love": "ready", "the": "ready" }));

    let (code, said) = whole.scene.deploy(&["rollback", "prod"]);
    assert_eq!(code, 0, "{said}\n{}", machine.read("journal"));
    assert!(
        said.ends_with(&format!("prod: runs {OLD}, now and after a restart\n")),
        "{said}"
    );
    machine.settle();
    assert_eq!([machine.current(), machine.default()], [OLD, OLD]);
    let (_, said) = whole.scene.deploy(&["log", "prod"]);
    assert_eq!(said.matches("committed").count(), 2, "{said}");
    assert!(said.contains("back to 1: "), "{said}");
    let (_, said) = whole.scene.deploy(&["list", "prod"]);
    assert!(said.contains("runs, boots"), "{said}");
}

#[test]
fn each_release_that_the_host_does_not_accept_is_refused_with_its_own_sentence() {
    let whole = Whole::new();
    let machine = &whole.machine;

    machine.write("key.pub", &Pair::new().pem());
    assert!(
        whole
            .refused()
            .contains("provenance.sigstore.json is not signed by")
    );
    machine.write("key.pub", &whole.scene.read("key.pub"));

    whole.trusts(|trust| trust["refs"] = json!(["refs/tags/v*"]));
    let said = whole.refused();
    assert!(
        said.contains("the release was built from refs/heads/main, which this host does not accept"),
        "{said}"
    );
    whole.trusts(|trust| trust["repositories"] = json!(["https://example.com/fork"]));
    assert!(
        whole
            .refused()
            .contains("the release was built from the repository")
    );
    whole.trusts(|trust| trust["builders"] = json!(["https://example.com/-/runners/*"]));
    assert!(whole.refused().contains("the release was built by"));
    whole.trusts(|_| {});

    // A path that already exists, with other content than the signed.
    let signed = whole.scene.draft.closure.clone();
    let line = signed.lines().find(|line| line.contains("m-glibc")).unwrap();
    machine.write(
        "valid",
        &format!("{} sha256:{}\n", path("m-glibc"), "1".repeat(52)),
    );
    let said = whole.refused();
    assert!(
        said.contains(&format!(
            "not started: {} has other content here than was signed",
            path("m-glibc")
        )),
        "{said}"
    );
    machine.write("valid", &format!("{line}\n"));
    whole.deploys();
}

#[test]
fn an_older_release_is_deployed_to_no_host() {
    let mut whole = Whole::new();
    whole.deploys();
    whole.scene.draft.release["commitTime"] = json!(1_789_999_999);
    whole.scene.sign();
    whole.scene.ends(3, &["to", "prod"]);
    // A client with another program is refused by the host itself.
    let said = whole.scene.ends(1, &["dry-run", "prod"]);
    assert!(said.contains("the release is older than what runs"), "{said}");
}

#[test]
fn a_release_that_is_wrong_on_the_host_or_from_outside_does_not_stay() {
    let whole = Whole::new();
    whole.machine.answers(&path("z-system"), "love", Word::Wrong);
    let said = whole.refused();
    assert!(
        said.contains("deploy: prod: refused: love: hamlet has 3 and not 995"),
        "{said}"
    );

    let whole = Whole::with(serve(|_| counts([("hamlet", 3)])));
    let said = whole.refused();
    whole.machine.settle();
    assert!(said.contains("deploy: prod: rolled back: http://"), "{said}");
    assert_eq!([whole.machine.current(), whole.machine.default()], [OLD, OLD]);
    assert!(whole.machine.left().is_empty());
}

#[test]
fn an_interrupt_and_a_second_deployment_leave_what_ran() {
    let server = serve(|_| {
        std::thread::sleep(Duration::from_secs(3));
        counts([("hamlet", 995)])
    });
    let whole = Whole::with(server);
    let mut first = whole.scene.start(&["to", "prod"]);
    first.until("prod: unconfirmed");
    let said = whole.scene.ends(1, &["to", "prod"]);
    assert!(
        said.ends_with("deploy: prod: not started: another deployment is under way\n"),
        "{said}"
    );
    first.signal("INT");
    let said = first.ends(1);
    assert!(
        said.ends_with("deploy: prod: rolled back: it was interrupted\n"),
        "{said}"
    );
    whole.machine.settle();
    assert_eq!([whole.machine.current(), whole.machine.default()], [OLD, OLD]);
}

#[test]
fn a_host_s_part_that_is_gone_is_lost_within_seconds() {
    let whole = Whole::with(serve(|_| {
        std::thread::sleep(Duration::from_secs(3));
        counts([("hamlet", 995)])
    }));
    let mut running = whole.scene.start(&["to", "prod"]);
    running.until("prod: unconfirmed");
    // As after a restart: no unit, no process of it, and a record without an outcome.
    let unit = whole.machine.at("units/deploy-wordtally.service");
    let main = fs::read_to_string(&unit).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", main.trim())).unwrap();
    let parent = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))
        .unwrap();
    for process in [parent.trim(), main.trim()] {
        let _alone = alone();
        let killed = std::process::Command::new("kill")
            .args(["-KILL", process])
            .status();
        assert!(killed.unwrap().success());
    }
    fs::remove_file(&unit).unwrap();
    let begun = Instant::now();
    let said = running.ends(1);
    assert!(
        said.contains("deploy: prod: lost: its process on the host ended at 'unconfirmed'"),
        "{said}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_path_that_was_altered_here_never_reaches_the_store_there() {
    let whole = Whole::new();
    put(&whole.scene.file("store"), ("m-glibc", "another one", &[]));
    let said = whole.refused();
    assert!(said.contains("this release is not trusted"), "{said}");
    assert_eq!(whole.machine.read("import"), "");
}
