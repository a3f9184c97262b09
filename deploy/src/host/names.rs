//! The names that requests and arguments may contain, as types: nothing else becomes part of a path or a command.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::closure::is_store_path;

/// A name that does not have the required form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what} '{given}': expected {expected}")]
pub struct InvalidName {
    what: &'static str,
    given: String,
    expected: &'static str,
}

fn invalid(what: &'static str, given: &str, expected: &'static str) -> InvalidName {
    InvalidName {
        what,
        given: given.chars().flat_map(char::escape_default).take(200).collect(),
        expected,
    }
}

fn is_hexadecimal(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Name of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(String);

/// Name of an offered release: the SHA-256 of its `release.json`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseName(String);

/// A path directly in the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StorePath(String);

impl FromStr for Id {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if is_hexadecimal(text, 16) {
            return Ok(Self(text.to_owned()));
        }
        Err(invalid("name of a deployment", text, "16 hexadecimal digits"))
    }
}

impl FromStr for ReleaseName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if is_hexadecimal(text, 64) {
            return Ok(Self(text.to_owned()));
        }
        Err(invalid("name of a release", text, "64 hexadecimal digits"))
    }
}

impl FromStr for StorePath {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if is_store_path(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(invalid(
            "store path",
            text,
            "/nix/store/, 32 characters of Nix's base32, - and a name",
        ))
    }
}

impl StorePath {
    /// As a path.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// From a path.
    ///
    /// # Errors
    ///
    /// It is not a path directly in the store.
    pub fn from_path(path: &Path) -> Result<Self, InvalidName> {
        path.to_string_lossy().parse()
    }

    /// A file in it.
    #[must_use]
    pub fn join(&self, below: &str) -> PathBuf {
        self.path().join(below)
    }
}

/// Whether it is a valid name of a word's instance, which becomes part of units' names.
#[must_use]
pub fn is_instance(name: &str) -> bool {
    name.len() <= 100
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

macro_rules! text {
    ($($name:ident),*) => { $(
        impl $name {
            /// Its text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )* };
}

text!(Id, ReleaseName, StorePath);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_path_is_one_path_of_the_store_and_nothing_below() {
        let hash = "0123456789abcdfghijklmnpqrsvwxyz";
        for good in ["a", "nixos-system-wordtally-dev-26.05", "a+b-c.d_e?f=g"] {
            let text = format!("/nix/store/{hash}-{good}");
            assert_eq!(text.parse::<StorePath>().unwrap().as_str(), text);
        }
        for bad in [
            String::new(),
            format!("/nix/store/{hash}"),
            format!("/nix/store/{hash}-"),
            format!("/nix/store/{hash}-a/b"),
            format!("/nix/store/{hash}-a b"),
            format!("/nix/store/{hash}-a\nb"),
            format!("/nix/store/{}-a", hash.replace('0', "e")),
            format!("/nix/store/../{hash}-a"),
            format!("/nix/other/{hash}-a"),
            "/nix/store/é".to_owned(),
            format!("/nix/store/{hash}-{}", "a".repeat(212)),
        ] {
            assert!(bad.parse::<StorePath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_hexadecimal_and_of_one_length() {
        assert!("0123456789abcdef".parse::<Id>().is_ok());
        for bad in [
            "",
            "0123456789abcde",
            "0123456789abcdefa",
            "0123456789ABCDEF",
            "../../../../etc/x",
        ] {
            assert!(bad.parse::<Id>().is_err(), "{bad}");
        }
        assert!("a".repeat(64).parse::<ReleaseName>().is_ok());
        assert_eq!(
            "../x".parse::<ReleaseName>().unwrap_err().to_string(),
            "invalid name of a release '../x': expected 64 hexadecimal digits"
        );
    }

    #[test]
    fn an_instance_is_named_as_a_unit_may_be() {
        assert!(is_instance("the") && is_instance("Romeo_2-x"));
        assert!(!is_instance("") && !is_instance("-a") && !is_instance("a.b") && !is_instance("a/b"));
    }
}
