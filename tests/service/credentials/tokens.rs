//! How tokens are cached, shared and replaced.

use std::time::{Duration, Instant};

use serde_json::json;
use wordtally::cause::chain;
use wordtally::credentials::{Kind, Limits, Origin, Tokens};

use crate::clock::{clock, suspend};
use crate::upstream::*;

/// yup-oauth2 sends 20 requests for these 20 callers.
#[tokio::test]
async fn twenty_callers_share_one_fetch() {
    let peer = Peer::start(|_| {
        Reply::After(
            Duration::from_millis(50),
            json!({"access_token": "shared", "expires_in": 3600}),
        )
    })
    .await;
    let tokens = tokens(&service_account(&peer));
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let tokens = tokens.clone();
            tokio::spawn(async move { tokens.token().await })
        })
        .collect();
    for caller in callers {
        let token = caller.await.expect("no panic").expect("a token");
        assert_eq!(token.secret(), "shared");
    }
    assert_eq!(tokens.token().await.expect("a token").secret(), "shared");
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_nobody_elses_wait() {
    let peer = Peer::start(|_| {
        Reply::After(
            Duration::from_millis(100),
            json!({"access_token": "shared", "expires_in": 3600}),
        )
    })
    .await;
    let tokens = tokens(&authorized_user(&peer));
    let first = tokens.clone();
    let first = tokio::spawn(async move { first.token().await.is_ok() });
    peer.awaited("/token").await;
    let second = tokens.clone();
    let second = tokio::spawn(async move { second.token().await });
    tokio::task::yield_now().await;
    first.abort();
    assert_eq!(
        second.await.expect("no panic").expect("a token").secret(),
        "shared"
    );
    assert_eq!(peer.seen().len(), 1);
}

/// yup-oauth2 caches each of the first three as "no token" for ever, and passes the others on.
#[tokio::test]
async fn an_answer_without_a_usable_token_is_an_error_and_not_kept() {
    let cases = [
        json!({}),
        json!({"error": {"code": 503, "message": "busy"}}),
        json!({"access_token": null, "expires_in": 3600}),
        json!({"access_token": "", "expires_in": 3600}),
        json!({"access_token": "a b", "expires_in": 3600}),
        json!({"access_token": "a\r\nx: y", "expires_in": 3600}),
        json!({"access_token": "expired", "expires_in": 0}),
    ];
    let mut all = tokio::task::JoinSet::new();
    for body in cases {
        for service in [true, false] {
            let body = body.clone();
            all.spawn(async move { fails_then_recovers(body, service).await });
        }
    }
    all.join_all().await;
}

async fn fails_then_recovers(body: serde_json::Value, service: bool) {
    let shown = body.to_string();
    let peer = Peer::start(move |request| match request.nth {
        0..3 => Reply::Json(200, body.clone()),
        _ => granted("good"),
    })
    .await;
    let credential = match service {
        true => service_account(&peer),
        false => authorized_user(&peer),
    };
    let tokens = tokens(&credential);
    let error = tokens.token().await.expect_err(&shown);
    assert_eq!(error.kind, Kind::Unavailable, "{shown}: {error}");
    // It is tried three times, and then returned from memory for a moment: no stampede.
    let again = tokens.token().await.expect_err(&shown);
    assert_eq!((again.kind, chain(&again)), (error.kind, chain(&error)));
    assert_eq!(peer.seen().len(), 3, "{shown}");
    tokio::time::sleep(Duration::from_millis(520)).await;
    assert_eq!(tokens.token().await.expect("a token").secret(), "good", "{shown}");
}

