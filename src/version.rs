//! Which program this is.

use std::sync::LazyLock;

/// The version.
pub const NUMBER: &str = env!("CARGO_PKG_VERSION");
/// What the package was built from. Cargo alone does not know.
pub const COMMIT: &str = match option_env!("WORDTALLY_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Both, as `--version` says them.
pub fn both() -> &'static str {
    static BOTH: LazyLock<String> = LazyLock::new(|| format!("{NUMBER} (commit {COMMIT})"));
    &BOTH
}
