//! The count query with gcp-bigquery-client and yup-oauth2, unmodified.

use std::error::Error;

use gcp_bigquery_client::Client;
use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::query_parameter_type::QueryParameterType;
use gcp_bigquery_client::model::query_parameter_value::QueryParameterValue;
use gcp_bigquery_client::model::query_request::QueryRequest;
use gcp_bigquery_client::model::query_response::ResultSet;
use google_clients::{Arguments, Asks, PROJECT, SQL, WORD, run};

#[derive(Clone)]
struct Pair(Client);

impl Asks for Pair {
    async fn ask(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        let request = QueryRequest {
            use_legacy_sql: false,
            parameter_mode: Some("NAMED".to_owned()),
            query_parameters: Some(vec![QueryParameter {
                name: Some("word".to_owned()),
                parameter_type: Some(QueryParameterType {
                    r#type: "STRING".to_owned(),
                    ..Default::default()
                }),
                parameter_value: Some(QueryParameterValue {
                    value: Some(WORD.to_owned()),
                    ..Default::default()
                }),
            }]),
            ..QueryRequest::new(SQL)
        };
        let response = self.0.job().query(PROJECT, request).await?;
        let mut rows = ResultSet::new_from_query_response(response);
        let mut read = 0;
        while rows.next_row() {
            let corpus = rows.get_string_by_name("corpus")?;
            let total = rows.get_i64_by_name("total_words")?;
            read += usize::from(corpus.is_some() && total.is_some());
        }
        Ok(format!("{read} rows"))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read()?;
    let key = serde_json::from_value(arguments.credential.clone())?;
    let client = ClientBuilder::new()
        .with_v2_base_url(format!("{}/bigquery/v2", arguments.endpoint))
        .build_from_service_account_key(key, false)
        .await?;
    run(Pair(client), &arguments).await
}