/// yup-oauth2 adds these to its clock, which overflows and panics.
#[tokio::test]
async fn an_absurd_lifetime_is_a_long_or_a_short_one() {
    let long = [
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "1e300",
        "3600.5",
    ];
    let over = ["-1", "-9223372036854775808", "-1e300", "0", "0.0"];
    let unknown = ["\"3600\"", "null", "{}", "[]"];
    for (lifetime, good) in long
        .iter()
        .chain(&unknown)
        .map(|x| (x, true))
        .chain(over.iter().map(|x| (x, false)))
    {
        let body: serde_json::Value =
            serde_json::from_str(&format!(r#"{{"access_token": "x", "expires_in": {lifetime}}}"#))
                .expect("JSON");
        let peer = Peer::start(move |_| Reply::Json(200, body.clone())).await;
        for credential in [service_account(&peer), authorized_user(&peer)] {
            match tokens(&credential).token().await {
                Ok(token) => assert!(good && token.secret() == "x", "{lifetime}"),
                Err(error) => assert!(
                    !good && chain(&error).contains("has expired already"),
                    "{lifetime}: {error}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn a_token_is_replaced_before_it_ends() {
    let peer = Peer::start(|request| {
        let token = format!("token-{}", request.nth);
        Reply::Json(200, json!({"access_token": token, "expires_in": 1}))
    })
    .await;
    let tokens = tokens(&authorized_user(&peer));
    assert_eq!(tokens.token().await.expect("a token").secret(), "token-0");
    assert_eq!(tokens.token().await.expect("a token").secret(), "token-0");
    // It is valid for a second, and is used for three quarters of it.
    tokio::time::sleep(Duration::from_millis(780)).await;
    assert_eq!(tokens.token().await.expect("a token").secret(), "token-1");
}

/// BigQuery would refuse a token that expired while the machine was suspended.
#[tokio::test]
async fn the_time_of_a_suspension_counts_for_a_token() {
    let peer = peer(|_| Reply::Close).await;
    let origin = Origin::File(file(&authorized_user(&peer).to_string()));
    let limits = Limits {
        fetch: Duration::from_secs(2),
        backoff: Duration::from_millis(5),
    };
    let tokens = Tokens::with_clock(origin, limits, clock());
    assert_eq!(tokens.token().await.expect("a token").secret(), "token-0");
    suspend(Duration::from_secs(3500));
    assert_eq!(tokens.token().await.expect("a token").secret(), "token-0");
    suspend(Duration::from_secs(50));
    assert_eq!(tokens.token().await.expect("a token").secret(), "token-1");
}

#[tokio::test]
async fn an_old_token_is_used_until_it_expires_if_there_is_no_new_one() {
    let peer = Peer::start(|request| match request.nth {
        0 => Reply::Json(200, json!({"access_token": "old", "expires_in": 2})),
        _ => Reply::Text(503, "busy"),
    })
    .await;
    let tokens = tokens(&authorized_user(&peer));
    tokens.token().await.expect("a token");
    tokio::time::sleep(Duration::from_millis(1550)).await;
    assert_eq!(tokens.token().await.expect("the old token").secret(), "old");
    assert_eq!(peer.seen().len(), 4);
    tokio::time::sleep(Duration::from_millis(500)).await;
    tokens.token().await.expect_err("it has ended");
}

#[tokio::test]
async fn a_refused_token_is_dropped_but_never_a_newer_one() {
    let peer = peer(|_| Reply::Close).await;
    let tokens = tokens(&authorized_user(&peer));
    let first = tokens.token().await.expect("a token");
    tokens.invalidate(&first);
    let second = tokens.token().await.expect("a token");
    assert_eq!((first.secret(), second.secret()), ("token-0", "token-1"));
    tokens.invalidate(&first);
    assert_eq!(tokens.token().await.expect("a token"), second);
    assert_eq!(peer.seen().len(), 2);
}

#[tokio::test]
async fn a_new_file_is_used_for_the_next_token_and_a_bad_one_is_an_error_till_it_is_good() {
    let peer = peer(|_| Reply::Close).await;
    let mut credential = authorized_user(&peer);
    let path = file(&credential.to_string());
    let tokens = tokens_of(&path);
    let first = tokens.token().await.expect("a token");

    credential["refresh_token"] = json!("hush-rotated");
    std::fs::write(&path, credential.to_string()).expect("a file");
    tokens.invalidate(&first);
    let second = tokens.token().await.expect("a token");
    assert_eq!(peer.to("/token")[1].form()["refresh_token"], "hush-rotated");

    std::fs::write(&path, "{").expect("a file");
    assert_eq!(tokens.token().await.expect("the old token"), second);
    tokens.invalidate(&second);
    let error = tokens.token().await.expect_err("a failure");
    assert_eq!(error.kind, Kind::Refused);
    assert!(chain(&error).contains("is not JSON"), "{error}");

    std::fs::write(&path, credential.to_string()).expect("a file");
    tokio::time::sleep(Duration::from_millis(520)).await;
    assert_eq!(tokens.token().await.expect("a token").secret(), "token-2");
}

#[tokio::test]
async fn after_a_renewal_the_next_use_reads_the_file_and_the_old_token_serves_if_that_is_bad() {
    let peer = peer(|_| Reply::Close).await;
    let mut credential = authorized_user(&peer);
    let path = file(&credential.to_string());
    let tokens = tokens_of(&path);
    let first = tokens.token().await.expect("a token");

    std::fs::write(&path, "{").expect("a file");
    tokens.renew();
    assert_eq!(tokens.token().await.expect("the old token"), first);

    credential["refresh_token"] = json!("hush-rotated");
    std::fs::write(&path, credential.to_string()).expect("a file");
    // Immediately, although a failure just now would otherwise be returned.
    tokens.renew();
    let second = tokens.token().await.expect("a token");
    assert_eq!(second.secret(), "token-1");
    assert_eq!(tokens.token().await.expect("a token"), second);
    assert_eq!(peer.to("/token")[1].form()["refresh_token"], "hush-rotated");
}

#[tokio::test]
async fn a_fetch_that_began_before_a_renewal_is_not_kept() {
    let peer = Peer::start(|request| match request.nth {
        0 => Reply::After(
            Duration::from_millis(200),
            json!({"access_token": "by-the-old-file", "expires_in": 3600}),
        ),
        _ => granted("by-the-new-file"),
    })
    .await;
    let tokens = tokens(&authorized_user(&peer));
    let early = tokens.clone();
    let early = tokio::spawn(async move { early.token().await });
    peer.awaited("/token").await;
    tokens.renew();
    assert_eq!(tokens.token().await.expect("a token").secret(), "by-the-new-file");
    let waited = early.await.expect("no panic").expect("a token");
    assert_eq!(waited.secret(), "by-the-old-file");
    assert_eq!(tokens.token().await.expect("a token").secret(), "by-the-new-file");
}

/// yup-oauth2 ignores its own timeout with a custom client, and the timeout never covers the body.
#[tokio::test]
async fn a_token_server_that_hangs_is_given_up_in_time() {
    let replies: [fn() -> Reply; 2] = [|| Reply::Hang, || Reply::HangInBody];
    for reply in replies {
        let peer = Peer::start(move |_| reply()).await;
        for credential in [service_account(&peer), authorized_user(&peer)] {
            let limits = Limits {
                fetch: Duration::from_millis(200),
                backoff: Duration::from_millis(5),
            };
            let tokens = Tokens::new(Origin::File(file(&credential.to_string())), limits);
            let began = Instant::now();
            let error = tokens.token().await.expect_err("a failure");
            assert_eq!(error.kind, Kind::Unavailable);
            let took = began.elapsed();
            assert!(took < Duration::from_secs(2), "{took:?}");
        }
    }
}

#[tokio::test]
async fn one_request_that_hangs_leaves_time_for_the_next() {
    let peer = Peer::start(|request| match request.nth {
        0 => Reply::Hang,
        _ => granted("good"),
    })
    .await;
    let limits = Limits {
        fetch: Duration::from_millis(1500),
        backoff: Duration::from_millis(5),
    };
    let source = Origin::File(file(&authorized_user(&peer).to_string()));
    let token = Tokens::new(source, limits).token().await.expect("a token");
    assert_eq!(token.secret(), "good");
}

#[tokio::test]
async fn transient_failures_are_retried_and_refusals_are_not() {
    let passing: [fn() -> Reply; 4] = [
        || Reply::Close,
        || Reply::Text(503, "<html>busy</html>"),
        || Reply::Json(503, json!({"error": "temporarily_unavailable"})),
        || Reply::Json(500, json!({"error": "internal_failure"})),
    ];
    for reply in passing {
        let peer = Peer::start(move |request| match request.nth {
            0 => reply(),
            _ => granted("good"),
        })
        .await;
        for credential in [service_account(&peer), authorized_user(&peer)] {
            assert_eq!(
                tokens(&credential).token().await.expect("a token").secret(),
                "good"
            );
        }
        assert_eq!(peer.seen().len(), 3);
    }
    for code in [
        "invalid_grant",
        "invalid_client",
        "unauthorized_client",
        "invalid_scope",
    ] {
        let peer = Peer::start(move |_| {
            Reply::Json(
                400,
                json!({"error": code, "error_description": "Account deleted"}),
            )
        })
        .await;
        for credential in [service_account(&peer), authorized_user(&peer)] {
            let error = tokens(&credential).token().await.expect_err(code);
            assert_eq!(error.kind, Kind::Refused);
            assert!(
                chain(&error).contains(code) && chain(&error).contains("Account deleted"),
                "{error}"
            );
        }
        assert_eq!(peer.seen().len(), 2, "{code}");
    }
}

#[tokio::test]
async fn no_debug_form_shows_a_secret() {
    let peer = peer(|_| Reply::Close).await;
    let tokens = tokens(&authorized_user(&peer));
    let token = tokens.token().await.expect("a token");
    for shown in [format!("{token:?}"), format!("{tokens:?}")] {
        assert!(!shown.contains("token-0") && !shown.contains("hush"), "{shown}");
    }
}
