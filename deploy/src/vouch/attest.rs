//! Attests a release: writes its signed provenance, and signs the image in the registry if one is named.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::built::Built;
use super::checkout::Checkout;
use super::cosign::{Signer, Verifier};
use super::registry::{Image, Registry, Transport};
use super::{BUNDLE, FILES, Fault, STATEMENT, statement};
use crate::provenance::Provenance;
use crate::trust::Signed;

/// Write and sign a release's provenance, and sign its image
///
/// $COSIGN_KEY names the file of the private key, and $COSIGN_PASSWORD_FILE that of its password.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Folder that `nix build .#release` made
    #[arg(value_name = "RELEASE")]
    pub release: PathBuf,
    /// Folder to create
    #[arg(value_name = "OUTPUT")]
    pub output: PathBuf,
    /// Repository to which `publish` pushed the image; the image is then signed there, too
    #[arg(long, value_name = "REGISTRY/REPOSITORY[@DIGEST]")]
    pub image: Option<String>,
    /// The access to the registry.
    #[command(flatten)]
    pub transport: Transport,
}

/// Attests a release. It needs the folder of the build and the checkout, and no store paths of either.
///
/// # Errors
///
/// See [`Fault`].
pub fn run(given: &Args, output: &mut dyn Write) -> Result<(), Fault> {
    let built = Built::read(&given.release)?;
    if given.output.exists() {
        return Err(Fault::Refused(format!(
            "{} already exists: name a folder to create",
            given.output.display()
        )));
    }
    let signer = Signer::new()?;
    let checkout = Checkout::of(&built.release)?;
    let image = match &given.image {
        Some(name) => Some(image(name, &built, &given.transport)?),
        None => None,
    };

    let statement = statement::of(&built, &checkout)?;
    let text = pretty(&statement)?;
    let bundle = signer.bundle(text.as_bytes())?;
    // The checks of a host, before anyone relies on the result.
    let key = signer.public()?;
    let signed = Signed::open(std::slice::from_ref(&key), &String::from_utf8_lossy(&bundle))?;
    if signed.payload != text.as_bytes() {
        return Err(Fault::Refused(
            "cosign signed another statement than it was given".to_owned(),
        ));
    }
    if let Some((image, registry)) = image {
        let in_registry = InRegistry {
            signer: &signer,
            verifier: &Verifier::new(&key)?,
            image: &image,
            registry: &registry,
        };
        in_registry.sign(
            &statement.predicate,
            built.files.get(FILES[1]).map_or(&[], Vec::as_slice),
            output,
        )?;
    }

    let mut files = built.files;
    files.insert(STATEMENT.to_owned(), text.into_bytes());
    files.insert(BUNDLE.to_owned(), bundle);
    for (name, content) in files {
        write(&given.output.join(name), &content)?;
    }
    writeln!(
        output,
        "{}: release {} of commit {}, signed",
        given.output.display(),
        built.release.version,
        checkout.commit
    )
    .map_err(Fault::Output)
}

/// The release's own image there, and the access to it.
fn image(name: &str, built: &Built, transport: &Transport) -> Result<(Image, Registry), Fault> {
    let own = &built.release.image;
    let image = Image::parse(&if name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}@{own}")
    })?;
    let registry = transport.of(&image.repository)?;
    if &image.digest != own {
        return Err(Fault::Refused(format!(
            "{image} is not this release's image, which is {own}"
        )));
    }
    Ok((image, registry))
}

/// The signatures in the registry.
struct InRegistry<'a> {
    signer: &'a Signer,
    verifier: &'a Verifier,
    image: &'a Image,
    registry: &'a Registry,
}

impl InRegistry<'_> {
    /// Existing signatures are not made again: a second run of the same job adds nothing.
    fn sign(&self, provenance: &Provenance, bill: &[u8], output: &mut dyn Write) -> Result<(), Fault> {
        let Self {
            signer,
            verifier,
            image,
            registry,
        } = *self;
        let mut say = |text: &str| writeln!(output, "{text}").map_err(Fault::Output);
        if verifier.image(image, registry).is_ok() {
            say("the image has this key's signature already")?;
        } else {
            signer.image(image, registry)?;
            say(&format!("signed {image}"))?;
        }
        let attested = |kind| verifier.attestations(image, registry, kind).unwrap_or_default();
        let of_this_commit = |predicate| {
            Provenance::parse(predicate).is_ok_and(|known| known.of_commit(provenance.commit()).is_ok())
        };
        if !attested("slsaprovenance1").into_iter().any(of_this_commit) {
            signer.attach(image, registry, "slsaprovenance1", pretty(provenance)?.as_bytes())?;
            say("attached its provenance")?;
        }
        let content: serde_json::Value =
            serde_json::from_slice(bill).map_err(|reason| Fault::malformed(Path::new(FILES[1]), reason))?;
        if !attested("cyclonedx").contains(&content) {
            signer.attach(image, registry, "cyclonedx", bill)?;
            say("attached its bill of materials")?;
        }
        Ok(())
    }
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Fault> {
    serde_json::to_string_pretty(value).map_err(|reason| Fault::malformed(Path::new(STATEMENT), reason))
}

fn write(path: &Path, content: &[u8]) -> Result<(), Fault> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, content))
        .map_err(|error| Fault::File {
            path: path.to_owned(),
            done: "written",
            error,
        })
}
