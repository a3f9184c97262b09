use std::path::Path;

use serde_json::{Map, Value};
use url::Url;

use crate::config::{Invalid, is_local};

/// A JSON object in a credential file. Its errors name the file and the field, never a value, which may be secret.
pub(crate) struct Fields<'a> {
    pub(crate) path: &'a Path,
    pub(crate) object: &'a Map<String, Value>,
}

impl Fields<'_> {
    /// An error about this file.
    pub(crate) fn invalid(&self, what: &str) -> Invalid {
        Invalid::new(format!("the credential file '{}' {what}", self.path.display()))
    }

    /// A required text.
    pub(crate) fn text(&self, name: &str) -> Result<String, Invalid> {
        self.optional_text(name)?
            .ok_or_else(|| self.invalid(&format!("has no '{name}': download it again from Google Cloud")))
    }

    /// A text that may be missing or null, but not empty.
    pub(crate) fn optional_text(&self, name: &str) -> Result<Option<String>, Invalid> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(self.invalid(&format!(
                "has an invalid '{name}': expected a string that is not empty"
            ))),
        }
    }

    /// A required address.
    pub(crate) fn address(&self, name: &str) -> Result<Url, Invalid> {
        let text = self.text(name)?;
        self.check_address(name, &text)
    }

    /// An optional address.
    pub(crate) fn optional_address(&self, name: &str) -> Result<Option<Url>, Invalid> {
        self.optional_text(name)?
            .map(|text| self.check_address(name, &text))
            .transpose()
    }

    /// An optional object.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Fields<'_>>, Invalid> {
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Fields {
                path: self.path,
                object,
            })),
            Some(_) => Err(self.invalid(&format!("has an invalid '{name}': expected a JSON object"))),
        }
    }

    /// Checks an address from the field with this name.
    pub(crate) fn check_address(&self, name: &str, text: &str) -> Result<Url, Invalid> {
        let address = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .filter(|url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none())
            // An address that hyper cannot parse could not be requested.
            .filter(|url| url.as_str().parse::<hyper::Uri>().is_ok());
        match address {
            None => Err(self.invalid(&format!(
                "has an invalid '{name}': expected an https address, e.g. https://oauth2.googleapis.com/token"
            ))),
            Some(url) if url.scheme() == "http" && !is_local(&url) => Err(self.invalid(&format!(
                "has an invalid '{name}': it would send secrets in the clear, expected https, or http on a loopback or private address"
            ))),
            Some(url) => Ok(url),
        }
    }
}
