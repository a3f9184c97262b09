//! The source of the other provider's token.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use super::MAX_FILE;
use super::clients::Clients;
use super::error::Error;
use super::fields::Fields;
use super::token_request::{exchange, refusal};
use crate::config::Invalid;
use crate::secrets::remember;
use crate::small_file::{self, Reader};

/// The name of the source in errors.
const SERVER: &str = "the subject token's server";

/// A file or a server with a subject token.
pub(super) struct SubjectTokenSource {
    place: Place,
    format: Format,
}

enum Place {
    File(PathBuf),
    Url { url: Url, headers: HeaderMap },
}

enum Format {
    Text,
    /// A JSON object with the token in the field with this name.
    Json {
        field: String,
    },
}

impl SubjectTokenSource {
    /// Reads a `credential_source`.
    pub(super) fn parse(source: &Fields<'_>) -> Result<Self, Invalid> {
        for (name, what) in [
            ("executable", "a program"),
            ("environment_id", "AWS"),
            ("certificate", "a certificate"),
        ] {
            if source.object.contains_key(name) {
                return Err(source.invalid(&format!(
                    "takes its subject token from {what}, which is not supported: expected a 'file' or a 'url'"
                )));
            }
        }
        let place = match (source.optional_text("file")?, source.optional_address("url")?) {
            (Some(file), None) => Place::File(file.into()),
            (None, Some(url)) => Place::Url {
                url,
                headers: headers(source)?,
            },
            _ => {
                return Err(
                    source.invalid("has an invalid 'credential_source': expected either a 'file' or a 'url'")
                );
            }
        };
        Ok(Self {
            place,
            format: format(source)?,
        })
    }

    /// Reads the token, which its provider replaces from time to time.
    pub(super) async fn subject_token(&self, clients: &Clients<'_>) -> Result<String, Error> {
        let content = match &self.place {
            Place::File(path) => from_file(path).await?,
            Place::Url { url, headers } => {
                headers
                    .iter()
                    // These two contain no secrets, but words that occur in every log.
                    .filter(|(name, _)| **name != ACCEPT && **name != CONTENT_TYPE)
                    .filter_map(|(_, value)| value.to_str().ok())
                    .for_each(remember);
                let client = clients.client(url.scheme() == "http")?;
                let request = client.get(url.clone()).headers(headers.clone());
                let (status, body) = exchange(request, SERVER).await?;
                if !status.is_success() {
                    return Err(refusal(status, &body, SERVER));
                }
                body
            }
        };
        match &self.format {
            Format::Text => String::from_utf8(content).ok(),
            Format::Json { field } => serde_json::from_slice::<Value>(&content)
                .ok()
                .and_then(|json| Some(json.get(field)?.as_str()?.to_owned())),
        }
        .filter(|token| !token.trim().is_empty())
        .ok_or_else(|| {
            Error::unavailable("the subject token is missing from the place that the credential names")
        })
    }
}

static READER: LazyLock<Reader> = LazyLock::new(Reader::new);

async fn from_file(path: &Path) -> Result<Vec<u8>, Error> {
    let read = READER.read(path, |path| small_file::read(&path, MAX_FILE));
    let read = read
        .await
        .ok_or_else(|| Error::unavailable("reading the subject token's file was interrupted"))?;
    read.map_err(|unreadable| {
        let file = path.display();
        Error::refused(format!(
            "the subject token's file '{file}' {unreadable}: expected a file that holds the token alone"
        ))
    })
}

fn format(source: &Fields<'_>) -> Result<Format, Invalid> {
    let Some(format) = source.object("format")? else {
        return Ok(Format::Text);
    };
    match format.optional_text("type")?.as_deref() {
        None | Some("text") => Ok(Format::Text),
        Some("json") => Ok(Format::Json {
            field: format.text("subject_token_field_name")?,
        }),
        Some(_) => Err(source
            .invalid("has an invalid 'format' in 'credential_source': expected the 'type' text or json")),
    }
}

fn headers(source: &Fields<'_>) -> Result<HeaderMap, Invalid> {
    let Some(headers) = source.object("headers")? else {
        return Ok(HeaderMap::new());
    };
    let checked = headers.object.iter().map(|(name, value)| {
        let name: HeaderName = name.parse().ok()?;
        let value: HeaderValue = value.as_str()?.parse().ok()?;
        Some((name, value))
    });
    checked
        .collect::<Option<_>>()
        .ok_or_else(|| source.invalid("has invalid 'headers' in 'credential_source': expected HTTP headers"))
}
