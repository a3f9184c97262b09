//! Only a word that is worse than before refuses a release.

use std::fs;

use serde_json::{Value, json};

use crate::machine::{Machine, NEW, OLD, Word};

fn ended(machine: &Machine, force: Option<&str>) -> (String, String, String) {
    machine.begin(force);
    let end = machine.watch();
    machine.settle();
    assert!(machine.left().is_empty(), "left: {:?}", machine.left());
    let lines: Vec<_> = end["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    (
        end["state"].as_str().unwrap().to_owned(),
        end["reason"].as_str().unwrap_or_default().to_owned(),
        lines.join("\n"),
    )
}

/// Deploys a release that must be refused with this sentence, and changes nothing.
#[track_caller]
fn is_refused(machine: &Machine, force: Option<&str>, why: &str) {
    let (state, reason, _) = ended(machine, force);
    assert_eq!((state.as_str(), reason.as_str()), ("refused", why));
    assert_eq!([machine.current(), machine.default()], [OLD, OLD]);
    assert!(
        !machine.read("commands").contains("switch test"),
        "it was activated"
    );
}

/// Deploys a release that must stay; returns the lines of the deployment.
#[track_caller]
fn stays(machine: &Machine, force: Option<&str>) -> String {
    let (state, reason, log) = ended(machine, force);
    assert_eq!(state, "committed", "{reason}\n{log}");
    log
}

fn secret(machine: &Machine, system: &str, path: &str, text: &str) {
    let file = format!("/secrets{path}-{}", text.len());
    fs::create_dir_all(machine.at(&file).parent().unwrap()).unwrap();
    machine.write(&file, text);
    machine.configure(&format!("{system}/etc/deploy-host/host.json"), |config| {
        config["secrets"][path] = json!(file);
    });
}

/// The old unit of a word in the new system.
fn unchanged(machine: &Machine, word: &str) {
    for kind in ["service", "socket"] {
        let below = format!("etc/systemd/system/wordtally-{word}.{kind}");
        machine.write(
            &format!("{NEW}/{below}"),
            &machine.read(&format!("{OLD}/{below}")),
        );
    }
}

#[test]
fn a_word_that_does_not_get_ready_refuses() {
    let machine = Machine::new();
    machine.answers(NEW, "love", Word::Unready);
    is_refused(&machine, None, "love: not ready: the key was refused");
}

#[test]
fn a_word_that_was_not_ready_before_refuses_nothing() {
    let machine = Machine::new();
    machine.answers(OLD, "love", Word::Unready);
    machine.answers(NEW, "love", Word::Unready);
    let log = stays(&machine, None);
    assert!(
        log.contains("readiness: love is not ready, which is excused: not ready: the key was refused"),
        "{log}"
    );
    assert_eq!(machine.progress()["excused"], json!(["love"]));
    let status = machine.asked(&json!({ "request": "status" }));
    assert_eq!(status["done"]["last"]["excused"], json!(["love"]));
}

#[test]
fn a_new_word_is_excused_only_where_no_word_is_ready() {
    for (love, state) in [(Word::Unready, "committed"), (Word::Ready, "refused")] {
        let machine = Machine::new();
        machine.system(OLD, &[("love", love)]);
        machine.answers(NEW, "the", Word::Unready);
        let (ended, reason, log) = ended(&machine, None);
        assert_eq!(ended, state, "{reason}\n{log}");
    }
}

#[test]
fn wrong_counts_refuse_whatever_was_before_and_whatever_is_forced() {
    for force in [None, Some("an outage")] {
        let machine = Machine::new();
        machine.answers(OLD, "the", Word::Unready);
        machine.answers(NEW, "the", Word::Wrong);
        is_refused(&machine, force, "the: hamlet has 3 and not 995");
    }
}

#[test]
fn a_forced_release_stays_though_a_word_is_not_ready_and_its_log_says_why() {
    let machine = Machine::new();
    machine.answers(NEW, "love", Word::Unready);
    let log = stays(&machine, Some("the quota is used up"));
    assert!(log.starts_with("forced: the quota is used up\n"), "{log}");
}

