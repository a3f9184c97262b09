use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::app::{App, Counters, Counts};
use crate::auth::{Authority, StoreError};
use crate::faults::{Fault, Faults};
use crate::iam::{KeyError, Policy, ServiceAccountKey};
use crate::rest::{self, Jobs};
use crate::server::{self, Server};
use crate::sql::Database;

/// The token address that Google's own credential files name.
const GOOGLE_TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// The options of a stand-in.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address that clients use, if it differs from the one listened on: an accepted audience and the base of
    /// links.
    pub public_url: Option<String>,
    /// The tables.
    pub database: Arc<Database>,
    /// The accounts and what they may do.
    pub policy: Policy,
    /// The directory for the signing secret and revocations; without it they end with the process.
    pub state: Option<PathBuf>,
    /// The lifetime of access tokens; Google's live for one hour.
    pub token_lifetime: Duration,
    /// Whether `/standin/faults`, `/standin/counters` and `/standin/revoke-all` exist.
    pub admin: bool,
}

impl Options {
    /// Listens on a free loopback port, with no permissions for anyone.
    pub fn new(database: Arc<Database>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            database,
            policy: Policy::default(),
            state: None,
            token_lifetime: Duration::from_secs(3600),
            admin: false,
        }
    }
}

/// Why a stand-in did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stand-in cannot listen on the address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The state directory cannot be used.
    #[error(transparent)]
    State(#[from] StoreError),
}

/// A running stand-in; it ends when this is dropped.
pub struct Standin {
    app: Arc<App>,
    server: Server,
}

impl std::fmt::Debug for Standin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standin")
            .field("url", &self.app.url)
            .finish_non_exhaustive()
    }
}

impl Standin {
    /// Starts serving on the current tokio runtime.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let own = format!("http://{address}");
        let url = options
            .public_url
            .map_or(own.clone(), |url| url.trim_end_matches('/').to_owned());
        let authority = Authority::new(
            options.policy,
            options.state.as_deref(),
            options.token_lifetime,
            audiences(&url, &own, address),
        )?;
        let app = Arc::new(App {
            authority,
            database: options.database,
            jobs: Jobs::default(),
            faults: Faults::default(),
            counts: Counts::default(),
            url,
            admin: options.admin,
        });
        let server = server::start(listener, rest::router(Arc::clone(&app)));
        Ok(Self { app, server })
    }

    /// The address of its REST API and everything else, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.app.url
    }

    /// The address for a credential file's `token_uri`.
    pub fn token_uri(&self) -> String {
        format!("{}/token", self.app.url)
    }

    /// Creates a service account without any permission, and its key.
    ///
    /// It takes about a second without optimisation; [`Standin::register`] takes an existing key.
    pub fn create_service_account(&self, email: &str, project: &str) -> Result<ServiceAccountKey, KeyError> {
        let key = ServiceAccountKey::generate(email, project)?;
        self.register(&key);
        Ok(key)
    }

    /// Adds the key's account, or the key to its account.
    pub fn register(&self, key: &ServiceAccountKey) {
        let added = Policy {
            service_accounts: vec![key.account()],
            ..Policy::default()
        };
        self.change_policy(|policy| policy.merge(added));
    }

    /// Replaces all keys of the account by a new one; earlier tokens remain valid, as Google's do.
    pub fn rotate_key(&self, email: &str, project: &str) -> Result<ServiceAccountKey, KeyError> {
        let key = ServiceAccountKey::generate(email, project)?;
        self.change_policy(|policy| {
            if let Some(account) = policy.account_mut(email) {
                account.public_keys.clear();
            }
            policy.merge(Policy {
                service_accounts: vec![key.account()],
                ..Policy::default()
            });
        });
        Ok(key)
    }

    /// Changes permissions, from the next request on.
    pub fn change_policy(&self, change: impl FnOnce(&mut Policy)) {
        self.app.authority.change_policy(change);
    }

    /// Lets the account run jobs in the project and read the dataset (`project.dataset`): the permissions that
    /// wordtally needs.
    pub fn allow(&self, member: &str, project: &str, dataset: &str) {
        self.change_policy(|policy| {
            policy.allow_jobs(project, member);
            policy.allow_reading(dataset, member);
        });
    }

    /// Adds a fault after those that are already waiting.
    pub fn add_fault(&self, fault: Fault) {
        self.app.faults.add(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.app.faults.clear();
    }

    /// How many requests it has received so far.
    pub fn counters(&self) -> Counters {
        self.app.counts.read()
    }

    /// Revokes one access or refresh token; false if it is neither.
    pub fn revoke(&self, token: &str) -> Result<bool, StoreError> {
        self.app.authority.revoke(token)
    }

    /// Revokes every access token issued so far.
    pub fn revoke_all(&self) -> Result<(), StoreError> {
        self.app.authority.revoke_all()
    }

    /// Stops listening and ends every connection; busy ones end after half a second.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

fn audiences(url: &str, own: &str, address: SocketAddr) -> Vec<String> {
    let mut bases = vec![url.to_owned(), own.to_owned()];
    if address.ip().is_loopback() {
        bases.push(format!("http://localhost:{}", address.port()));
    }
    let mut audiences: Vec<String> = bases
        .iter()
        .flat_map(|base| ["/token", "/o/oauth2/token"].map(|path| format!("{base}{path}")))
        .collect();
    audiences.push(GOOGLE_TOKEN_URI.to_owned());
    audiences
}
