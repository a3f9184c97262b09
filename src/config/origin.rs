use std::str::FromStr;

use url::Url;

use super::Invalid;

/// An origin whose pages may read the responses, as browsers write it, such as `https://example.com`; or `*` for any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The value for `Access-Control-Allow-Origin`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it means any origin.
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

impl FromStr for Origin {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // A list may have spaces after its commas.
        let text = text.trim();
        // A browser sends an origin in only one spelling; any other would never match.
        let as_sent = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .map(|url| url.origin().ascii_serialization());
        // The URL parser accepts a star in a host name, but no page in a browser has such a host.
        let as_sent = as_sent.filter(|origin| !origin.contains('*'));
        if text == "*" || as_sent.as_deref() == Some(text) {
            return Ok(Self(text.to_owned()));
        }
        let example = as_sent.as_deref().unwrap_or("https://example.com");
        Err(Invalid::new(format!(
            "invalid origin '{text}': expected scheme, host and port as a browser sends them, e.g. {example}, or *"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for origin in [
            "*",
            "https://example.com",
            "http://localhost:3000",
            "http://[::1]:8080",
        ] {
            assert_eq!(origin.parse::<Origin>().unwrap().as_str(), origin);
        }
        for (bad, meant) in [
            ("https://Example.com/", "https://example.com"),
            ("https://example.com:443", "https://example.com"),
            ("https://example.com/app", "https://example.com"),
            ("example.com", "https://example.com"),
            ("https://*.example.com", "https://example.com"),
            ("null", "https://example.com"),
            ("file:///etc", "https://example.com"),
            ("", "https://example.com"),
        ] {
            let sentence = bad.parse::<Origin>().unwrap_err().to_string();
            assert!(
                sentence.starts_with(&format!("invalid origin '{bad}': ")),
                "{sentence}"
            );
            assert!(sentence.contains(&format!("e.g. {meant}, or *")), "{sentence}");
        }
    }
}
