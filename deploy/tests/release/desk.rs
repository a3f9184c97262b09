//! The place where a release is attested: its folders, the real `deploy`, and programs that record their arguments.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;
use wordtally_deploy::closure::sha256;

use crate::signed::{COMMIT, Draft, Pair};

const BILL: &str = r#"{"bomFormat":"CycloneDX","components":[]}"#;
/// For a checkout without changes.
const GIT: &str = r#"case "$*" in
    "rev-parse --show-toplevel") echo "$ROOT" ;;
    "rev-parse HEAD") echo "$COMMIT" ;;
    "symbolic-ref --quiet HEAD") echo refs/heads/topic ;;
    "config remote.origin.url") echo https://user:secret@gitlab.example.com/wordtally/wordtally ;;
esac"#;

/// A new process of one thread briefly holds another thread's open file, and a program cannot be executed while it is
/// open for writing (ETXTBSY).
static OPEN_OR_SPAWN: Mutex<()> = Mutex::new(());

/// A folder for one test.
pub(crate) struct Desk {
    folder: TempDir,
    pub(crate) pair: Pair,
    variables: Vec<(String, String)>,
}

/// The output of a command.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) complaint: String,
}

impl Desk {
    /// With a built and an attested folder, a public key, and git.
    pub(crate) fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
            pair: Pair::new(),
            variables: Vec::new(),
        };
        let mut draft = Draft::new();
        let package = draft.release["package"].as_str().unwrap().to_owned();
        let package = format!("{package} sha256:{}\n", "2".repeat(52));
        let subjects = draft.statement["subject"].as_array_mut().unwrap();
        subjects.push(subject("package", &package));
        subjects.push(subject("sbom.cdx.json", BILL));
        for folder in ["built", "attested"] {
            desk.write(&format!("{folder}/release.json"), &draft.text());
            desk.write(&format!("{folder}/sbom.cdx.json"), BILL);
            desk.write(&format!("{folder}/closures/package"), &package);
            desk.write(&format!("{folder}/closures/hosts/prod"), &draft.closure);
        }
        let statement = draft.statement.to_string();
        desk.write("attested/provenance.json", &statement);
        desk.write(
            "attested/provenance.sigstore.json",
            &desk.pair.bundle(statement.as_bytes()).to_string(),
        );
        desk.write("cosign.pub", &desk.pair.pem());
        desk.write("flake.lock", r#"{ "nodes": { "root": {} } }"#);
        desk.program("git", GIT);
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A program on PATH: lines of shell, without any other program.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let _alone = OPEN_OR_SPAWN.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("bin/{name}");
        self.write(&name, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Sets a variable of each command.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs `deploy` with only this environment.
    pub(crate) fn deploy(&self, arguments: &[&str]) -> Said {
        let alone = OPEN_OR_SPAWN.lock().unwrap_or_else(PoisonError::into_inner);
        let child = Command::new(env!("CARGO_BIN_EXE_deploy"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("ROOT", self.folder.path())
            .env("COMMIT", COMMIT)
            .env("COSIGN_PUBLIC_KEY", "cosign.pub")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(alone);
        let done = child.wait_with_output().unwrap();
        Said {
            code: done.status.code(),
            output: String::from_utf8(done.stdout).unwrap(),
            complaint: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// The one sentence of a command that must fail.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let said = self.deploy(arguments);
        assert_eq!(said.code, Some(1), "{}{}", said.output, said.complaint);
        let sentence = said.complaint.strip_prefix("deploy: ").unwrap();
        let sentence = sentence.strip_suffix('\n').unwrap();
        assert!(!sentence.contains('\n'), "{sentence}");
        sentence.to_owned()
    }
}

fn subject(name: &str, content: &str) -> Value {
    json!({ "name": name, "digest": { "sha256": sha256(content.as_bytes()) } })
}
