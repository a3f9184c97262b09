use url::Url;

/// A service account to act as.
pub struct Impersonation {
    pub(crate) url: Url,
    pub(crate) delegates: Vec<String>,
    /// How long the token shall live, in seconds.
    pub(crate) lifetime: u64,
}
