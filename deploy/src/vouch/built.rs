//! The folder that `nix build .#release` makes: everything that is published and attested, so that neither needs a
//! store.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::{CLOSURES, FILES, Fault, read, read_text, registry};
use crate::closure::{Closure, sha256};
use crate::release::Release;

/// A release before it is signed.
pub(super) struct Built {
    /// `release.json`.
    pub(super) release: Release,
    /// The files to copy unchanged, by name.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// Everything that is attested: SHA-256, in hexadecimal, by the subject's name.
    pub(super) subjects: BTreeMap<String, String>,
}

impl Built {
    pub(super) fn read(folder: &Path) -> Result<Self, Fault> {
        let release = release(folder)?;
        let (mut files, mut subjects) = (BTreeMap::new(), BTreeMap::new());
        for name in FILES {
            let content = read(&folder.join(name))?;
            subjects.insert(name.to_owned(), sha256(&content));
            files.insert(name.to_owned(), content);
        }
        let image = release.image.strip_prefix("sha256:").unwrap_or(&release.image);
        subjects.insert("image".to_owned(), image.to_owned());

        let mut closures = vec![("package".to_owned(), &release.package)];
        for (name, host) in &release.hosts {
            closures.push((format!("hosts/{name}"), &host.system));
        }
        for (subject, root) in closures {
            let name = format!("{CLOSURES}/{subject}");
            let path = folder.join(&name);
            let lines = read_text(&path)?;
            let closure = Closure::parse(&lines).map_err(|reason| Fault::malformed(&path, reason))?;
            if !closure.0.contains_key(root) {
                return Err(Fault::malformed(
                    &path,
                    format!("it lacks {} itself", root.display()),
                ));
            }
            subjects.insert(subject, closure.digest());
            files.insert(name, lines.into_bytes());
        }
        Ok(Self {
            release,
            files,
            subjects,
        })
    }
}

/// The description of a release.
pub(super) fn release(folder: &Path) -> Result<Release, Fault> {
    let path = folder.join("release.json");
    let release: Release =
        serde_json::from_str(&read_text(&path)?).map_err(|reason| Fault::malformed(&path, reason))?;
    if !registry::is_digest(&release.image) {
        return Err(Fault::malformed(
            &path,
            format!("its image is {}: expected sha256:…", release.image),
        ));
    }
    // Each is the name of a file.
    let odd = release.hosts.keys().find(|name| {
        let mut components = Path::new(name.as_str()).components();
        !matches!(
            (components.next(), components.next()),
            (Some(Component::Normal(_)), None)
        )
    });
    match odd {
        Some(name) => Err(Fault::malformed(
            &path,
            format!("{name:?} is not the name of a host"),
        )),
        None => Ok(release),
    }
}
