//! Pushes a release's image to a registry, by digest.

use std::io::Write;
use std::path::PathBuf;

use super::checkout::Checkout;
use super::registry::{Transport, repository};
use super::{Fault, built, program};

/// Push a release's image to a registry; the last line of the output is its name by digest
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Folder that `nix build .#release` made
    #[arg(value_name = "RELEASE")]
    pub release: PathBuf,
    /// The target, such as registry.example.com/wordtally
    #[arg(value_name = "REGISTRY/REPOSITORY")]
    pub repository: String,
    /// The access to the registry.
    #[command(flatten)]
    pub transport: Transport,
}

/// Publishes a release's image.
///
/// # Errors
///
/// See [`Fault`].
pub fn run(given: &Args, output: &mut dyn Write) -> Result<(), Fault> {
    let repository = repository(&given.repository)?;
    let registry = given.transport.of(repository)?;
    let release = built::release(&given.release)?;
    let checkout = Checkout::of(&release)?;
    // A tag for people; everything here uses the digest.
    let tag = format!(
        "{}-{}",
        release.version,
        checkout.commit.get(..12).unwrap_or_default()
    );

    let image = format!("{repository}@{}", release.image);
    for destination in [&image, &format!("{repository}:{tag}")] {
        let mut command = registry.command("skopeo");
        command
            .args(["--insecure-policy", "copy", "--quiet", "--preserve-digests"])
            .arg(registry.skopeo("dest"))
            .arg(format!("oci:{}", given.release.join("image").display()))
            .arg(format!("docker://{destination}"));
        program::run("skopeo", &mut command, b"")?;
    }
    writeln!(output, "tag: {repository}:{tag}\n{image}").map_err(Fault::Output)
}
