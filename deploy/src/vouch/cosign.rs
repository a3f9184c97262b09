//! cosign with a key pair, without a transparency log or any Sigstore service.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::registry::{Image, Registry};
use super::{Fault, checkout, program, read};
use crate::provenance::Statement;
use crate::trust::PublicKey;

/// No signing service.
const NO_LOG: &str = include_str!("no-log.json");
/// No authorities to fetch.
const NO_AUTHORITIES: &str = include_str!("no-authorities.json");
/// cosign's type of an image signature. cosign accepts an attestation in its place, too.
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";

/// The private key: a file, and its password for standard input.
pub(super) struct Signer {
    key: PathBuf,
    password: Vec<u8>,
    folder: TempDir,
}

impl Signer {
    pub(super) fn new() -> Result<Self, Fault> {
        let key = PathBuf::from(checkout::variable("COSIGN_KEY").ok_or(Fault::NoSigningKey)?);
        read(&key)?;
        let mut password = match checkout::variable("COSIGN_PASSWORD_FILE") {
            Some(file) => read(Path::new(&file))?,
            None => Vec::new(),
        };
        // The line end of the file is not part of it.
        while matches!(password.last(), Some(b'\n' | b'\r')) {
            password.pop();
        }
        let folder = folder()?;
        write(&folder.path().join("no-log"), NO_LOG.as_bytes())?;
        write(&folder.path().join("no-authorities"), NO_AUTHORITIES.as_bytes())?;
        Ok(Self {
            key,
            password,
            folder,
        })
    }

    /// Its public half.
    pub(super) fn public(&self) -> Result<PublicKey, Fault> {
        let pem = self.run("public-key", Command::new("cosign"), &[])?;
        Ok(PublicKey::from_pem(&String::from_utf8_lossy(&pem))?)
    }

    /// Signs an in-toto statement; returns the Sigstore bundle.
    pub(super) fn bundle(&self, statement: &[u8]) -> Result<Vec<u8>, Fault> {
        let (file, bundle) = (self.file("statement"), self.file("bundle"));
        write(&file, statement)?;
        self.sign(
            "attest-blob",
            Command::new("cosign"),
            &[option("--statement", &file), option("--bundle", &bundle)],
        )?;
        read(&bundle)
    }

    /// Signs an image in its registry.
    pub(super) fn image(&self, image: &Image, registry: &Registry) -> Result<(), Fault> {
        self.sign("sign", registry.command("cosign"), &in_registry(registry, image))
    }

    /// Attaches a signed predicate to an image in its registry.
    pub(super) fn attach(
        &self,
        image: &Image,
        registry: &Registry,
        kind: &str,
        predicate: &[u8],
    ) -> Result<(), Fault> {
        let file = self.file("predicate");
        write(&file, predicate)?;
        let mut arguments = vec![format!("--type={kind}").into(), option("--predicate", &file)];
        arguments.extend(in_registry(registry, image));
        self.sign("attest", registry.command("cosign"), &arguments)
    }

    fn sign(&self, verb: &str, command: Command, arguments: &[OsString]) -> Result<(), Fault> {
        let services = [
            "--yes".into(),
            option("--signing-config", &self.file("no-log")),
            option("--trusted-root", &self.file("no-authorities")),
        ];
        self.run(verb, command, &[&services, arguments].concat())
            .map(drop)
    }

    fn run(&self, verb: &str, mut command: Command, arguments: &[OsString]) -> Result<Vec<u8>, Fault> {
        command.arg(verb).arg(option("--key", &self.key)).args(arguments);
        program::run("cosign", &mut command, &self.password)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A public key, as a file for cosign.
pub(super) struct Verifier {
    name: String,
    folder: TempDir,
}

/// A signature of an image, in cosign's output.
#[derive(Deserialize)]
struct Signature {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    #[serde(rename = "type")]
    kind: String,
}

/// An attestation of an image, in cosign's output.
#[derive(Deserialize)]
struct Attestation {
    payload: String,
}

impl Verifier {
    pub(super) fn new(key: &PublicKey) -> Result<Self, Fault> {
        let folder = folder()?;
        write(&folder.path().join("key"), key.pem().as_bytes())?;
        Ok(Self {
            name: key.to_string(),
            folder,
        })
    }

    /// Refuses an image without a signature of its own.
    pub(super) fn image(&self, image: &Image, registry: &Registry) -> Result<(), Fault> {
        let unsigned = || format!("{image} is not signed by {}", self.name);
        let output = self
            .run("verify", &["--output=json".into()], image, registry)
            .map_err(|fault| fault.means(unsigned()))?;
        let signatures: Vec<Signature> =
            serde_json::from_slice(&output).map_err(|error| unreadable(&error))?;
        if signatures
            .iter()
            .any(|signature| signature.critical.kind == SIGNATURE)
        {
            return Ok(());
        }
        Err(Fault::Refused(format!(
            "{}: it has attestations only",
            unsigned()
        )))
    }

    /// The predicates of this type that this key signed for an image.
    pub(super) fn attestations(
        &self,
        image: &Image,
        registry: &Registry,
        kind: &str,
    ) -> Result<Vec<Value>, Fault> {
        let output = self
            .run(
                "verify-attestation",
                &[format!("--type={kind}").into()],
                image,
                registry,
            )
            .map_err(|fault| {
                fault.means(format!(
                    "{image} has no {kind} attestation signed by {}",
                    self.name
                ))
            })?;
        String::from_utf8_lossy(&output)
            .lines()
            .map(|line| {
                let attestation: Attestation =
                    serde_json::from_str(line).map_err(|error| unreadable(&error))?;
                let payload = STANDARD
                    .decode(attestation.payload)
                    .map_err(|error| unreadable(&error))?;
                let statement: Statement<Value> =
                    serde_json::from_slice(&payload).map_err(|error| unreadable(&error))?;
                Ok(statement.predicate)
            })
            .collect()
    }

    fn run(
        &self,
        verb: &str,
        arguments: &[OsString],
        image: &Image,
        registry: &Registry,
    ) -> Result<Vec<u8>, Fault> {
        let mut command = registry.command("cosign");
        command
            .arg(verb)
            .arg(option("--key", &self.folder.path().join("key")))
            // There is no log in which a signature could be looked up.
            .arg("--insecure-ignore-tlog")
            .args(arguments)
            .args(in_registry(registry, image));
        program::run("cosign", &mut command, b"")
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> Fault {
    Fault::Program {
        program: "cosign",
        said: format!("its output has an unexpected format: {error}"),
    }
}

/// The arguments of every command about an image.
fn in_registry(registry: &Registry, image: &Image) -> Vec<OsString> {
    let mut arguments: Vec<_> = registry.cosign().iter().map(OsString::from).collect();
    arguments.push(image.to_string().into());
    arguments
}

fn option(name: &str, file: &Path) -> OsString {
    let mut text = OsString::from(name);
    text.push("=");
    text.push(file);
    text
}

fn folder() -> Result<TempDir, Fault> {
    TempDir::new().map_err(|error| Fault::File {
        path: std::env::temp_dir(),
        done: "written",
        error,
    })
}

fn write(path: &Path, content: &[u8]) -> Result<(), Fault> {
    fs::write(path, content).map_err(|error| Fault::File {
        path: path.to_owned(),
        done: "written",
        error,
    })
}
