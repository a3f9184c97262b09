//! Names of images, and the access to their registry.

use std::env;
use std::fmt;
use std::net::IpAddr;
use std::process::Command;

use super::Fault;
use crate::registry_login::RegistryLogin;

/// The access to a registry.
#[derive(Debug, Clone, clap::Args)]
pub struct Transport {
    /// Use plain HTTP for a registry on the loopback
    #[arg(long, env = "INSECURE_REGISTRY", value_parser = clap::builder::FalseyValueParser::new())]
    pub insecure: bool,
}

impl Transport {
    /// The registry of a repository. Plain HTTP is for tests: anyone on the network path could read the credentials.
    pub(super) fn of(&self, repository: &str) -> Result<Registry, Fault> {
        let registry = repository.split('/').next().unwrap_or_default();
        if self.insecure && !is_loopback(registry) {
            return Err(Fault::Refused(format!(
                "--insecure and $INSECURE_REGISTRY are for a registry on the loopback, and {registry} is not one"
            )));
        }
        let login =
            RegistryLogin::of_job(repository, |name| env::var(name).ok()).map_err(|error| Fault::File {
                path: env::temp_dir(),
                done: "written",
                error,
            })?;
        Ok(Registry {
            plain: self.insecure,
            login,
        })
    }
}

/// The access to one registry.
#[derive(Debug)]
pub(super) struct Registry {
    plain: bool,
    login: Option<RegistryLogin>,
}

impl Registry {
    /// A program that uses it, with the job's own login unless another one is named.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        if let Some(login) = &self.login {
            command.envs(login.environment());
        }
        command
    }

    /// skopeo's option for the side of the registry.
    pub(super) fn skopeo(&self, side: &str) -> String {
        format!("--{side}-tls-verify={}", !self.plain)
    }

    /// cosign's options.
    pub(super) fn cosign(&self) -> &'static [&'static str] {
        if self.plain {
            &["--allow-http-registry"]
        } else {
            &[]
        }
    }
}

fn is_loopback(registry: &str) -> bool {
    let host = registry
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(registry, |(host, _)| host);
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// A repository in a registry, without tag or digest.
pub(super) fn repository(text: &str) -> Result<&str, Fault> {
    match text.split_once('/') {
        Some((registry, name)) if !registry.is_empty() && !name.is_empty() && !name.contains([':', '@']) => {
            Ok(text)
        }
        _ => Err(Fault::Refused(format!(
            "{text} is not a repository: expected REGISTRY/REPOSITORY, with neither tag nor digest"
        ))),
    }
}

/// An image by its digest: a tag may be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    /// Its repository.
    pub(super) repository: String,
    /// The digest of its manifest.
    pub(super) digest: String,
}

impl Image {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let refused = || {
            Fault::Refused(format!(
                "{text} is not an image by digest: expected REGISTRY/REPOSITORY@sha256:…"
            ))
        };
        let (name, digest) = text.split_once('@').ok_or_else(refused)?;
        if !is_digest(digest) {
            return Err(refused());
        }
        Ok(Self {
            repository: repository(name).map_err(|_| refused())?.to_owned(),
            digest: digest.to_owned(),
        })
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.digest)
    }
}

/// Whether it is a digest in the form of registries.
pub(super) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64
            && digits
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
