//! Writes the statement about a release.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Deserialize;

use super::built::Built;
use super::checkout::{Checkout, variable};
use super::{Fault, read_text};
use crate::provenance::{
    Annotations, BUILD_TYPE, BuildDefinition, Builder, Dependency, External, Internal, Metadata, OUTSIDE_CI,
    PREDICATE, Provenance, RunDetails, STATEMENT, Statement, Subject,
};

/// The part of `flake.lock` that is needed.
#[derive(Deserialize)]
struct Lock {
    nodes: BTreeMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    locked: Option<Source>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    nar_hash: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    rev: Option<String>,
    url: Option<String>,
    owner: Option<String>,
    repo: Option<String>,
}

/// The statement, with the subjects of the build and the sources of the checkout.
pub(super) fn of(built: &Built, checkout: &Checkout) -> Result<Statement<Provenance>, Fault> {
    let subject = built
        .subjects
        .iter()
        .map(|(name, digest)| Subject {
            name: name.clone(),
            digest: [("sha256".to_owned(), digest.clone())].into(),
        })
        .collect();
    Ok(Statement {
        kind: STATEMENT.to_owned(),
        subject,
        predicate_type: PREDICATE.to_owned(),
        predicate: provenance(built, checkout)?,
    })
}

fn provenance(built: &Built, checkout: &Checkout) -> Result<Provenance, Fault> {
    let repository = checkout.repository();
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let mut sources = vec![Dependency {
        name: "source".to_owned(),
        uri: repository.as_ref().map(|url| format!("git+{url}")),
        digest: [("gitCommit".to_owned(), checkout.commit.clone())].into(),
        annotations: None,
    }];
    sources.extend(inputs(&built.release.inputs, checkout)?);
    let job = variable("CI_JOB_URL");
    Ok(Provenance {
        build_definition: BuildDefinition {
            build_type: BUILD_TYPE.to_owned(),
            external_parameters: External {
                repository: repository.unwrap_or_else(|| "unknown".to_owned()),
                commit: checkout.commit.clone(),
                reference: checkout.reference(),
            },
            // Nix's own record of the source: `unknown` if an input was overridden.
            internal_parameters: Internal {
                revision: built.release.revision.clone(),
            },
            resolved_dependencies: sources,
        },
        run_details: RunDetails {
            builder: Builder {
                id: match job {
                    Some(_) => format!(
                        "{}/-/runners/{}",
                        variable("CI_SERVER_URL").unwrap_or_default(),
                        variable("CI_RUNNER_ID").unwrap_or_default()
                    ),
                    None => OUTSIDE_CI.to_owned(),
                },
            },
            metadata: Metadata {
                invocation_id: job.unwrap_or_else(|| "outside CI".to_owned()),
                started_on: variable("CI_PIPELINE_CREATED_AT").unwrap_or_else(|| now.clone()),
                finished_on: now,
            },
        },
    })
}

/// The flake's inputs as they were evaluated. An input that flake.lock does not lock is identified only by its content.
fn inputs(evaluated: &BTreeMap<String, String>, checkout: &Checkout) -> Result<Vec<Dependency>, Fault> {
    let path = checkout.root.join("flake.lock");
    let lock: Lock =
        serde_json::from_str(&read_text(&path)?).map_err(|reason| Fault::malformed(&path, reason))?;
    let locked: BTreeMap<_, _> = lock
        .nodes
        .into_values()
        .filter_map(|node| node.locked)
        .map(|source| (source.nar_hash.clone(), source))
        .collect();
    // An input of an input may be one of the flake's own: then that name is used.
    let mut names: Vec<_> = evaluated.iter().collect();
    names.sort_by_key(|(name, _)| (name.matches('/').count(), *name));
    let mut seen = BTreeMap::new();
    for (name, hash) in names {
        seen.entry(hash).or_insert(name);
    }
    let mut inputs: Vec<_> = seen
        .into_iter()
        .map(|(hash, name)| {
            let source = locked.get(hash);
            // A folder or an archive has no commit.
            let commit = source.and_then(|source| source.rev.clone());
            Dependency {
                name: name.clone(),
                uri: commit.as_ref().and_then(|_| source.and_then(address)),
                digest: commit
                    .map(|commit| ("gitCommit".to_owned(), commit))
                    .into_iter()
                    .collect(),
                annotations: Some(Annotations {
                    nar_hash: hash.clone(),
                    in_flake_lock: source.is_some(),
                }),
            }
        })
        .collect();
    inputs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(inputs)
}

/// The address of an input's sources.
fn address(source: &Source) -> Option<String> {
    let Source {
        url,
        kind,
        owner,
        repo,
        rev,
        ..
    } = source;
    url.clone().or_else(|| {
        Some(format!(
            "{}:{}/{}/{}",
            kind.as_ref()?,
            owner.as_ref()?,
            repo.as_ref()?,
            rev.as_ref()?
        ))
    })
}