#[test]
fn only_changed_words_have_a_preflight() {
    let machine = Machine::new();
    unchanged(&machine, "the");
    let log = stays(&machine, None);
    assert!(
        log.contains("preflight: the is unchanged") && log.contains("preflight: love is ready"),
        "{log}"
    );
    assert_eq!(machine.read("preflights"), "love.service\n");
}

#[test]
fn a_changed_secret_is_what_the_preflight_uses() {
    let machine = Machine::new();
    for word in ["the", "love"] {
        unchanged(&machine, word);
    }
    secret(&machine, NEW, "/run/agenix/bigquery.json", "good new one");
    let log = stays(&machine, None);
    assert!(
        log.contains("preflight: the new /run/agenix/bigquery.json can be decrypted"),
        "{log}"
    );
    assert_eq!(machine.read("preflights"), "love.service\nthe.service\n");
    assert_eq!(machine.read("credential"), "good new one");
}

#[test]
fn a_secret_that_no_key_decrypts_refuses_though_no_word_has_it() {
    let machine = Machine::new();
    secret(&machine, NEW, "/run/agenix/other", "bad");
    let why = "no key of this host decrypts the secret /run/agenix/other: age --decrypt ended with 1: age: error: no identity matched any of the recipients";
    is_refused(&machine, None, why);
}

#[test]
fn a_secret_of_the_same_content_at_another_path_is_not_a_change() {
    let machine = Machine::new();
    for word in ["the", "love"] {
        unchanged(&machine, word);
    }
    secret(&machine, NEW, "/run/agenix/bigquery.json", "good old");
    stays(&machine, None);
    assert_eq!(machine.read("preflights"), "");
}

#[test]
fn a_unit_that_fails_newly_rolls_back_and_one_that_had_failed_does_not() {
    let machine = Machine::new();
    machine.write("failed-units", "before.service loaded failed\n");
    machine.write(
        &format!("{NEW}/failing"),
        "before.service loaded failed\nnew.service loaded failed\n",
    );
    let (state, reason, log) = ended(&machine, None);
    assert_eq!(
        (state.as_str(), reason.as_str()),
        ("rolled-back", "its activation ended with 4")
    );
    assert!(
        log.contains("failed: new.service\n") || log.ends_with("failed: new.service"),
        "{log}"
    );
    assert_eq!([machine.current(), machine.default()], [OLD, OLD]);
}

#[test]
fn a_unit_that_fails_before_and_after_refuses_nothing_and_hinders_no_rollback() {
    for (confirmation, end) in [(20, "committed"), (1, "rolled-back")] {
        let machine = Machine::new();
        let failing = "before.service loaded activating auto-restart\n";
        machine.write("failed-units", failing);
        for system in [OLD, NEW] {
            machine.write(&format!("{system}/failing"), failing);
        }
        machine.begin_for(None, confirmation);
        let last = if end == "committed" {
            machine.watch()
        } else {
            machine.settle();
            machine.progress()
        };
        machine.settle();
        assert_eq!(last["state"], end, "{last}\n{}", machine.read("journal"));
    }
}

#[test]
fn a_unit_of_an_excused_word_may_fail() {
    let machine = Machine::new();
    machine.answers(OLD, "love", Word::Unready);
    machine.answers(NEW, "love", Word::Unready);
    machine.write(
        &format!("{NEW}/failing"),
        "wordtally-love.service loaded activating\n",
    );
    stays(&machine, None);
}

#[test]
fn a_missing_confirmation_rolls_it_back() {
    let machine = Machine::new();
    machine.begin_unconfirmed(2);
    machine.settle();
    let end = machine.progress();
    assert_eq!(
        (end["state"].as_str(), end["reason"].as_str()),
        (
            Some("rolled-back"),
            Some("it was not confirmed from outside within 2 s")
        )
    );
    assert_eq!([machine.current(), machine.default()], [OLD, OLD]);
}
