//! Sends the paths of a release that a host lacks, once this machine's store has them with exactly the signed hashes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use super::host::Host;
use super::interrupt::Interrupt;
use super::request::{Bytes, Stopped};
use super::store::{self, Known};
use super::{Failure, output};
use crate::closure::Closure;
use crate::protocol::{Empty, Offered, PathHeader, Request};
use crate::vouch::attested::Target;

/// The limit of the whole transfer.
pub const LIMIT: Duration = Duration::from_secs(1800);
/// How long a host may accept no byte: it may be writing a path of a gigabyte to its disk.
const STILL: Duration = Duration::from_secs(300);

/// Offers a release to a host, which verifies it, and sends the paths that the host lacks.
pub(super) fn send(host: &Host<'_>, target: &Target) -> Result<Offered, Failure> {
    let offered: Offered = host
        .ask(Request::Offer(target.offer.clone()), super::host::LONG)
        .map_err(|error| host.unanswered(error))?;
    if offered.system != target.system {
        return Err(host.failed(format!(
            "it accepted {} of this release instead of {}",
            offered.system.display(),
            target.system.display()
        )));
    }
    if offered.missing.is_empty() {
        host.say("has all of its paths");
        return Ok(offered);
    }
    let here = known(&offered.missing, &target.closure, host.interrupt).map_err(|error| {
        if host.interrupt.came() {
            return host.failed("interrupted before anything was changed");
        }
        host.failed(error)
    })?;
    let all: u64 = here.values().map(|known| known.size).sum();
    host.say(&format!(
        "copying {}: {} of {} paths, {} MB",
        target.system.display(),
        here.len(),
        target.closure.0.len(),
        all.div_ceil(1_000_000)
    ));
    let receive = Request::Receive {
        release: offered.release.clone(),
    };
    let Empty {} = host
        .send(receive, bytes(here), LIMIT, STILL)
        .map_err(|error| host.unanswered(error))?;
    Ok(offered)
}

/// The metadata of the paths in this store. Refuses a path that is absent, or whose content is not the signed one.
fn known(
    missing: &[PathBuf],
    signed: &Closure,
    interrupt: &Interrupt,
) -> Result<BTreeMap<PathBuf, Known>, String> {
    if let Some(other) = missing.iter().find(|path| !signed.0.contains_key(*path)) {
        return Err(format!("it asks for {}, which was not signed", other.display()));
    }
    let absent = store::absent(missing, interrupt)?;
    if let Some(first) = absent.first() {
        output::line(&format!("fetching {} paths that this store lacks", absent.len()));
        store::realise(&absent, interrupt).map_err(|error| {
            format!(
                "{} is on neither machine, and no cache has it: build the release here, or push it to the cache: {error}",
                first.display()
            )
        })?;
    }
    let known = store::known(missing, interrupt)?;
    for path in missing {
        let (is, was) = (known.get(path).map(|known| &known.hash), signed.0.get(path));
        if is != was {
            return Err(format!(
                "this release is not trusted: {} is here with the hash {}, and {} was signed",
                path.display(),
                is.map_or("none", String::as_str),
                was.map_or("none", String::as_str)
            ));
        }
    }
    Ok(known)
}

/// The header and the NAR of each path, and the empty line at the end.
fn bytes(known: BTreeMap<PathBuf, Known>) -> Bytes {
    Box::new(move |to: &mut dyn Write| {
        for path in store::in_order(&known) {
            let Some(entry) = known.get(path) else { continue };
            let header = PathHeader {
                path: path.to_owned(),
                references: entry.references.clone(),
                size: entry.size,
            };
            let mut line = serde_json::to_vec(&header).map_err(|error| Stopped::Here(error.to_string()))?;
            line.push(b'\n');
            to.write_all(&line).map_err(|_| Stopped::There)?;
            store::dump(path, entry.size, to)?;
        }
        to.write_all(b"\n").map_err(|_| Stopped::There)
    })
}
