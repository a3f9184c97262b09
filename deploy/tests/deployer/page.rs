//! The requests to a word's page, and the faults of its response.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wordtally_deploy::page::{Outside, Patience, Wrong, compare, counts as ask, readiness};

use crate::server::{Limit, counts, known, ready, response, serve, serve_tls, serve_unix};
use crate::tls::Certificate;

const SOON: Duration = Duration::from_secs(5);

fn within(time: Duration) -> Patience<'static> {
    Patience {
        until: Instant::now() + time,
        asks_again: true,
        given_up: &|| false,
    }
}

#[test]
fn a_page_is_compared_with_the_counts_that_are_known() {
    let server = serve(|_| counts([("hamlet", 3), ("othello", 1)]));
    let got = ask("the", &server.address, SOON).unwrap();
    assert_eq!(compare("the", &known([("othello", 1)]), &got).unwrap(), 2);
    let wrong = compare("the", &known([("hamlet", 995), ("macbeth", 2)]), &got).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "the: hamlet has 3 and not 995, macbeth has nothing and not 2"
    );
    assert!(wrong.is_wrong_answer());
}

#[test]
fn an_instance_is_ready_only_by_its_own_word() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("the.sock");
    serve_unix(&socket, |path| match path {
        "/readyz" => ready(),
        _ => response("404 Not Found", "", ""),
    });
    let listen = format!("unix:{}", socket.display());
    readiness(&listen, SOON).unwrap();

    let says = |status: &'static str, body: &'static str| {
        let server = serve(move |_| response(status, "", body));
        readiness(&server.address, SOON).unwrap_err().to_string()
    };
    assert_eq!(
        says("503 Service Unavailable", "not ready: no\ntable\n"),
        "not ready: no table"
    );
    assert_eq!(says("200 OK", "almost ready"), "almost ready");
    assert_eq!(says("500 Internal Server Error", ""), "it answers 500");
    let nobody = readiness("unix:/nonexistent/socket", SOON)
        .unwrap_err()
        .to_string();
    assert!(nobody.starts_with("it does not answer: No such file"), "{nobody}");
}

#[test]
fn any_other_response_is_reported_in_a_sentence() {
    let says = |answer: fn(&str) -> crate::server::Answer| {
        let server = serve(answer);
        ask("the", &server.address, Duration::from_secs(1)).unwrap_err()
    };
    let error = says(|_| response("404 Not Found", "", "no such\tpage"));
    assert_eq!(error.to_string(), "the answers 404: no such page");
    assert!(!error.is_wrong_answer());
    // A redirect is not followed.
    assert_eq!(
        says(|_| response("301 Moved Permanently", "Location: /the/\r\n", "")).to_string(),
        "the answers 301"
    );
    for body in ["", "{}", "{\"counts\":[{\"corpus\":\"hamlet\"}]}", "<html>"] {
        let server = serve(move |_| response("200 OK", "", body));
        let error = ask("the", &server.address, SOON).unwrap_err();
        assert_eq!(error.to_string(), "the is not a word's page");
        assert!(error.is_wrong_answer());
    }
    let hangs = says(|_| {
        std::thread::sleep(Duration::from_secs(3));
        None
    });
    assert_eq!(hangs.to_string(), "the: it takes too long");
}

#[test]
fn a_body_is_bounded_in_size_and_in_time() {
    let server = serve(|_| response("200 OK", "", &"x".repeat(17 << 20)));
    let error = ask("the", &server.address, SOON).unwrap_err().to_string();
    assert_eq!(error, "the: its body has more than 16777216 bytes");

    // Each read returns something, and there is no end.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let mut left = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while left.is_ok() {
            std::thread::sleep(Duration::from_millis(100));
            left = stream.write_all(b" ");
        }
    });
    let begun = Instant::now();
    let error = ask("the", &address, Duration::from_secs(1))
        .unwrap_err()
        .to_string();
    assert_eq!(error, "the: its body is incomplete: it takes too long");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

/// The default of a numeric option of the reverse proxy.
fn default_of(option: &str) -> f64 {
    let module = concat!(env!("CARGO_MANIFEST_DIR"), "/../nix/modules/reverse-proxy.nix");
    let text = std::fs::read_to_string(module).unwrap();
    let (_, rest) = text.split_once(&format!("{option} = mkOption")).unwrap();
    let (_, rest) = rest.split_once("default = ").unwrap();
    rest.split_once(';').unwrap().0.parse().unwrap()
}

