//! The requests to BigQuery, and how an answer without faults is returned.

use wordtally::answer::Count;

use crate::upstream::*;

#[tokio::test]
async fn the_word_is_bound_and_every_limit_is_set() {
    let peer = peer(|_| Reply::Json(200, answer(&[("hamlet", "995"), ("macbeth", "620")]))).await;
    let mut config = config(&peer);
    let word = "x' OR '1'='1`; DROP TABLE words --";
    config.word = word.parse().expect("a word");
    config.location = Some("EU".parse().expect("a location"));
    let (bigquery, metrics) = bigquery(&config).await;

    let found = bigquery.counts().await.expect("an answer");

    assert_eq!(found.word.as_str(), word);
    let count = |corpus: &str, total_words| Count {
        corpus: Some(corpus.to_owned()),
        total_words,
        corpus_words: CORPUS_WORDS,
    };
    assert_eq!(found.counts, [count("hamlet", 995), count("macbeth", 620)]);

    let query = &peer.to("/queries")[0];
    assert_eq!(query.path, "/bigquery/v2/projects/billed-project/queries");
    assert_eq!(query.bearer(), "token-0");
    assert!(query.header("user-agent").starts_with("wordtally/"));
    let body = query.json();
    assert_eq!(
        body["query"],
        "SELECT IF(spelling = @word, corpus, NULL) AS corpus, SUM(total_words) AS total_words, \
         SUM(corpus_words) AS corpus_words, NULLIF(spelling, @word) AS other_case \
         FROM (SELECT *, SUM(total_words) OVER (PARTITION BY corpus) AS corpus_words \
         FROM (SELECT corpus, IF(LOWER(word) = LOWER(@word), word, NULL) AS spelling, \
         SUM(word_count) AS total_words FROM `data-project.books.words` GROUP BY 1, 2)) \
         WHERE spelling IS NOT NULL GROUP BY 1, 4 \
         ORDER BY other_case IS NULL DESC, total_words DESC, corpus, other_case"
    );
    assert_eq!(body["parameterMode"], "NAMED");
    let parameter = &body["queryParameters"][0];
    assert_eq!(parameter["name"], "word");
    assert_eq!(parameter["parameterType"]["type"], "STRING");
    assert_eq!(parameter["parameterValue"]["value"], word);
    assert_eq!(body["useLegacySql"], false);
    assert_eq!(body["maximumBytesBilled"], "1000000000");
    assert_eq!(body["location"], "EU");
    assert_eq!(body["labels"]["service"], "wordtally");
    assert_eq!(body["requestId"].as_str().map(str::len), Some(36));
    let wait = body["timeoutMs"].as_u64().expect("a wait");
    assert!((1..=2500).contains(&wait), "{wait}");

    // 2,650,000 processed bytes are billed as the minimum of 10 MiB.
    let text = metrics.render().expect("metrics");
    assert!(text.contains("wordtally_bigquery_jobs_total 1\n"), "{text}");
    assert!(
        text.contains("wordtally_bigquery_billed_bytes_total 10485760\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_project_that_is_set_wins_over_the_credentials_own() {
    let peer = peer(|_| Reply::Json(200, answer(&[]))).await;
    let mut config = config(&peer);
    config.project = Some("other-project".parse().expect("a project"));
    let (bigquery, _) = bigquery(&config).await;
    bigquery.counts().await.expect("an answer");
    assert_eq!(
        peer.to("/queries")[0].path,
        "/bigquery/v2/projects/other-project/queries"
    );
}

#[tokio::test]
async fn without_any_project_nothing_starts() {
    let peer = peer(|_| Reply::Close).await;
    let mut credential = authorized_user(&peer);
    credential
        .as_object_mut()
        .expect("an object")
        .remove("quota_project_id");
    let mut config = config(&peer);
    config.credentials = Some(file(&credential.to_string()));
    let metrics = std::sync::Arc::new(wordtally::telemetry::Metrics::new(config.ttl));
    let variables = wordtally::credentials::Variables::default();
    let refused = wordtally::bigquery::BigQuery::new(&config, &variables, metrics).await;
    let sentence = refused.expect_err("a refusal").to_string();
    assert!(
        sentence.contains("names no project: expected --project"),
        "{sentence}"
    );
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn on_google_cloud_token_and_project_come_from_the_metadata_server() {
    let peer = Peer::start(|request| match request.path.as_str() {
        "/computeMetadata/v1/project/project-id" => Reply::Text(200, "machine-project\n"),
        "/computeMetadata/v1/instance/service-accounts/default/token" => granted("machine-token"),
        _ => Reply::Json(200, answer(&[("hamlet", "1")])),
    })
    .await;
    let mut config = config(&peer);
    config.credentials = None;
    let metrics = std::sync::Arc::new(wordtally::telemetry::Metrics::new(config.ttl));
    let variables = wordtally::credentials::Variables {
        gce_metadata_host: Some(peer.address.trim_start_matches("http://").to_owned()),
        ..Default::default()
    };
    let bigquery = wordtally::bigquery::BigQuery::new(&config, &variables, metrics)
        .await
        .expect("a client");
    bigquery.counts().await.expect("an answer");
    bigquery.counts().await.expect("an answer");

    for metadata in peer
        .seen()
        .iter()
        .filter(|request| request.path.starts_with("/computeMetadata"))
    {
        assert_eq!(metadata.header("metadata-flavor"), "Google");
    }
    // Both are cached.
    assert_eq!(peer.to("/project-id").len(), 1);
    assert_eq!(peer.to("/default/token").len(), 1);
    let query = &peer.to("/queries")[0];
    assert_eq!(query.path, "/bigquery/v2/projects/machine-project/queries");
    assert_eq!(query.bearer(), "machine-token");
}
