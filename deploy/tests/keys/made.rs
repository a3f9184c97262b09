//! `deploy keys`, with ssh-keygen itself and a replacement for cosign.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Like cosign, it reads the password to the end, and writes two files. It records its arguments.
const COSIGN: &str = r#"#!/bin/sh
[ -z "${COSIGN_PASSWORD+set}" ] || exit 9
password=$(cat)
printf '%s\n' "$*" >"$NOTES/arguments"
printf '%s' "$password" >"$NOTES/password"
umask 077
printf 'private %s\n' "$password" | sha256sum >cosign.key
printf -- '-----BEGIN PUBLIC KEY-----\n' >cosign.pub
echo "Private key written to cosign.key" >&2
"#;

struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().expect("a folder"));
        for folder in ["checkout/.git", "checkout/pipeline", "notes", "programs"] {
            fs::create_dir_all(project.path(folder)).expect("a folder");
        }
        let environments =
            "deploy dev:\n  stage: deploy dev\ndeploy mock-prod:\nstages:\n- deploy dev\nstop dev:\n";
        fs::write(project.path("checkout/pipeline/environments.yml"), environments).expect("a file");
        project.program("cosign", COSIGN);
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        let file = self.path("programs").join(name);
        fs::write(&file, text).expect("a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_deploy"))
            .arg("keys")
            .args(arguments)
            .current_dir(self.path("checkout"))
            .env("NOTES", self.path("notes"))
            .env("COSIGN_PASSWORD", "somebody's own")
            .env(
                "PATH",
                format!(
                    "{}:{}",
                    self.path("programs").display(),
                    std::env::var("PATH").unwrap_or_default()
                ),
            )
            .output()
            .expect("it runs")
    }

    fn made(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert!(done.status.success(), "{}", text(&done.stderr));
        text(&done.stdout)
    }

    /// The one sentence of a refusal.
    fn refused(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!(done.status.code(), Some(1), "{}", text(&done.stdout));
        text(&done.stderr)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Each file below a folder, with its mode.
    fn files(&self, folder: &str) -> Vec<(String, u32)> {
        let mut found: Vec<_> = fs::read_dir(self.path(folder))
            .expect("a folder")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let mode = entry.metadata().expect("an entry").permissions().mode() & 0o777;
                (entry.file_name().to_string_lossy().into_owned(), mode)
            })
            .collect();
        found.sort();
        found
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn name(folder: &Path) -> &str {
    folder.to_str().expect("a name")
}

#[test]
fn each_half_is_made_where_it_stays() {
    let project = Project::new();
    let folder = project.path("keys");
    let said = project.made(&[name(&folder), "mock-prod", "dev"]);

    let private = ["cosign-password", "cosign.key", "deploy-dev", "deploy-mock-prod"];
    assert_eq!(
        project.files("keys"),
        private.map(|file| (file.to_owned(), 0o600))
    );
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(
        project.read("checkout/release/cosign.pub"),
        "-----BEGIN PUBLIC KEY-----\n"
    );
    for host in ["dev", "mock-prod"] {
        // The public half is that of the private one.
        let public = Command::new("ssh-keygen")
            .arg("-y")
            .arg("-f")
            .arg(project.path(&format!("keys/deploy-{host}")))
            .output()
            .unwrap();
        let committed = project.read(&format!("checkout/secrets/deployers/{host}.pub"));
        assert_eq!(committed, text(&public.stdout), "{host}");
        assert!(
            said.contains(&format!("secrets/deployers/{host}.pub: made")),
            "{said}"
        );
    }
}

#[test]
fn it_lists_what_gitlab_needs_and_contains_none_of_it() {
    let project = Project::new();
    let folder = project.path("keys");
    let said = project.made(&[name(&folder), "mock-prod", "dev"]);

    let lines: Vec<Vec<&str>> = said
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let line = |variable: &str, scope: &str| {
        let found = lines
            .iter()
            .filter(|line| line.first() == Some(&variable) && line.contains(&scope));
        let [line] = &found.collect::<Vec<_>>()[..] else {
            panic!("{variable} for {scope}: {said}")
        };
        line.join(" ")
    };
    let file = |name: &str| folder.canonicalize().unwrap().join(name).display().to_string();
    for (variable, scope, name) in [
        ("COSIGN_KEY", "signing", "cosign.key"),
        ("COSIGN_PASSWORD_FILE", "signing", "cosign-password"),
        ("DEPLOY_IDENTITY", "mock-prod", "deploy-mock-prod"),
        ("DEPLOY_IDENTITY", "dev", "deploy-dev"),
    ] {
        let expected = format!(
            "{variable} type File, protected environment {scope} {}",
            file(name)
        );
        assert_eq!(line(variable, scope), expected);
    }
    assert_eq!(
        line("DEPLOY_HOSTS", "*"),
        "DEPLOY_HOSTS type Variable, not protected environment * mock-prod dev"
    );

    for secret in ["cosign-password", "cosign.key", "deploy-dev"] {
        for secret in project
            .read(&format!("keys/{secret}"))
            .lines()
            .filter(|line| !line.starts_with("-----"))
        {
            assert!(!said.contains(secret), "{secret}");
        }
    }
}