#[test]
fn production_s_own_limit_lets_150_words_through_within_the_confirmation() {
    let (rate, burst) = (default_of("requestsPerSecond"), default_of("burst"));
    let limit = Limit::new(rate, burst);
    let refused = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&refused);
    let server = serve(move |_| {
        if limit.allows() {
            return counts([("hamlet", 995)]);
        }
        counted.fetch_add(1, Ordering::Relaxed);
        response("429 Too Many Requests", "Retry-After: 1\r\n", "")
    });
    let mut outside = Outside::new(None).unwrap();
    let begun = Instant::now();
    for word in 0..150 {
        let url = format!("http://{}/{word}/", server.address);
        outside
            .check(&url, &known([("hamlet", 995)]), within(Duration::from_secs(90)))
            .unwrap();
    }
    assert_eq!(refused.load(Ordering::Relaxed), 0, "it is faster than the limit");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_eq!(*server.connections.lock().unwrap(), 1, "the connection is kept");
}

#[test]
fn a_limit_that_others_used_up_is_waited_for() {
    let limit = Limit::new(2.0, 0.0);
    let server = serve(move |_| match limit.allows() {
        true => counts([("hamlet", 995)]),
        false => response("429 Too Many Requests", "Retry-After: 1\r\n", "slow down"),
    });
    let url = format!("http://{}/the/", server.address);
    let mut outside = Outside::new(None).unwrap();
    for _ in 0..3 {
        outside
            .check(&url, &known([]), within(Duration::from_secs(10)))
            .unwrap();
    }
    // Without patience the refusal is reported at once.
    let impatient = Patience {
        asks_again: false,
        ..within(Duration::from_secs(10))
    };
    let error = outside.check(&url, &known([]), impatient).unwrap_err();
    assert_eq!(error.to_string(), format!("{url} answers 429: slow down"));
}

#[test]
fn a_restart_is_waited_for_as_long_as_it_asks_and_there_is_time() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let server = serve(move |path| {
        seen.lock().unwrap().push(Instant::now());
        let first = seen.lock().unwrap().len() == 1;
        match path {
            "/late/" => response("503 Service Unavailable", "Retry-After: 3600\r\n", ""),
            "/down/" => response("503 Service Unavailable", "", "down"),
            _ if first => response("503 Service Unavailable", "Retry-After: 2\r\n", ""),
            _ => counts([]),
        }
    });
    let mut outside = Outside::new(None).unwrap();
    let mut check = |path: &str| {
        let url = format!("http://{}/{path}/", server.address);
        outside.check(&url, &known([]), within(Duration::from_secs(30)))
    };
    check("the").unwrap();
    let times = asked.lock().unwrap().clone();
    assert!(
        times[1] - times[0] >= Duration::from_secs(2),
        "{:?}",
        times[1] - times[0]
    );
    let begun = Instant::now();
    assert!(
        check("late")
            .unwrap_err()
            .to_string()
            .ends_with("/late/ answers 503")
    );
    assert!(
        check("down")
            .unwrap_err()
            .to_string()
            .ends_with("/down/ answers 503: down")
    );
    assert!(begun.elapsed() < SOON);
}

#[test]
fn an_interrupted_check_asks_no_more() {
    let server = serve(|_| response("429 Too Many Requests", "Retry-After: 20\r\n", ""));
    let url = format!("http://{}/the/", server.address);
    let end = Instant::now() + Duration::from_secs(1);
    let given_up = move || Instant::now() > end;
    let patience = Patience {
        given_up: &given_up,
        ..within(Duration::from_secs(60))
    };
    let error = Outside::new(None)
        .unwrap()
        .check(&url, &known([]), patience)
        .unwrap_err();
    assert!(matches!(error, Wrong::Unwanted(_)), "{error}");
    assert!(end.elapsed() < SOON);
}

#[test]
fn a_certificate_is_checked_against_the_release_s_own_authority() {
    let certificate = Certificate::new();
    let server = serve_tls(&certificate, |_| counts([("hamlet", 995)]));
    let url = server.address.replace("127.0.0.1", "https://localhost") + "/the/";
    let check = |authority: Option<&str>, url: &str| {
        let mut outside = Outside::new(authority).unwrap();
        outside.check(url, &known([("hamlet", 995)]), within(SOON))
    };
    assert_eq!(check(Some(&certificate.pem), &url).unwrap(), 1);
    // One of several, as after a change of authorities.
    let both = Certificate::new().pem + &certificate.pem;
    assert_eq!(check(Some(&both), &url).unwrap(), 1);
    for authority in [Some(Certificate::new().pem), None] {
        let error = check(authority.as_deref(), &url).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{url}: invalid peer certificate: ")),
            "{error}"
        );
    }
    let other = url.replace("localhost", "127.0.0.1");
    let error = check(Some(&certificate.pem), &other).unwrap_err().to_string();
    assert!(
        error.contains("certificate not valid for name \"127.0.0.1\""),
        "{error}"
    );
}

#[test]
fn an_invalid_authority_is_refused() {
    for pem in ["", "no certificate"] {
        let error = Outside::new(Some(pem)).unwrap_err();
        assert_eq!(
            error,
            "the certificate authority has no certificate: give PEM text"
        );
    }
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(Outside::new(Some(broken)).is_err());
}
