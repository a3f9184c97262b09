use std::collections::HashMap;
use std::time::Duration;

use gcp_bigquery_client::model::get_query_results_parameters::GetQueryResultsParameters;
use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::query_parameter_type::QueryParameterType;
use gcp_bigquery_client::model::query_parameter_value::QueryParameterValue;
use gcp_bigquery_client::model::query_request::QueryRequest;

use super::limits::PAGE_ROWS;
use crate::config::{Location, Table, Word};

/// The longest that BigQuery is asked to hold back its response while the job runs.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The part of the query that stays the same.
pub(super) struct Question {
    pub(super) word: Word,
    pub(super) table: Table,
    pub(super) location: Option<Location>,
    pub(super) maximum_bytes_billed: u64,
}

/// The query. Its text varies only in the table's name, whose alphabet is checked; the word is a bound parameter.
///
/// It reads the table once, for three things: the count of the word per corpus, the count of all words there, and the
/// word's other cases, each in a row without a corpus. BigQuery bills the columns that are read, so it costs the same
/// as the first alone.
///
/// Ties are sorted by name. Otherwise BigQuery may order them differently each time, and the entity tag would change
/// although the answer did not.
pub(super) fn query(question: &Question, request_id: &str, remaining: Duration) -> QueryRequest {
    let table = &question.table;
    QueryRequest {
        use_legacy_sql: false,
        parameter_mode: Some("NAMED".to_owned()),
        query_parameters: Some(vec![QueryParameter {
            name: Some("word".to_owned()),
            parameter_type: Some(QueryParameterType {
                r#type: "STRING".to_owned(),
                ..Default::default()
            }),
            parameter_value: Some(QueryParameterValue {
                value: Some(question.word.as_str().to_owned()),
                ..Default::default()
            }),
        }]),
        location: question
            .location
            .as_ref()
            .map(|location| location.as_str().to_owned()),
        maximum_bytes_billed: Some(question.maximum_bytes_billed.to_string()),
        max_results: Some(PAGE_ROWS),
        labels: Some(HashMap::from([("service".to_owned(), "wordtally".to_owned())])),
        request_id: Some(request_id.to_owned()),
        timeout_ms: Some(wait(remaining)),
        ..QueryRequest::new(format!(
            "SELECT IF(spelling = @word, corpus, NULL) AS corpus, SUM(total_words) AS total_words, \
             SUM(corpus_words) AS corpus_words, NULLIF(spelling, @word) AS other_case \
             FROM (SELECT *, SUM(total_words) OVER (PARTITION BY corpus) AS corpus_words \
             FROM (SELECT corpus, IF(LOWER(word) = LOWER(@word), word, NULL) AS spelling, \
             SUM(word_count) AS total_words FROM `{table}` GROUP BY 1, 2)) \
             WHERE spelling IS NOT NULL GROUP BY 1, 4 \
             ORDER BY other_case IS NULL DESC, total_words DESC, corpus, other_case"
        ))
    }
}

/// The next page of a job's results, or the job's state while it runs.
pub(super) fn results(
    location: Option<&str>,
    page_token: Option<&str>,
    remaining: Duration,
) -> GetQueryResultsParameters {
    GetQueryResultsParameters {
        location: location.map(str::to_owned),
        page_token: page_token.map(str::to_owned),
        max_results: Some(PAGE_ROWS),
        timeout_ms: Some(wait(remaining)),
        ..Default::default()
    }
}

/// Half of the remaining time, so that `jobComplete: false` arrives with the job's name while there is time to cancel
/// it.
fn wait(remaining: Duration) -> i32 {
    i32::try_from((remaining / 2).min(MAX_WAIT).as_millis().max(1)).unwrap_or(i32::MAX)
}

/// A random UUID. BigQuery treats requests with the same one as the same request, and runs one job for them.
pub(super) fn request_id() -> String {
    let random = fastrand::u128(..).to_ne_bytes();
    uuid::Builder::from_random_bytes(random).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_random_uuids_of_version_4() {
        let id = request_id();
        let read = uuid::Uuid::parse_str(&id).unwrap();
        assert_eq!((read.get_version_num(), id.len()), (4, 36));
        assert_ne!(id, request_id());
    }
}
