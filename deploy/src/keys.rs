//! `deploy keys`: the keys of a new project, each created where it stays. The public halves go into the checkout, the
//! private ones into a folder outside it.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::program::{self, NotEnded};

/// The public key of releases, in the checkout: a pipeline signs and deploys once it exists.
pub const RELEASE_KEY: &str = "release/cosign.pub";
/// The folder of the deployers' public keys, `HOST.pub`, in the checkout.
pub const DEPLOYERS: &str = "secrets/deployers";
/// The file into which the pipeline's jobs are generated: `deploy HOST:` is a line for each environment.
const ENVIRONMENTS: &str = "pipeline/environments.yml";
/// The limit for a program that creates a key.
const LIMIT: Duration = Duration::from_secs(60);

/// Creates the key pair that signs releases, and an SSH key for the deployments to each HOST, and lists what GitLab
/// needs.
#[derive(Debug, clap::Args)]
pub struct Keys {
    /// Folder outside the checkout for the private keys; created if it does not exist.
    #[arg(value_name = "FOLDER", required_unless_present = "check")]
    pub folder: Option<PathBuf>,
    /// Existing hosts, by their names in hosts/environments.nix.
    #[arg(value_name = "HOST")]
    pub hosts: Vec<String>,
    /// Create nothing, and only report whether releases can be signed.
    #[arg(long, conflicts_with_all = ["folder", "hosts"])]
    pub check: bool,
}

/// Why no key was created.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is no key pair yet.
    #[error(
        "{RELEASE_KEY} is not there, so nothing is signed or deployed: run `nix run .#deploy -- keys FOLDER`, and commit what it writes"
    )]
    Missing,
    /// It does not run in a checkout.
    #[error("{0} is not a checkout of this project: it has no {ENVIRONMENTS}")]
    NoCheckout(PathBuf),
    /// A commit could take the private halves.
    #[error("{0} is in the checkout, where a commit could take it: name a folder outside")]
    Inside(PathBuf),
    /// The pipeline does not have this environment.
    #[error("invalid host '{name}': expected one of {known}")]
    NoHost {
        /// The given name.
        name: String,
        /// The existing names.
        known: String,
    },
    /// One half exists and the other does not: neither is replaced.
    #[error(
        "{there} is there and {lacking} is not: bring back the missing half, or remove the other for a new pair"
    )]
    Half {
        /// The half that exists.
        there: PathBuf,
        /// The half that does not exist.
        lacking: PathBuf,
    },
    /// A program failed.
    #[error("{program} did not create a key: {why}")]
    Program {
        /// Its name.
        program: &'static str,
        /// Its last line, or why it was not started.
        why: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The system provided no random bytes.
    #[error("the system provided no random bytes for a password")]
    Random,
}

/// Creates the missing keys, in the checkout at `checkout`, and overwrites nothing. Returns the report: it names the
/// private files and contains nothing from them.
///
/// # Errors
///
/// One sentence; keys that were created before it stay.
pub fn make(given: &Keys, checkout: &Path) -> Result<String, KeysError> {
    let public = checkout.join(RELEASE_KEY);
    let Some(folder) = given.folder.as_ref().filter(|_| !given.check) else {
        return match public.exists() {
            true => Ok(format!("{RELEASE_KEY} is there: releases are signed\n")),
            false => Err(KeysError::Missing),
        };
    };
    check_hosts(&given.hosts, checkout)?;
    let folder = private_folder(folder, checkout)?;

    let mut report = String::new();
    let mut tell = |text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(report, "{text}");
    };
    let mut told = |made: bool, path: &str| {
        tell(&format!(
            "{path}: {}",
            if made { "made" } else { "already exists" }
        ))
    };
    told(release_pair(&folder, &public)?, RELEASE_KEY);
    for host in &given.hosts {
        let file = format!("{DEPLOYERS}/{host}.pub");
        told(deployer(host, &folder, &checkout.join(&file))?, &file);
    }
    tell("Commit the new files. The private halves are separate files, and GitLab needs each of them.");
    tell("");
    tell("In GitLab, at Settings > CI/CD > Variables:");
    let mut variable = |name: &str, kind: &str, scope: &str, value: &str| {
        tell(&format!(
            "  {name:<20} {kind:<29} environment {scope:<12} {value}"
        ));
    };
    let of = |file: &str| folder.join(file).display().to_string();
    let secret = "type File, protected";
    variable("COSIGN_KEY", secret, "signing", &of("cosign.key"));
    variable("COSIGN_PASSWORD_FILE", secret, "signing", &of("cosign-password"));
    for host in &given.hosts {
        variable("DEPLOY_IDENTITY", secret, host, &of(&format!("deploy-{host}")));
    }
    if !given.hosts.is_empty() {
        variable(
            "DEPLOY_HOSTS",
            "type Variable, not protected",
            "*",
            &given.hosts.join(" "),
        );
    }
    tell(
        "At Settings > Repository > Protected tags: v*, because only protected refs get protected variables.",
    );
    tell(&format!(
        "Or set all of it with one command: nix run .#set-up-gitlab -- {}",
        folder.display()
    ));
    Ok(report)
}

