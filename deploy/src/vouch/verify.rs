//! Verifies the output of `attest`, using only that folder and a public key.

use std::io::Write;
use std::path::PathBuf;

use super::attested::read_release;
use super::{Fault, PublicKeyArg, commit_sha, store};

/// Verify a release's signature, its files, its commit and its hosts' closures
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Folder that `attest` made
    #[arg(value_name = "ATTESTED")]
    pub attested: PathBuf,
    /// Commit from which it must be built [default: any]
    #[arg(long, value_name = "SHA", value_parser = commit_sha)]
    pub commit: Option<String>,
    /// Public key that must have signed it.
    #[command(flatten)]
    pub key: PublicKeyArg,
    /// Host whose system must be in this machine's store, unaltered
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
}

/// Verifies a release; prints one line for each verified part.
///
/// # Errors
///
/// See [`Fault`].
pub fn run(given: &Args, output: &mut dyn Write) -> Result<(), Fault> {
    let mut say = |what: &str, is: &str| writeln!(output, "{what}: {is}").map_err(Fault::Output);
    let key = given.key.read()?;
    let attested = read_release(&given.attested, &key, given.commit.as_deref())?;
    attested.verify_rest()?;
    let build = &attested.signed.provenance;
    say("signature", &format!("by {key}"))?;
    say(
        "release",
        &format!("{}, sha256:{}", attested.release.version, attested.digest()),
    )?;
    say(
        "repository",
        &build.build_definition.external_parameters.repository,
    )?;
    say("commit", build.commit())?;
    say("ref", &build.build_definition.external_parameters.reference)?;
    say("builder", &build.run_details.builder.id)?;
    say("image", &attested.release.image)?;
    for host in attested.release.hosts.keys() {
        let closure = attested.target(host)?.closure;
        say(
            &format!("hosts/{host}"),
            &format!("sha256:{}, {} paths", closure.digest(), closure.0.len()),
        )?;
    }
    if let Some(host) = &given.host {
        // A host that does not exist is refused here.
        let target = attested.target(host)?;
        let found = store::closure(&target.system)?;
        attested.signed.same(&format!("hosts/{host}"), &found.digest())?;
        say("in this store", &target.system.display().to_string())?;
    }
    Ok(())
}
