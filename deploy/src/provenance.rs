//! The statement about a release: in-toto, with SLSA's provenance. docs/reference/release.md lists its fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Type of an in-toto statement.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// Type of SLSA's provenance.
pub const PREDICATE: &str = "https://slsa.dev/provenance/v1";
/// The build that this project's provenance describes.
pub const BUILD_TYPE: &str =
    "https://gitlab.com/wordtally/wordtally/-/blob/main/docs/reference/release.md#build-type";
/// The builder of a release that no pipeline made.
pub const OUTSIDE_CI: &str =
    "https://gitlab.com/wordtally/wordtally/-/blob/main/docs/reference/release.md#outside-ci";

/// What is said of some subjects, each named by its digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement<P> {
    /// [`STATEMENT`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    /// What kind of predicate it has.
    pub predicate_type: String,
    /// What it says.
    pub predicate: P,
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its digests, by algorithm.
    pub digest: BTreeMap<String, String>,
}

/// SLSA's provenance, as `attest` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// What was built, and from what.
    pub build_definition: BuildDefinition,
    /// Who built it.
    pub run_details: RunDetails,
}

/// What was built, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    /// [`BUILD_TYPE`].
    pub build_type: String,
    /// What was asked for.
    pub external_parameters: External,
    /// What Nix itself says that it built.
    pub internal_parameters: Internal,
    /// The sources: the commit, then the flake's inputs.
    pub resolved_dependencies: Vec<Dependency>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// Where the sources are; `unknown` where that is only a folder.
    pub repository: String,
    /// The commit.
    pub commit: String,
    /// The branch or tag, in full.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// What Nix itself says that it built.
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
    /// Where it is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its digests, by algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
    /// What Nix knows of an input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
}

/// What Nix knows of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Hash of its content, as it was evaluated.
    pub nar_hash: String,
    /// Whether `flake.lock` locks that content.
    pub in_flake_lock: bool,
}

/// Who built it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDetails {
    /// The builder.
    pub builder: Builder,
    /// Which run of it, and when.
    pub metadata: Metadata,
}

/// The builder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Builder {
    /// Its address.
    pub id: String,
}

/// Which run, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Address of the job.
    pub invocation_id: String,
    /// When it began.
    pub started_on: String,
    /// When the release was vouched for.
    pub finished_on: String,
}

/// Why a provenance is not one of a release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A field is missing, or of another type.
    #[error("the provenance is incomplete: {0}; docs/reference/release.md lists its fields")]
    Field(String),
    /// Another build type.
    #[error("the provenance is of another kind of build: {0}; expected {BUILD_TYPE}")]
    BuildType(String),
    /// Two commits.
    #[error("the provenance contradicts itself: it names commit {named}, but its source is {source_commits}")]
    Contradiction {
        /// The commit that was asked for.
        named: String,
        /// The commits of its source.
        source_commits: String,
    },
    /// Nix built something else.
    #[error("the release was built from commit {revision}, but its provenance names commit {named}")]
    Revision {
        /// What Nix says.
        revision: String,
        /// What the provenance says.
        named: String,
    },
    /// Not the commit that was asked for.
    #[error("the release is of commit {named}, not of {wanted}")]
    Commit {
        /// The release's.
        named: String,
        /// The one that it must be.
        wanted: String,
    },
}

impl Provenance {
    /// Reads a predicate, and refuses one that does not describe this project's build of one commit.
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

    /// Refuses another revision than the commit that it names.
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

    /// Refuses another commit than the wanted one.
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

    /// The commit that the release is of.
    #[must_use]
    pub fn commit(&self) -> &str {
        &self.build_definition.external_parameters.commit
    }
}
