use std::fmt;
use std::io::{ErrorKind, Read};
use std::path::Path;

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use url::Url;
use yup_oauth2::ServiceAccountKey;

use super::external_account::{self, ExternalAccount};
use super::fields::Fields;
use super::impersonation::Impersonation;
use crate::config::{Invalid, Project};

/// The largest file, in bytes. Google's are under 3 KiB.
const MAX_BYTES: u64 = 64 * 1024;

/// A credential file that was read and checked.
#[derive(Debug)]
pub struct File {
    /// What it holds.
    pub credential: Credential,
    /// The project it names: its own, or the one to bill.
    pub project: Option<Project>,
}

/// What a credential file can hold. Its `Debug` form shows the type only.
pub enum Credential {
    /// `service_account`: a private key signs for a token.
    ServiceAccount(Box<ServiceAccountKey>),
    /// `authorized_user`: a person's refresh token, as `gcloud auth application-default login` writes it.
    AuthorizedUser(Box<AuthorizedUser>),
    /// `external_account`: workload identity federation.
    ExternalAccount(Box<ExternalAccount>),
    /// `impersonated_service_account`: another credential that may act as a service account.
    Impersonated {
        /// The credential that stands in.
        source: Box<Credential>,
        /// The service account that it acts as.
        target: Impersonation,
    },
}

/// A person's refresh token.
pub struct AuthorizedUser {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) refresh_token: String,
    pub(crate) token_uri: Url,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServiceAccount(_) => "service_account",
            Self::AuthorizedUser(_) => "authorized_user",
            Self::ExternalAccount(_) => "external_account",
            Self::Impersonated { .. } => "impersonated_service_account",
        })
    }
}

impl Credential {
    /// Whether every address in it is an http one, so that no certificates are needed.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Self::ServiceAccount(key) => key.token_uri.starts_with("http:"),
            Self::AuthorizedUser(user) => user.token_uri.scheme() == "http",
            Self::ExternalAccount(account) => account.is_plain(),
            Self::Impersonated { source, target } => source.is_plain() && target.url.scheme() == "http",
        }
    }
}

impl File {
    /// Reads and checks a file of at most 64 KiB. The error names the file and what would be right; it never
    /// repeats a value of the file.
    pub fn read(path: &Path) -> Result<Self, Invalid> {
        let bytes = read(path)?;
        let json: Value = serde_json::from_slice(&bytes).map_err(|error| {
            // The parser's own words may quote the file.
            invalid(
                path,
                &format!(
                    "is no JSON (line {}, column {}): give the key file as Google Cloud wrote it",
                    error.line(),
                    error.column()
                ),
            )
        })?;
        let Value::Object(object) = &json else {
            return Err(invalid(
                path,
                "is no JSON object: give the key file as Google Cloud wrote it",
            ));
        };
        let fields = Fields { path, object };
        let named = match fields.optional_text("project_id")? {
            Some(project) => Some(project),
            None => fields.optional_text("quota_project_id")?,
        };
        let project = named
            .map(|id| {
                id.parse()
                    .map_err(|_| fields.invalid("names a bad project: it must be a project ID"))
            })
            .transpose()?;
        let credential = match fields.optional_text("type")?.as_deref() {
            Some("impersonated_service_account") => impersonated(&fields)?,
            _ => direct(&fields)?,
        };
        Ok(Self { credential, project })
    }
}

fn invalid(path: &Path, what: &str) -> Invalid {
    Invalid::new(format!("the credential file '{}' {what}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, Invalid> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => invalid(path, "does not exist: give the path of a credential file"),
        ErrorKind::PermissionDenied => invalid(path, "may not be read: let the service's user read it"),
        _ => invalid(path, &format!("can't be read: {error}")),
    };
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(invalid(
            path,
            "is no regular file: give the path of a credential file",
        ));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid(
            path,
            "has more than 64 KiB: give the key file as Google Cloud wrote it",
        ));
    }
    Ok(bytes)
}

/// Every type but impersonation, which may stand on any of these.
fn direct(fields: &Fields<'_>) -> Result<Credential, Invalid> {
    match fields.optional_text("type")?.as_deref() {
        Some("service_account") => service_account(fields),
        Some("authorized_user") => authorized_user(fields),
        Some("external_account") => external_account::parse(fields)
            .map(|account| Credential::ExternalAccount(Box::new(account))),
        _ => Err(fields.invalid(
            "has no known 'type': it must be service_account, authorized_user, external_account or impersonated_service_account",
        )),
    }
}

fn service_account(fields: &Fields<'_>) -> Result<Credential, Invalid> {
    let private_key = fields.text("private_key")?;
    let usable = PrivateKeyDer::from_pem_slice(private_key.as_bytes())
        .is_ok_and(|key| rustls::crypto::ring::sign::RsaSigningKey::new(&key).is_ok());
    if !usable {
        return Err(fields.invalid(
            "has a bad 'private_key': it must be an RSA key in PEM form, as Google Cloud wrote it",
        ));
    }
    Ok(Credential::ServiceAccount(Box::new(ServiceAccountKey {
        key_type: None,
        project_id: None,
        private_key_id: None,
        private_key,
        client_email: fields.text("client_email")?,
        client_id: None,
        auth_uri: None,
        token_uri: fields.address("token_uri")?.into(),
        auth_provider_x509_cert_url: None,
        client_x509_cert_url: None,
    })))
}

fn authorized_user(fields: &Fields<'_>) -> Result<Credential, Invalid> {
    let token_uri = match fields.optional_address("token_uri")? {
        Some(address) => address,
        None => fields.check_address("token_uri", "https://oauth2.googleapis.com/token")?,
    };
    Ok(Credential::AuthorizedUser(Box::new(AuthorizedUser {
        client_id: fields.text("client_id")?,
        client_secret: fields.text("client_secret")?,
        refresh_token: fields.text("refresh_token")?,
        token_uri,
    })))
}

fn impersonated(fields: &Fields<'_>) -> Result<Credential, Invalid> {
    let source = fields.object("source_credentials")?.ok_or_else(|| {
        fields.invalid(
            "has no 'source_credentials': it must hold the credential that acts as the service account",
        )
    })?;
    let delegates = match fields.object.get("delegates") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(names)) => names
            .iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| fields.invalid("has bad 'delegates': each must be a text"))?,
        Some(_) => return Err(fields.invalid("has bad 'delegates': it must be a list of texts")),
    };
    Ok(Credential::Impersonated {
        source: Box::new(direct(&source)?),
        target: Impersonation {
            url: fields.address("service_account_impersonation_url")?,
            delegates,
            lifetime: 3600,
        },
    })
}