#[test]
fn the_password_is_a_new_one_and_reaches_cosign_by_its_input() {
    let project = Project::new();
    project.made(&[name(&project.path("keys"))]);
    let password = project.read("keys/cosign-password");
    // 32 bytes.
    assert_eq!(password.len(), 43);
    assert_eq!(project.read("notes/password"), password);
    assert!(!project.read("notes/arguments").contains(&password));
    let other = Project::new();
    other.made(&[name(&other.path("keys"))]);
    assert_ne!(other.read("keys/cosign-password"), password);
}

#[test]
fn existing_keys_stay_and_a_host_is_added() {
    let project = Project::new();
    let folder = project.path("keys");
    project.made(&[name(&folder), "dev"]);
    let before =
        ["keys/cosign.key", "keys/cosign-password", "keys/deploy-dev"].map(|file| project.read(file));
    let said = project.made(&[name(&folder), "dev", "mock-prod"]);
    let after = ["keys/cosign.key", "keys/cosign-password", "keys/deploy-dev"].map(|file| project.read(file));
    assert_eq!(before, after);
    assert!(said.contains("release/cosign.pub: already exists\n"), "{said}");
    assert!(said.contains("secrets/deployers/mock-prod.pub: made\n"), "{said}");
}

#[test]
fn a_half_without_its_other_is_never_replaced() {
    let project = Project::new();
    let folder = project.path("keys");
    project.made(&[name(&folder), "dev"]);
    fs::remove_file(project.path("keys/cosign.key")).unwrap();
    let said = project.refused(&[name(&folder)]);
    assert!(
        said.contains("release/cosign.pub is there and ") && said.contains("cosign.key is not: "),
        "{said}"
    );

    let project = Project::new();
    let folder = project.path("keys");
    project.made(&[name(&folder), "dev"]);
    fs::remove_file(project.path("checkout/secrets/deployers/dev.pub")).unwrap();
    let said = project.refused(&[name(&folder), "dev"]);
    assert!(
        said.contains("deploy-dev is there and ") && said.contains("dev.pub is not: "),
        "{said}"
    );
}

#[test]
fn no_private_half_is_put_where_a_commit_could_take_it() {
    let project = Project::new();
    std::os::unix::fs::symlink(project.path("checkout"), project.path("elsewhere")).unwrap();
    for folder in ["keys", "pipeline/keys/deep", "../elsewhere/keys", "."] {
        let said = project.refused(&[folder]);
        assert_eq!(
            said,
            format!(
                "deploy: keys: {folder} is in the checkout, where a commit could take it: name a folder outside\n"
            )
        );
    }
    assert_eq!(project.files("checkout").len(), 2, "nothing was made");
}

#[test]
fn an_unknown_host_is_refused_before_anything_is_made() {
    let project = Project::new();
    let said = project.refused(&[name(&project.path("keys")), "dev", "mock-pord"]);
    assert_eq!(
        said,
        "deploy: keys: invalid host 'mock-pord': expected one of dev, mock-prod\n"
    );
    assert!(!project.path("keys").exists());
}

#[test]
fn a_program_that_fails_is_named_with_its_last_line_and_leaves_nothing() {
    let project = Project::new();
    project.program(
        "cosign",
        "#!/bin/sh\necho 'half a key' >cosign.key\necho one >&2\necho 'no entropy' >&2\nexit 1\n",
    );
    let said = project.refused(&[name(&project.path("keys"))]);
    assert_eq!(said, "deploy: keys: cosign did not create a key: no entropy\n");
    assert_eq!(project.files("keys"), []);
    // So that the next attempt creates all of it.
    project.program("cosign", COSIGN);
    project.made(&[name(&project.path("keys"))]);
}

#[test]
fn without_keys_a_pipeline_says_what_is_missing() {
    let project = Project::new();
    let said = project.refused(&["--check"]);
    assert_eq!(
        said,
        "deploy: keys: release/cosign.pub is not there, so nothing is signed or deployed: run `nix run .#deploy -- keys FOLDER`, and commit what it writes\n"
    );
    project.made(&[name(&project.path("keys"))]);
    assert_eq!(
        project.made(&["--check"]),
        "release/cosign.pub is there: releases are signed\n"
    );
}
