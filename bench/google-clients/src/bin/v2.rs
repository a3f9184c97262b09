//! The count query with google-cloud-bigquery-v2 and google-cloud-auth: one call of jobs.query, whose response is used
//! as it is.

use std::error::Error;

use google_clients::{Arguments, Asks, PROJECT, SQL, WORD, google, run};
use google_cloud_bigquery_v2::client::JobService;
use google_cloud_bigquery_v2::model::{
    QueryParameter, QueryParameterType, QueryParameterValue, QueryRequest,
};

#[derive(Clone)]
struct V2(JobService);

impl Asks for V2 {
    async fn ask(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        let request = QueryRequest::new()
            .set_query(SQL)
            .set_use_legacy_sql(false)
            .set_parameter_mode("NAMED")
            .set_query_parameters([QueryParameter::new()
                .set_name("word")
                .set_parameter_type(QueryParameterType::new().set_type("STRING"))
                .set_parameter_value(QueryParameterValue::new().set_value(WORD))]);
        let answer = self
            .0
            .query()
            .set_project_id(PROJECT)
            .set_query_request(request)
            .send()
            .await?;
        let mut came = format!("{} rows", answer.rows.len());
        if !answer.page_token.is_empty() {
            came.push_str(", a page token");
        }
        if answer.job_complete != Some(true) {
            came.push_str(", jobComplete false");
        }
        Ok(came)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read()?;
    let client = JobService::builder()
        .with_endpoint(&arguments.endpoint)
        .with_credentials(google::credentials(&arguments.credential)?)
        .build()
        .await?;
    run(V2(client), &arguments).await
}