fn check_hosts(hosts: &[String], checkout: &Path) -> Result<(), KeysError> {
    let file = checkout.join(ENVIRONMENTS);
    let text = fs::read_to_string(&file).map_err(|_| KeysError::NoCheckout(checkout.to_owned()))?;
    let known: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("deploy ")?.strip_suffix(':'))
        .collect();
    match hosts.iter().find(|host| !known.contains(&host.as_str())) {
        None => Ok(()),
        Some(name) => Err(KeysError::NoHost {
            name: name.clone(),
            known: known.join(", "),
        }),
    }
}

/// The folder; if it is created here, only its owner can enter it.
fn private_folder(folder: &Path, checkout: &Path) -> Result<PathBuf, KeysError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        |error| KeysError::File { path, error }
    };
    let checkout = checkout.canonicalize().map_err(of(checkout))?;
    // Its parent is checked first, so that nothing is created in the checkout.
    let absolute = std::path::absolute(folder).map_err(of(folder))?;
    let existing = absolute.ancestors().find_map(|path| path.canonicalize().ok());
    if existing.is_some_and(|path| path.starts_with(&checkout)) {
        return Err(KeysError::Inside(folder.to_owned()));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&absolute)
        .map_err(of(folder))?;
    absolute.canonicalize().map_err(of(folder))
}

/// The pair that signs releases; returns whether it was created.
fn release_pair(folder: &Path, public: &Path) -> Result<bool, KeysError> {
    let private = folder.join("cosign.key");
    if both_there(&private, public)? {
        return Ok(false);
    }
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KeysError::Random)?;
    let password = URL_SAFE_NO_PAD.encode(bytes);

    let made = made_in(folder)?;
    let mut command = Command::new("cosign");
    command
        .args(["generate-key-pair", "--output-key-prefix", "cosign"])
        .current_dir(made.path())
        // It would take precedence over standard input.
        .env_remove("COSIGN_PASSWORD");
    run("cosign", command, &password)?;
    write_new(&folder.join("cosign-password"), &password, 0o600)?;
    take(&made.path().join("cosign.key"), &private, 0o600)?;
    take(&made.path().join("cosign.pub"), public, 0o644)?;
    Ok(true)
}

/// The key for logging in to deploy to a host; returns whether it was created.
fn deployer(host: &str, folder: &Path, public: &Path) -> Result<bool, KeysError> {
    let private = folder.join(format!("deploy-{host}"));
    if both_there(&private, public)? {
        return Ok(false);
    }
    let made = made_in(folder)?;
    let mut command = Command::new("ssh-keygen");
    // Without a password: a deployment has nobody to ask, and would have to keep it beside the key.
    command
        .args(["-q", "-t", "ed25519", "-N", "", "-f", "key", "-C"])
        .arg(format!("deploy-{host}"))
        .current_dir(made.path());
    run("ssh-keygen", command, "")?;
    take(&made.path().join("key"), &private, 0o600)?;
    take(&made.path().join("key.pub"), public, 0o644)?;
    Ok(true)
}

fn both_there(private: &Path, public: &Path) -> Result<bool, KeysError> {
    let half = |there: &Path, lacking: &Path| {
        Err(KeysError::Half {
            there: there.to_owned(),
            lacking: lacking.to_owned(),
        })
    };
    match (private.exists(), public.exists()) {
        (true, true) => Ok(true),
        (false, false) => Ok(false),
        (true, false) => half(private, public),
        (false, true) => half(public, private),
    }
}

/// A temporary folder for a program's output, in the private folder itself; it is removed at the end with the rest of
/// its content.
fn made_in(folder: &Path) -> Result<tempfile::TempDir, KeysError> {
    let mut made = tempfile::Builder::new();
    made.permissions(Permissions::from_mode(0o700))
        .tempdir_in(folder)
        .map_err(|error| KeysError::File {
            path: folder.to_owned(),
            error,
        })
}

/// Moves a program's output to its final place.
fn take(from: &Path, to: &Path, mode: u32) -> Result<(), KeysError> {
    let content = fs::read_to_string(from).map_err(|error| KeysError::File {
        path: from.to_owned(),
        error,
    })?;
    write_new(to, &content, mode)
}

fn write_new(path: &Path, content: &str, mode: u32) -> Result<(), KeysError> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| KeysError::File {
        path: path.to_owned(),
        error,
    })
}

/// Runs a program with text on its standard input; its last line explains a failure.
fn run(program: &'static str, mut command: Command, given: &str) -> Result<(), KeysError> {
    let why = match program::output(&mut command, given.as_bytes(), LIMIT, || true) {
        Ok(ended) if ended.status.success() => return Ok(()),
        Ok(ended) => match program::last_line(&ended.errors) {
            Some(line) => line.to_owned(),
            None => ended.status.to_string(),
        },
        Err(NotEnded::NotRun(error)) => error.to_string(),
        Err(NotEnded::Killed) => format!("it took longer than {} s", LIMIT.as_secs()),
    };
    Err(KeysError::Program { program, why })
}
