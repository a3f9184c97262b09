//! The statement about a release: in-toto, with SLSA provenance. docs/reference/release.md lists its fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The type of an in-toto statement.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The type of SLSA provenance.
pub const PREDICATE: &str = "https://slsa.dev/provenance/v1";
/// The build that this project's provenance describes.
pub const BUILD_TYPE: &str =
    "https://gitlab.com/wordtally/wordtally/-/blob/main/docs/reference/release.md#build-type";
/// The builder of a release that was built outside a pipeline.
pub const OUTSIDE_CI: &str =
    "https://gitlab.com/wordtally/wordtally/-/blob/main/docs/reference/release.md#outside-ci";

/// A statement about subjects, each identified by its digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<P> {
    /// [`STATEMENT`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// The subjects.
    pub subject: Vec<Subject>,
    /// The type of the predicate.
    pub predicate_type: String,
    /// The predicate.
    pub predicate: P,
}

/// The subject of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its digests, by algorithm.
    pub digest: BTreeMap<String, String>,
}

/// SLSA provenance, as `attest` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The build and its sources.
    pub build_definition: BuildDefinition,
    /// The builder.
    pub run_details: RunDetails,
}

/// The build and its sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    /// [`BUILD_TYPE`].
    pub build_type: String,
    /// The parameters of the request.
    pub external_parameters: External,
    /// Nix's own record of the build.
    pub internal_parameters: Internal,
    /// The sources: the commit, then the flake's inputs.
    pub resolved_dependencies: Vec<Dependency>,
}

/// The parameters of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// The address of the sources; `unknown` if that is only a folder.
    pub repository: String,
    /// The commit.
    pub commit: String,
    /// The branch or tag, in full.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// Nix's own record of the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Internal {
    /// `revision` of `release.json`.
    pub revision: String,
}

/// A source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// `source`, or the input's path in the flake.
    pub name: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its digests, by algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
    /// Nix's record of an input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
}

/// Nix's record of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// The hash of its content when it was evaluated.
    pub nar_hash: String,
    /// Whether `flake.lock` locks that content.
    pub in_flake_lock: bool,
}

/// The builder and the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDetails {
    /// The builder.
    pub builder: Builder,
    /// The run, and its time.
    pub metadata: Metadata,
}

/// The builder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Builder {
    /// Its address.
    pub id: String,
}

/// The run, and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Address of the job.
    pub invocation_id: String,
    /// When it began.
    pub started_on: String,
    /// When the release was attested.
    pub finished_on: String,
}

/// Why a provenance does not fit a release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A field is missing, or has another type.
    #[error("the provenance is incomplete: {0}; docs/reference/release.md lists its fields")]
    Field(String),
    /// Another build type.
    #[error("the provenance is of another kind of build: {0}; expected {BUILD_TYPE}")]
    BuildType(String),
    /// Two commits.
    #[error("the provenance contradicts itself: it names commit {named}, but its source is {source_commits}")]
    Contradiction {
        /// The named commit.
        named: String,
        /// The commits of its source.
        source_commits: String,
    },
    /// Nix built another revision.
    #[error("the release was built from commit {revision}, but its provenance names commit {named}")]
    Revision {
        /// The revision that Nix recorded.
        revision: String,
        /// The commit that the provenance names.
        named: String,
    },
    /// Not the requested commit.
    #[error("the release is of commit {named}, not of {wanted}")]
    Commit {
        /// The release's commit.
        named: String,
        /// The required commit.
        wanted: String,
    },
}

impl Provenance {
    /// Parses a predicate, and refuses one that does not describe a build of this project from one commit.
    ///
    /// # Errors
    ///
    /// See [`Unfit`].
    pub fn parse(predicate: serde_json::Value) -> Result<Self, Unfit> {
        let provenance: Self =
            serde_json::from_value(predicate).map_err(|error| Unfit::Field(error.to_string()))?;
        let definition = &provenance.build_definition;
        if definition.build_type != BUILD_TYPE {
            return Err(Unfit::BuildType(definition.build_type.clone()));
        }
        let named = &definition.external_parameters.commit;
        let sources: Vec<_> = definition
            .resolved_dependencies
            .iter()
            .filter(|dependency| dependency.name == "source")
            .map(|source| source.digest.get("gitCommit").map_or("none", String::as_str))
            .collect();
        if sources != [named] {
            return Err(Unfit::Contradiction {
                named: named.clone(),
                source_commits: if sources.is_empty() {
                    "none".to_owned()
                } else {
                    sources.join(" and ")
                },
            });
        }
        provenance.of_revision(&definition.internal_parameters.revision)?;
        Ok(provenance)
    }

    /// Refuses a revision other than the named commit.
    ///
    /// # Errors
    ///
    /// [`Unfit::Revision`].
    pub fn of_revision(&self, revision: &str) -> Result<(), Unfit> {
        if revision == self.commit() {
            return Ok(());
        }
        Err(Unfit::Revision {
            revision: revision.to_owned(),
            named: self.commit().to_owned(),
        })
    }

    /// Refuses a commit other than the wanted one.
    ///
    /// # Errors
    ///
    /// [`Unfit::Commit`].
    pub fn of_commit(&self, wanted: &str) -> Result<(), Unfit> {
        if wanted == self.commit() {
            return Ok(());
        }
        Err(Unfit::Commit {
            named: self.commit().to_owned(),
            wanted: wanted.to_owned(),
        })
    }

    /// The commit that the release was built from.
    #[must_use]
    pub fn commit(&self) -> &str {
        &self.build_definition.external_parameters.commit
    }
}
