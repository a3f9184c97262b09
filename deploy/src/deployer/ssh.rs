//! SSH connections to a host. Each request has its own connection, so that it experiences what a new client would.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

use crate::release::Deployment;

/// The largest private key, in bytes.
const MOST: usize = 64 * 1024;

/// The program `ssh` with the options for one host.
#[derive(Debug)]
pub(super) struct Ssh {
    pub(super) address: String,
    options: Vec<OsString>,
    /// They exist as long as this value.
    _files: Vec<NamedTempFile>,
}

impl Ssh {
    pub(super) fn new(deployment: &Deployment, identity: Option<&Path>) -> Result<Self, String> {
        let mut options: Vec<OsString> = ["-T", "-p", &deployment.port.to_string()]
            .map(OsString::from)
            .into();
        let mut option = |text: &str| options.extend(["-o".into(), OsString::from(text)]);
        option("BatchMode=yes");
        option("ConnectTimeout=10");
        // A connection that is silent for 15 seconds is ended.
        option("ServerAliveInterval=5");
        option("ServerAliveCountMax=3");
        option("LogLevel=ERROR");
        // Even if the user's own configuration shares connections or forwards ports.
        option("ControlPath=none");
        option("ClearAllForwardings=yes");
        option("ForwardAgent=no");
        let mut known_hosts = private("known-hosts")?;
        match &deployment.host_key {
            Some(key) => {
                // The alias keeps the port and a second name out of the comparison.
                writeln!(known_hosts, "wordtally {key}").map_err(|error| unwritten(&error))?;
                option("StrictHostKeyChecking=yes");
                option("HostKeyAlias=wordtally");
                option("GlobalKnownHostsFile=none");
            }
            None => option("StrictHostKeyChecking=no"),
        }
        option(&format!("UserKnownHostsFile={}", known_hosts.path().display()));
        let mut files = vec![known_hosts];
        if let Some(identity) = identity {
            let copy = copy(identity)?;
            option("IdentitiesOnly=yes");
            options.extend(["-i".into(), copy.path().into()]);
            files.push(copy);
        }
        Ok(Self {
            address: deployment.address.clone(),
            options,
            _files: files,
        })
    }

    /// The command that talks to `deploy-host` through its standard input and output.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("ssh");
        command
            .args(&self.options)
            .arg(format!("deploy@{}", self.address))
            .arg("deploy-host connect")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is for the deployer, which then notifies the host.
            .process_group(0);
        command
    }
}

/// A copy for SSH only: SSH refuses keys that others may read, and a runner's file variable is such a key.
fn copy(identity: &Path) -> Result<NamedTempFile, String> {
    let shown = identity.display();
    let mut text =
        std::fs::read(identity).map_err(|error| format!("the login key {shown} cannot be read: {error}"))?;
    if text.len() > MOST {
        return Err(format!("the login key {shown} has more than {MOST} bytes"));
    }
    // A variable's value may have lost its last line break, without which SSH cannot parse it.
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    let mut file = private("identity")?;
    file.write_all(&text).map_err(|error| unwritten(&error))?;
    Ok(file)
}

fn private(what: &str) -> Result<NamedTempFile, String> {
    // Only its owner may read it.
    tempfile::Builder::new()
        .prefix(&format!("wordtally-{what}-"))
        .tempfile()
        .map_err(|error| unwritten(&error))
}

fn unwritten(error: &std::io::Error) -> String {
    format!("no file for SSH can be written: {error}")
}
