//! The lines of a closure: one closure has one text.

use std::cell::RefCell;

use wordtally_deploy::closure::{Closure, Malformed, is_store_path, nar_hash};

const A: &str = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-a";
const B: &str = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-b";

fn hash(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(52))
}

fn refused(lines: &str) -> String {
    Closure::parse(lines).unwrap_err().to_string()
}

#[test]
fn written_lines_are_read_back() {
    let lines = format!("{A} {}\n{B} {}\n", hash("0"), hash("1"));
    let closure = Closure::parse(&lines).unwrap();
    assert_eq!(closure.lines(), lines);
    assert_eq!(
        closure.digest(),
        wordtally_deploy::closure::sha256(lines.as_bytes())
    );
    let queried = Closure::from_queries(&format!("{B}\n{A}\n"), &format!("{}\n{}\n", hash("1"), hash("0")));
    assert_eq!(queried, Ok(closure));
}

#[test]
fn a_name_that_begins_another_keeps_the_order_of_the_bytes() {
    // "a" sorts before "a-b" by path, and also by line, because a space sorts before a hyphen.
    let long = format!("{A}-b");
    let lines = format!("{A} {}\n{long} {}\n", hash("1"), hash("0"));
    assert_eq!(Closure::parse(&lines).unwrap().lines(), lines);
}

#[test]
fn each_malformed_line_is_named() {
    let good = format!("{A} {}", hash("0"));
    let form = "of the closure is malformed: expected `/nix/store/HASH-NAME sha256:HASH`";
    for line in [
        "".to_owned(),
        A.to_owned(),
        format!("{B}  {}", hash("0")),
        format!("{B} {} ", hash("0")),
        format!("{B} {}", hash("e")),
        format!("{B} sha256:{}", "0".repeat(64)),
        format!("{B} {}", hash("0").to_uppercase()),
        format!("{B}/bin/sh {}", hash("0")),
        format!("/nix/store/.. {}", hash("0")),
        format!("/etc/passwd {}", hash("0")),
    ] {
        assert_eq!(
            refused(&format!("{good}\n{line}\n")),
            format!("line 2 {form}"),
            "{line:?}"
        );
    }
    assert_eq!(
        refused(&good),
        "line 1 of the closure has no line end: the list was truncated"
    );
    assert_eq!(
        refused(&format!("{B} {}\n{good}\n", hash("0"))),
        "line 2 of the closure is out of order: expected sorted lines, as `LC_ALL=C sort` writes them"
    );
    for again in [good.clone(), format!("{A} {}", hash("1"))] {
        assert_eq!(
            refused(&format!("{good}\n{again}\n")),
            "line 2 of the closure names a path again: expected each path once"
        );
    }
}

#[test]
fn a_query_without_a_hash_is_refused() {
    let said = Closure::from_queries(&format!("{A}\n{B}\n"), &format!("{}\n", hash("0")));
    assert_eq!(
        said.unwrap_err().to_string(),
        "the store returned 1 hashes for 2 paths: expected one for each"
    );
}

#[test]
fn only_an_object_of_the_store_is_a_store_path() {
    assert!(is_store_path(A));
    for path in [
        "",
        "/nix/store/",
        "/nix/store/é",
        "/nix/store/0123456789abcdfghijklmnpqrsvwxy",
        "relative",
    ] {
        assert!(!is_store_path(path), "{path}");
    }
    for end in ["/", "/../b", " b", "\n", "é"] {
        assert!(!is_store_path(&format!("{A}{end}")), "{end:?}");
    }
}

#[test]
fn a_hash_is_written_as_nix_writes_it() {
    // `nix-hash --type sha256 --to-base32` of the SHA-256 of nothing.
    let empty = ring::digest::digest(&ring::digest::SHA256, b"");
    assert_eq!(
        nar_hash(empty.as_ref()),
        "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
    );
}

#[test]
fn the_hashes_of_a_large_closure_are_asked_for_in_parts() {
    let paths: Vec<_> = (0..1200).map(|number| format!("{A}-{number}")).collect();
    let asked = RefCell::new(Vec::new());
    let closure = Closure::in_store::<Malformed>(A, |what, of| {
        asked.borrow_mut().push((what.to_owned(), of.len()));
        Ok(match what {
            "--requisites" => paths.join("\n"),
            _ => format!("{}\n", hash("0")).repeat(of.len()),
        })
    });
    assert_eq!(closure.unwrap().0.len(), 1200);
    let asked = asked.into_inner();
    let asked: Vec<_> = asked.iter().map(|(what, of)| (what.as_str(), *of)).collect();
    assert_eq!(
        asked,
        [
            ("--requisites", 1),
            ("--hash", 500),
            ("--hash", 500),
            ("--hash", 200)
        ]
    );
}
