use std::ffi::OsString;

/// The program that is tested: cargo's own build, or another one that `WORDTALLY_UNDER_TEST` names. The flake's check
/// names the package that ships.
pub(crate) fn program() -> OsString {
    std::env::var_os("WORDTALLY_UNDER_TEST").unwrap_or_else(|| env!("CARGO_BIN_EXE_wordtally").into())
}
