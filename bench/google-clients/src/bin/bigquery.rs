//! The count query with google-cloud-bigquery and google-cloud-auth, unmodified.

use std::error::Error;

use google_clients::{Arguments, Asks, PROJECT, SQL, WORD, google, run};
use google_cloud_bigquery::client::BigQuery;
use google_cloud_bigquery_v2::model::{QueryParameter, QueryParameterType, QueryParameterValue};

#[derive(Clone)]
struct Google(BigQuery);

impl Asks for Google {
    async fn ask(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        let mut rows = self
            .0
            .query(SQL)
            .set_parameter_mode("NAMED")
            .set_query_parameters([QueryParameter::new()
                .set_name("word")
                .set_parameter_type(QueryParameterType::new().set_type("STRING"))
                .set_parameter_value(QueryParameterValue::new().set_value(WORD))])
            .until_done()
            .await?
            .read();
        let mut read = 0;
        while let Some(row) = rows.next().await.transpose()? {
            let _: String = row.get("corpus")?;
            let _: i64 = row.get("total_words")?;
            read += 1;
        }
        Ok(format!("{read} rows"))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read()?;
    let client = BigQuery::builder()
        .with_project_id(PROJECT)
        .with_endpoint(&arguments.endpoint)
        .with_credentials(google::credentials(&arguments.credential)?)
        .build()
        .await?;
    run(Google(client), &arguments).await
}
