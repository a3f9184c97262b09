//! The parts that an address can name: a format, an order, a document.

use wordtally::render::{FORMATS, Order, html};
use wordtally::server::Limits;

use super::client::Reply;
use super::server::{Server, body};

/// The problem details for a client that accepts JSON.
fn problem(reply: &Reply) -> serde_json::Value {
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    serde_json::from_slice(&reply.body).unwrap()
}

#[tokio::test]
async fn an_address_names_the_format_whatever_is_accepted() {
    let server = Server::start().await;
    for format in FORMATS {
        for path in [
            format!("/?format={}", format.name),
            format!("/?utm_source=x&format={}", format.name),
            format!("/counts.{}", format.name),
        ] {
            for accept in ["", "Accept: text/html\r\n", "Accept: image/png\r\n"] {
                let reply = server.get(&path, accept).await;
                assert_eq!(reply.status(), 200, "{path} {accept}");
                assert_eq!(reply.header("content-type"), Some(format.content_type), "{path}");
                assert_eq!(reply.body, body(format, 995), "{path}");
                assert_eq!(reply.header("vary"), Some("accept-encoding"), "{path}");
                assert!(reply.header("age").is_some(), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_link_to_csv_is_a_file_with_the_words_name() {
    let server = Server::start().await;
    let file = "attachment; filename=\"counts-the.csv\"; filename*=UTF-8''counts-the.csv";
    for path in ["/?format=csv", "/counts.csv"] {
        let reply = server.get(path, "").await;
        assert_eq!(reply.header("content-disposition"), Some(file), "{path}");
        // In gzip, too.
        let encoded = server.get(path, "Accept-Encoding: gzip\r\n").await;
        assert_eq!(encoded.header("content-disposition"), Some(file), "{path}");
    }
    for (path, fields) in [
        ("/", "Accept: text/csv\r\n"),
        ("/counts.json", ""),
        ("/counts.html", ""),
    ] {
        let reply = server.get(path, fields).await;
        assert_eq!(reply.header("content-disposition"), None, "{path}");
    }
}

/// In each format, including those that cannot show it.
#[tokio::test]
async fn sample_data_is_marked_by_a_field_and_by_the_files_name() {
    let server = Server::start().await;
    for path in ["/", "/counts.csv", "/counts.txt", "/counts.json"] {
        let reply = server.get(path, "").await;
        assert_eq!(reply.header("x-sample-data"), None, "{path}");
    }
    server.publish_sample();
    for path in ["/", "/counts.csv", "/counts.txt", "/counts.json"] {
        let reply = server.get(path, "").await;
        assert_eq!(reply.header("x-sample-data"), Some("bigquery-standin"), "{path}");
    }
    let file = server.get("/counts.csv", "").await;
    let name = file.header("content-disposition").unwrap();
    assert!(name.contains("filename=\"sample-counts-the.csv\""), "{name}");
}

#[tokio::test]
async fn links_are_conditional_and_have_a_head() {
    let server = Server::start().await;
    for path in [
        "/counts.csv",
        "/counts.json",
        "/?format=md",
        "/openapi.json",
        "/schema.json",
    ] {
        let get = server.get(path, "").await;
        let etag = get.header("etag").unwrap();
        let head = server
            .request(&format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        for field in ["content-length", "content-type", "etag", "cache-control", "vary"] {
            assert_eq!(head.header(field), get.header(field), "{path} {field}");
        }
        let known = server.get(path, &format!("If-None-Match: {etag}\r\n")).await;
        assert_eq!(known.status(), 304, "{path}");
        for field in ["etag", "cache-control", "vary"] {
            assert_eq!(known.header(field), get.header(field), "{path} {field}");
        }
    }
    // The same bytes and the same tag, however they are requested.
    let (by_link, by_accept) = (
        server.get("/counts.csv", "").await,
        server.get("/", "Accept: text/csv\r\n").await,
    );
    assert_eq!(by_link.header("etag"), by_accept.header("etag"));
}

#[tokio::test]
async fn an_unknown_value_is_400_with_what_would_be_right() {
    let server = Server::start().await;
    for (path, sentence) in [
        (
            "/?format=xls",
            "Unknown format 'xls': expected html, json, csv, md or txt.",
        ),
        ("/?order=name", "Unknown order 'name': expected count or rate."),
        (
            "/?format=csv&x=1&format=json",
            "The address has 'format' more than once: give it once.",
        ),
    ] {
        let reply = server.get(path, "Accept: application/problem+json\r\n").await;
        assert_eq!(reply.status(), 400, "{path}");
        assert_eq!(problem(&reply)["detail"], sentence);
        assert_eq!(reply.header("vary"), Some("accept"));
        assert_eq!(reply.header("connection"), None, "the connection goes on");
    }
    // If the address names a format, an error has its form, whatever else is wrong.
    for (method, path, status) in [
        ("GET", "/counts.json?order=", 400),
        ("GET", "/?format=json&order=x", 400),
        ("POST", "/counts.json", 405),
        ("POST", "/?format=json", 405),
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n");
        let reply = server.request(&request).await;
        assert_eq!(problem(&reply)["status"], status, "{method} {path}");
        assert_eq!(reply.header("vary"), None, "{method} {path}");
    }
    for path in ["/counts", "/counts.xls", "/counts.csv/", "/counts.CSV"] {
        assert_eq!(server.get(path, "").await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn an_error_at_a_link_has_the_form_for_its_format() {
    let server = Server::without_answer(Limits {
        first_answer: std::time::Duration::ZERO,
        ..Limits::default()
    });
    for (path, content_type) in [
        ("/counts.json", "application/problem+json"),
        ("/?format=json", "application/problem+json"),
        ("/counts.csv", "text/plain; charset=utf-8"),
        ("/counts.html", "text/html; charset=utf-8"),
    ] {
        let reply = server.get(path, "Accept: text/html\r\n").await;
        assert_eq!(reply.status(), 503, "{path}");
        assert_eq!(reply.header("content-type"), Some(content_type), "{path}");
        assert_eq!(reply.header("vary"), None, "{path}");
        assert_eq!(reply.header("content-disposition"), None, "{path}");
    }
    let reply = server.get("/counts.json", "").await;
    let problem = problem(&reply);
    let retry_after = reply.header("retry-after").unwrap();
    assert_eq!(problem["retry_after"].to_string(), retry_after);
    assert_eq!(problem["request_id"], reply.header("x-request-id").unwrap());
}

#[tokio::test]
async fn an_error_has_the_requests_own_id() {
    let server = Server::start().await;
    let fields = "Accept: application/json\r\nX-Request-Id: my-1\r\n";
    let reply = server.get("/none", fields).await;
    assert_eq!(problem(&reply)["request_id"], "my-1");
    assert_eq!(reply.header("x-request-id"), Some("my-1"));
}

#[tokio::test]
async fn links_count_under_one_path() {
    let server = Server::start().await;
    for format in FORMATS {
        server.get(&format!("/counts.{}", format.name), "").await;
    }
    server.get("/counts.xls", "").await;
    let metrics = server.metrics.render().unwrap();
    for line in [
        "wordtally_http_requests_total{path=\"/counts\",status=\"200\"} 5",
        "wordtally_http_requests_total{path=\"other\",status=\"404\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test]
async fn json_says_where_it_is_described() {
    let server = Server::start().await;
    let described = r#"<schema.json>; rel="describedby", <openapi.json>; rel="service-desc""#;
    for (path, fields) in [("/", "Accept: application/json\r\n"), ("/counts.json", "")] {
        assert_eq!(server.get(path, fields).await.header("link"), Some(described));
    }
    let html = server.get("/", "").await;
    assert_eq!(html.header("link"), None);
    assert_eq!(html.body, body(&html::FORMAT, 995));
}

/// The routes and the document agree: each path in it is served, and each path that is counted is in it.
#[tokio::test]
async fn openapi_has_every_route() {
    let server = Server::start().await;
    let reply = server.get("/openapi.json", "").await;
    assert_eq!(reply.header("cache-control"), Some("max-age=3600"));
    let document: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    for path in &paths {
        let reply = server.get(path, "").await;
        let operation = &document["paths"][*path]["get"];
        assert_eq!(reply.status(), 200, "{path}");
        let content = operation["responses"]["200"]["content"].as_object().unwrap();
        let content_type = reply.header("content-type").unwrap();
        let media_type = content_type.split(';').next().unwrap();
        assert!(content.contains_key(media_type), "{path}: {content_type}");
    }
    let mut expected: Vec<String> = wordtally::telemetry::PATHS
        .iter()
        .map(|path| (*path).to_owned())
        .collect();
    expected.retain(|path| path != "/counts" && path != "other");
    expected.extend(FORMATS.iter().map(|format| format!("/counts.{}", format.name)));
    expected.sort();
    let mut paths: Vec<String> = paths.into_iter().cloned().collect();
    paths.sort();
    assert_eq!(paths, expected);
    let parameters = &document["components"]["parameters"];
    assert_eq!(
        parameters["order"]["schema"]["enum"],
        serde_json::json!(Order::ALL.map(Order::name))
    );
}

/// Each property is described, and each described property exists.
#[tokio::test]
async fn the_schema_has_every_property() {
    let server = Server::start().await;
    let json = |reply: Reply| serde_json::from_slice::<serde_json::Value>(&reply.body).unwrap();
    let schema = server.get("/schema.json", "").await;
    assert_eq!(schema.header("content-type"), Some("application/schema+json"));
    let schema = json(schema);
    let answer = json(server.get("/counts.json", "").await);
    let keys = |value: &serde_json::Value| {
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let row = &schema["properties"]["counts"]["items"];
    for (schema, value) in [(&schema, &answer), (row, &answer["counts"][0])] {
        assert_eq!(keys(&schema["properties"]), keys(value));
        // Only a known work has these.
        let optional = |name: &String| name == "title" || name == "year";
        let mut required: Vec<_> = schema["required"].as_array().unwrap().iter().collect();
        required.sort_by_key(|name| name.as_str());
        let always: Vec<_> = keys(value).into_iter().filter(|name| !optional(name)).collect();
        assert_eq!(required, always.iter().collect::<Vec<_>>());
    }
    let embedded = json(server.get("/openapi.json", "").await)["components"]["schemas"]["Counts"].clone();
    assert_eq!(embedded["properties"], schema["properties"]);
}

/// Behind a reverse proxy the counts are at a path that the service does not know.
#[tokio::test]
async fn an_error_page_leads_to_the_counts_from_any_depth() {
    let server = Server::start().await;
    server.publish(995);
    for (path, home) in [
        ("/nothing", "./"),
        ("/no/such", "../"),
        ("/no/such/page", "../../"),
    ] {
        let reply = server.get(path, "accept: text/html\r\n").await;
        let link = format!("<a href=\"{home}\">See the counts</a>");
        assert!(reply.text().contains(&link), "{path}: {}", reply.text());
        let refused =
            format!("POST {path} HTTP/1.1\r\nhost: a\r\naccept: text/html\r\nconnection: close\r\n\r\n");
        let refused = server.request(&refused).await;
        assert_eq!(refused.status(), 405);
        assert!(refused.text().contains(&link), "{path}: {}", refused.text());
    }
    // The relative link from a too long address is not as long.
    let long = server.get(&"/a".repeat(600), "accept: text/html\r\n").await;
    assert_eq!(long.status(), 414);
    assert!(long.text().contains("<a href=\"./\">"), "{}", long.text());
}
