//! Verifies an image in a registry: every byte by digest, its signature, its provenance and its bill of materials.

use std::collections::BTreeSet;
use std::io::Write;

use super::cosign::Verifier;
use super::registry::{Image, Registry, Transport};
use super::{Fault, PublicKeyArg, commit_sha, program};
use crate::provenance::{Provenance, Unfit};

/// Verify an image in a registry: its digest, signature, provenance and bill of materials
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The image by digest; a tag is refused
    #[arg(value_name = "REGISTRY/REPOSITORY@DIGEST")]
    pub image: String,
    /// Commit from which it must be built [default: any]
    #[arg(long, value_name = "SHA", value_parser = commit_sha)]
    pub commit: Option<String>,
    /// Public key that must have signed it.
    #[command(flatten)]
    pub key: PublicKeyArg,
    /// The access to the registry.
    #[command(flatten)]
    pub transport: Transport,
}

/// Verifies an image; prints one line for each verified part.
///
/// # Errors
///
/// See [`Fault`].
pub fn run(given: &Args, output: &mut dyn Write) -> Result<(), Fault> {
    let mut say = |what: &str, is: &str| writeln!(output, "{what}: {is}").map_err(Fault::Output);
    let image = Image::parse(&given.image)?;
    let registry = given.transport.of(&image.repository)?;
    let key = given.key.read()?;
    let verifier = Verifier::new(&key)?;

    take_in(&image, &registry)?;
    say("image", &image.digest)?;
    verifier.image(&image, &registry)?;
    say("signature", &format!("by {key}"))?;

    let known = verifier.attestations(&image, &registry, "slsaprovenance1")?;
    say("commit", &commits(known, given.commit.as_deref())?)?;
    let bills = verifier.attestations(&image, &registry, "cyclonedx")?;
    let components = bills
        .last()
        .and_then(|bill| bill.get("components"))
        .and_then(serde_json::Value::as_array)
        .map_or(0, Vec::len);
    say("bill of materials", &format!("{components} components"))
}

/// One image may be the result of several commits; each has its own provenance.
fn commits(known: Vec<serde_json::Value>, wanted: Option<&str>) -> Result<String, Fault> {
    let (mut commits, mut refusal) = (BTreeSet::new(), None);
    for predicate in known {
        let fits = Provenance::parse(predicate).and_then(|provenance| {
            wanted.map_or(Ok(()), |wanted| provenance.of_commit(wanted))?;
            Ok(provenance.commit().to_owned())
        });
        match fits {
            Ok(commit) => drop(commits.insert(commit)),
            Err(unfit) => drop(refusal.get_or_insert(unfit)),
        }
    }
    if commits.is_empty() {
        return Err(refusal
            .unwrap_or_else(|| Unfit::Field("there is none".to_owned()))
            .into());
    }
    Ok(commits.into_iter().collect::<Vec<_>>().join(", "))
}

/// Fetches the image, and so compares each layer with its digest, which a registry need not do.
fn take_in(image: &Image, registry: &Registry) -> Result<(), Fault> {
    let folder = tempfile::tempdir().map_err(|error| Fault::File {
        path: std::env::temp_dir(),
        done: "written",
        error,
    })?;
    let mut command = registry.command("skopeo");
    command
        .args(["--insecure-policy", "--tmpdir"])
        .arg(folder.path())
        .args(["copy", "--quiet", "--preserve-digests"])
        .arg(registry.skopeo("src"))
        .arg(format!("docker://{image}"))
        .arg(format!("dir:{}/image", folder.path().display()));
    program::run("skopeo", &mut command, b"")
        .map(drop)
        .map_err(|fault| fault.means(format!("{image} does not exist, or does not match its digest")))
}
