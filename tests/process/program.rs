use std::ffi::OsString;

/// The program under test.
pub(crate) fn program() -> OsString {
    std::env::var_os("WORDTALLY_UNDER_TEST").unwrap_or_else(|| env!("CARGO_BIN_EXE_wordtally").into())
}
