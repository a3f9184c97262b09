//! The version of this program.

use std::sync::LazyLock;

/// The version number.
pub const NUMBER: &str = env!("CARGO_PKG_VERSION");
/// The commit that the package was built from. Cargo alone does not know it.
pub const COMMIT: &str = match option_env!("WORDTALLY_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Both, as `--version` shows them.
pub fn both() -> &'static str {
    static BOTH: LazyLock<String> = LazyLock::new(|| format!("{NUMBER} (commit {COMMIT})"));
    &BOTH
}
