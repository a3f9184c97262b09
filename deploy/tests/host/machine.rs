//! A machine that is a folder: `deploy-host` itself, with replacements for the programs of systemd and Nix.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use wordtally_deploy::protocol::VERSION;

pub(crate) const HOST: &str = env!("CARGO_BIN_EXE_deploy-host");
pub(crate) const OLD: &str = "/nix/store/00000000000000000000000000000000-old";
pub(crate) const NEW: &str = "/nix/store/11111111111111111111111111111111-new";
pub(crate) const GLIBC: &str = "/nix/store/22222222222222222222222222222222-glibc";
/// The limit for words to get ready, in seconds.
const PATIENCE: &str = "2";
pub(crate) const ID: &str = "0123456789abcdef";

/// A machine whose root is a folder.
pub(crate) struct Machine {
    folder: TempDir,
}

/// The behaviour of a word of a system.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    Ready,
    Unready,
    Wrong,
}

impl Machine {
    /// A machine that runs the system `OLD`, its boot default, and knows `NEW`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("host-").tempdir().unwrap();
        let machine = Self { folder };
        for below in [
            "run/wordtally",
            "run/systemd/system",
            "etc/deploy-host",
            "nix/store",
            "nix/var/nix/profiles",
            "nix/var/nix/gcroots",
            "var/lib/deploy-host",
            "units",
            "closures",
            "programs",
            "secrets",
        ] {
            fs::create_dir_all(machine.at(below)).unwrap();
        }
        for file in ["failed-units", "valid", "to-come", "commands", "journal"] {
            machine.write(file, "");
        }
        machine.write("main-pid", &std::process::id().to_string());
        machine.write("secrets/old.age", "good old");
        machine.write("programs.sh", include_str!("programs.sh"));
        for (name, function) in [
            ("systemctl", "systemctl"),
            ("systemd-run", "systemd_run"),
            ("nix-env", "nix_env"),
            ("nix-store", "nix_store"),
            ("nix", "nix"),
            ("age", "age"),
        ] {
            machine.program(&format!("programs/{name}"), "", function);
        }
        machine.system(OLD, &[("the", Word::Ready), ("love", Word::Ready)]);
        machine.system(NEW, &[("the", Word::Ready), ("love", Word::Ready)]);
        symlink(OLD, machine.at("run/current-system")).unwrap();
        let profile = "nix/var/nix/profiles/system";
        symlink(OLD, machine.at(&format!("{profile}-1-link"))).unwrap();
        symlink("system-1-link", machine.at(profile)).unwrap();
        machine.write("boot-loader", OLD);
        let config = fs::read(machine.at(&format!("{OLD}/etc/deploy-host/host.json"))).unwrap();
        fs::write(machine.at("etc/deploy-host/host.json"), config).unwrap();
        symlink(NEW, machine.at("new-system")).unwrap();
        for word in ["the", "love"] {
            machine.answer(&format!("preflight-{word}"), word, "new-system");
        }
        machine.serve_words();
        machine
    }

    /// Answers at the sockets of the running words.
    pub(crate) fn serve_words(&self) {
        for word in ["the", "love"] {
            let socket = format!("run/wordtally/{word}.sock");
            let _ = fs::remove_file(self.at(&socket));
            self.answer(&socket, word, "run/current-system");
        }
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.at(path), text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_default()
    }

    fn program(&self, path: &str, before: &str, function: &str) {
        let root = self.folder.path().display();
        self.write(
            path,
            &format!(
                "#!/bin/sh\nROOT={root} HOST={HOST} {before}\n. $ROOT/programs.sh\nfake {function} \"$@\"\n"
            ),
        );
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A system with these words; its units differ from those of any other.
    pub(crate) fn system(&self, system: &str, words: &[(&str, Word)]) {
        let units = format!("{system}/etc/systemd/system");
        for below in ["bin", "etc/deploy-host", "answers"] {
            fs::create_dir_all(self.at(&format!("{system}/{below}"))).unwrap();
        }
        fs::create_dir_all(self.at(&units)).unwrap();
        self.program(
            &format!("{system}/bin/switch-to-configuration"),
            &format!("SYSTEM={system}"),
            "switch",
        );
        let mut listen = serde_json::Map::new();
        let mut expected = serde_json::Map::new();
        for (word, answer) in words {
            listen.insert(
                (*word).to_owned(),
                json!(format!("unix:/run/wordtally/{word}.sock")),
            );
            expected.insert((*word).to_owned(), json!({ "hamlet": 995 }));
            self.answers(system, word, *answer);
            self.write(
                &format!("{units}/wordtally-{word}.service"),
                &format!(
                    "[Unit]\nRequires=wordtally-{word}.socket\n[Service]\nExecStart={system}/wordtally\nLoadCredential=bigquery.json:/run/agenix/bigquery.json\n"
                ),
            );
            self.write(
                &format!("{units}/wordtally-{word}.socket"),
                &format!("[Socket]\nListenStream=/run/wordtally/{word}.sock\n"),
            );
        }
        fs::create_dir_all(self.at("run/agenix")).unwrap();
        self.write("run/agenix/bigquery.json", "old");
        let config = json!({
            "environment": "prod",
            "listen": listen,
            "pages": {},
            "certificateAuthority": null,
            "expectedCounts": expected,
            "secrets": { "/run/agenix/bigquery.json": "/secrets/old.age" },
            "identities": ["/secrets/old.age"],
            "trust": { "keyFiles": [], "repositories": [], "builders": [], "refs": [] },
        });
        self.write(
            &format!("{system}/etc/deploy-host/host.json"),
            &config.to_string(),
        );
    }

    pub(crate) fn answers(&self, system: &str, word: &str, answer: Word) {
        let text = match answer {
            Word::Ready => "995",
            Word::Unready => "unready",
            Word::Wrong => "3",
        };
        self.write(&format!("{system}/answers/{word}"), text);
    }

    /// Changes a system's own configuration.
    pub(crate) fn configure(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut config: Value = serde_json::from_str(&self.read(path)).unwrap();
        change(&mut config);
        self.write(path, &config.to_string());
    }

    /// Answers at a socket as the word of the system that a link points to.
    fn answer(&self, socket: &str, word: &str, system: &str) {
        let listener = UnixListener::bind(self.at(socket)).unwrap();
        let (root, link, word) = (self.folder.path().to_owned(), self.at(system), word.to_owned());
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let system = fs::read_link(&link).unwrap_or_default();
                let answers = root
                    .join(system.strip_prefix("/").unwrap_or(&system))
                    .join("answers");
                let answer = fs::read_to_string(answers.join(&word)).unwrap_or_default();
                let _ = respond(connection, &answer);
            }
        });
    }

    fn search_path(&self) -> OsString {
        let mut path = self.at("programs").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(HOST);
        command
            .args(["--patience", PATIENCE, "--root"])
            .arg(self.folder.path())
            .args(arguments)
            .env("PATH", self.search_path());
        command
    }

    /// The answer to these bytes on the connection.
    pub(crate) fn asked_bytes(&self, bytes: &[u8]) -> Value {
        let mut child = self
            .command(&["serve"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It may refuse before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(bytes);
        let output = child.wait_with_output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// The answer to a request.
    pub(crate) fn asked(&self, request: &Value) -> Value {
        let mut request = request.clone();
        request["version"] = json!(VERSION);
        self.asked_bytes(format!("{request}\n").as_bytes())
    }

    /// Why a request is refused.
    pub(crate) fn refused(&self, request: &Value) -> String {
        let answer = self.asked(request);
        answer["refused"]
            .as_str()
            .unwrap_or_else(|| panic!("not refused: {answer}"))
            .to_owned()
    }

    pub(crate) fn progress(&self) -> Value {
        self.asked(&json!({ "request": "progress", "id": ID, "seen": 0 }))["done"].clone()
    }

    /// Starts a deployment of `NEW`, as `begin` does once it has verified the release.
    pub(crate) fn begin(&self, force: Option<&str>) {
        self.begin_for(force, 20);
    }

    /// A deployment that waits for this many seconds for its confirmation.
    pub(crate) fn begin_unconfirmed(&self, confirmation: u64) {
        self.begin_for(None, confirmation);
    }

    pub(crate) fn begin_for(&self, force: Option<&str>, confirmation: u64) {
        self.keep(1, ID, "begun", force);
        let root = self.folder.path().display();
        let back = format!(
            "--property=ExecStopPost={HOST} --root {root} back {ID} --old={OLD} --new={NEW} --newest=1 --default=1"
        );
        // Through the shell: a script that was just written is busy while another thread's child, forked meanwhile, has it open.
        let status = Command::new("/bin/sh")
            .arg(self.at("programs/systemd-run"))
            .env("PATH", self.search_path())
            .args(["--property=OnFailure=deploy-host-recover.service", &back])
            .args([HOST, "--patience", PATIENCE, "--root"])
            .arg(self.folder.path())
            .args(["forward", ID, "--confirmation", &confirmation.to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    fn keep(&self, number: u64, id: &str, state: &str, force: Option<&str>) {
        let folder = format!("var/lib/deploy-host/deployments/{id}");
        fs::create_dir_all(self.at(&folder)).unwrap();
        let record = json!({
            "number": number, "id": id, "begun": 0, "system": NEW, "before": OLD, "release": null,
            "generation": null, "force": force, "state": state, "reason": null,
            "excused": [], "failed": [], "finalized": false,
            "way": { "id": id, "old": OLD, "new": NEW, "default": 1, "newest": 1 },
        });
        self.write(&format!("{folder}/record.json"), &record.to_string());
    }

    /// A deployment in this state, without a process.
    pub(crate) fn record(&self, state: &str) {
        self.keep(1, ID, state, None);
    }

    /// A deployment that has ended.
    pub(crate) fn old_record(&self, number: u64) {
        self.keep(number, &format!("{number:016x}"), "refused", None);
    }

    /// Kills the main process of the deployment.
    pub(crate) fn kill(&self) {
        let process = self.read("units/deploy-wordtally.service");
        let process = Pid::from_raw(process.trim().parse().unwrap()).unwrap();
        kill_process(process, Signal::KILL).unwrap();
    }

    pub(crate) fn is_held(&self) -> bool {
        fs::read_dir(self.at("units")).unwrap().next().is_some()
    }

    /// Follows and confirms it, as the deployer does; returns the outcome.
    pub(crate) fn watch(&self) -> Value {
        let begun = Instant::now();
        let mut confirmed = false;
        loop {
            let progress = self.progress();
            match progress["state"].as_str().unwrap_or_default() {
                "unconfirmed" if !confirmed => {
                    confirmed = self.asked(&json!({ "request": "confirm", "id": ID }))["done"].is_object();
                }
                "committed" | "refused" | "rolled-back" | "not-rolled-back" | "lost" => return progress,
                _ => {}
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "no end: {progress}\n{}",
                self.read("journal")
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for a state of the deployment.
    pub(crate) fn until(&self, state: &str) {
        let begun = Instant::now();
        while self.progress()["state"] != state {
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", self.progress());
        }
    }

    /// Runs the recovery, which must end well.
    pub(crate) fn recover(&self) {
        let recover = self.command(&["recover", "--pause", "0"]).status().unwrap();
        assert!(recover.success());
    }

    /// Waits for the work that continues after the reported outcome.
    pub(crate) fn settle(&self) {
        let begun = Instant::now();
        while self.is_held() {
            assert!(begun.elapsed() < Duration::from_secs(60), "a unit does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn current(&self) -> String {
        fs::read_link(self.at("run/current-system"))
            .unwrap()
            .display()
            .to_string()
    }

    pub(crate) fn default(&self) -> String {
        let profile = self.at("nix/var/nix/profiles/system");
        let link = profile.with_file_name(fs::read_link(&profile).unwrap());
        fs::read_link(link).unwrap().display().to_string()
    }

    /// Files that a deployment must not leave.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        let mut left = Vec::new();
        for folder in ["run/systemd/system", "run/preflight-wordtally"] {
            left.extend(
                fs::read_dir(self.at(folder))
                    .into_iter()
                    .flatten()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        left
    }
}

fn respond(mut connection: UnixStream, answer: &str) -> std::io::Result<()> {
    let mut request = String::new();
    BufReader::new(&connection).read_line(&mut request)?;
    let is_readiness = request.starts_with("GET /readyz");
    let (status, body) = match (answer, is_readiness) {
        ("unready", true) => (
            "503 Service Unavailable",
            "not ready: the key was refused".to_owned(),
        ),
        ("unready", false) | ("", _) => ("503 Service Unavailable", String::new()),
        (_, true) => ("200 OK", "ready".to_owned()),
        (count, false) => (
            "200 OK",
            format!("{{\"counts\":[{{\"corpus\":\"hamlet\",\"total_words\":{count}}}]}}"),
        ),
    };
    write!(
        connection,
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
