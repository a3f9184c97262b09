//! The units of a word, and those of its preflight.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::names::StorePath;
use super::places::PREFLIGHT;
use super::world::World;

/// The text of a word's units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// Its service.
    pub service: String,
    /// Its socket.
    pub socket: String,
}

/// The units of a word in a system.
///
/// # Errors
///
/// They cannot be read.
pub fn read(world: &dyn World, system: &StorePath, word: &str) -> io::Result<Units> {
    let text = |kind: &str| {
        let path = system.join(&format!("etc/systemd/system/wordtally-{word}.{kind}"));
        let text = world
            .read(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        String::from_utf8(text).map_err(io::Error::other)
    };
    Ok(Units {
        service: text("service")?,
        socket: text("socket")?,
    })
}

impl Units {
    /// The files of the service's credentials.
    pub fn credentials(&self) -> impl Iterator<Item = PathBuf> {
        self.service
            .lines()
            .filter_map(credential)
            .map(|(_, path)| PathBuf::from(path))
    }

    /// The same units for a preflight: on a socket that no client reaches, and with other credentials if they are
    /// given.
    #[must_use]
    pub fn preflight(&self, word: &str, socket: &Path, credentials: &BTreeMap<PathBuf, PathBuf>) -> Self {
        let (own, other) = (
            format!("wordtally-{word}.socket"),
            format!("{PREFLIGHT}-{word}.socket"),
        );
        Self {
            service: lines(&self.service, |line| match credential(line) {
                Some((id, path)) => credentials.get(Path::new(path)).map_or_else(
                    || line.to_owned(),
                    |new| format!("LoadCredential={id}:{}", new.display()),
                ),
                None => line.replace(&own, &other),
            }),
            socket: lines(&self.socket, |line| {
                if line.starts_with("ListenStream=") {
                    format!("ListenStream={}", socket.display())
                } else {
                    line.to_owned()
                }
            }),
        }
    }
}

/// The name and the file of a credential.
fn credential(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("LoadCredential=")?.split_once(':')
}

fn lines(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(|line| change(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preflight_has_another_socket_and_the_new_secret_and_all_else_of_the_unit() {
        let units = Units {
            service: "[Unit]\nRequires=wordtally-the.socket\nAfter=wordtally-the.socket network.target\n\
                      [Service]\nExecStart=/nix/store/x/bin/wordtally serve\nLoadCredential=bigquery.json:/run/agenix/a\n\
                      LoadCredential=other:/run/agenix/b\n"
                .to_owned(),
            socket: "[Socket]\nListenStream=/run/wordtally/the.sock\nSocketMode=0660\n".to_owned(),
        };
        assert_eq!(
            units.credentials().collect::<Vec<_>>(),
            [Path::new("/run/agenix/a"), Path::new("/run/agenix/b")]
        );
        let new = BTreeMap::from([(PathBuf::from("/run/agenix/a"), PathBuf::from("/run/p/secrets/0"))]);
        assert_eq!(
            units.preflight("the", Path::new("/run/p/the.sock"), &new),
            Units {
                service: "[Unit]\nRequires=preflight-wordtally-the.socket\n\
                          After=preflight-wordtally-the.socket network.target\n\
                          [Service]\nExecStart=/nix/store/x/bin/wordtally serve\n\
                          LoadCredential=bigquery.json:/run/p/secrets/0\nLoadCredential=other:/run/agenix/b\n"
                    .to_owned(),
                socket: "[Socket]\nListenStream=/run/p/the.sock\nSocketMode=0660\n".to_owned(),
            }
        );
    }
}
