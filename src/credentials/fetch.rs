use std::sync::LazyLock;
use std::time::Duration;

use url::Url;

use super::clients::Clients;
use super::error::Error;
use super::fetched::Fetched;
use super::file::File;
use super::search::Origin;
use super::{BIGQUERY_SCOPE, metadata_server};
use crate::small_file::Reader;
use crate::transport::Transport;

static READER: LazyLock<Reader> = LazyLock::new(Reader::new);

/// Fetches a new token for BigQuery. The file is read each time, so that a new key does not need a restart.
pub(super) async fn fetch(origin: &Origin, transport: &Transport, limit: Duration) -> Result<Fetched, Error> {
    let clients = Clients { transport, limit };
    match origin {
        Origin::Metadata(base) => metadata_server::fetch(base, &clients, BIGQUERY_SCOPE).await,
        Origin::File(path) => {
            let file = READER
                .read(path, |path| File::read(&path))
                .await
                .ok_or_else(|| Error::unavailable("reading the credential file was interrupted"))?
                .map_err(|invalid| Error::refused("the credential cannot be used").caused_by(invalid))?;
            file.credential.fetch(&clients, BIGQUERY_SCOPE).await
        }
    }
}

/// The project that the metadata server reports.
pub(super) async fn project(base: &Url, transport: &Transport, limit: Duration) -> Result<String, Error> {
    metadata_server::project(base, &Clients { transport, limit }).await
}
