//! `deploy-host` itself, killed or failed at each command that changes something, and on a full file system.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::machine::{ID, Machine, NEW, OLD};

/// The old or the new system, complete, without leftovers, and reported within seconds.
fn judge(machine: &Machine, what: &str) {
    let end = machine.watch();
    machine.settle();
    let last = machine.progress();
    let what = format!("{what}: {end}, {last}\n{}", machine.read("journal"));
    let runs = [
        machine.current(),
        machine.default(),
        machine.read("boot-loader").trim().to_owned(),
    ];
    assert!(
        runs == [OLD; 3] || runs == [NEW; 3],
        "neither whole: {runs:?}\n{what}"
    );
    assert!(machine.left().is_empty(), "left {:?}\n{what}", machine.left());
    match last["state"].as_str().unwrap() {
        "committed" => assert_eq!(runs, [NEW; 3], "{what}"),
        "refused" | "rolled-back" => assert_eq!(runs, [OLD; 3], "{what}"),
        "lost" => {
            let reason = last["reason"].as_str().unwrap();
            let runs = if runs == [OLD; 3] {
                "the old system"
            } else {
                "the new system"
            };
            assert!(
                reason.contains(&format!("the running system is {runs}")),
                "{what}"
            );
        }
        other => panic!("{other}: {what}"),
    }
}

/// The number of commands of a deployment that reaches its end.
fn commands() -> usize {
    let machine = Machine::new();
    machine.begin(None);
    judge(&machine, "no fault");
    machine.read("commands").lines().count()
}

fn at_each_command(kinds: &[&str], also: &(dyn Fn(&Machine) + Sync)) {
    let commands = commands();
    assert!(commands >= 10, "{commands}");
    let cases: Vec<_> = (1..=commands + 1)
        .flat_map(|at| kinds.iter().map(move |kind| format!("{at} {kind}")))
        .collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(fault) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let machine = Machine::new();
                    machine.write("fault", fault);
                    also(&machine);
                    machine.begin(None);
                    judge(&machine, fault);
                }
            });
        }
    });
    assert!(cases.len() >= 20, "{}", cases.len());
}

#[test]
fn each_command_may_fail_before_or_after_its_effect() {
    at_each_command(&["fail", "fail-after"], &|_| {});
}

#[test]
fn the_process_may_be_killed_before_or_after_each_command() {
    at_each_command(&["kill-before", "kill-after", "end-before"], &|_| {});
}

#[test]
fn the_rollback_may_be_killed_at_each_command_too() {
    // The new system never gets ready after its activation, so that each deployment rolls back.
    at_each_command(&["kill-before", "kill-after"], &|machine| {
        machine.write(&format!("{NEW}/failing"), "new.service loaded failed\n");
    });
}

#[test]
fn a_process_that_is_killed_in_a_state_is_rolled_back() {
    for state in ["preflight", "unconfirmed"] {
        let machine = Machine::new();
        if state == "preflight" {
            machine.answers(NEW, "the", crate::machine::Word::Unready);
        }
        machine.begin(None);
        machine.until(state);
        machine.kill();
        machine.settle();
        let end = machine.progress();
        assert_eq!(end["reason"], "it was interrupted", "{end}");
        judge(&machine, state);
        assert_eq!(machine.current(), OLD);
    }
}

#[test]
fn a_deployment_without_any_process_is_reported_as_lost_at_once() {
    let machine = Machine::new();
    machine.record("readiness");
    let begun = Instant::now();
    let end = machine.progress();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(end["state"], "lost");
    assert_eq!(
        end["reason"],
        format!(
            "its process on the host ended at 'readiness' without a report: the running system is the old system, {OLD}, and the next start boots the old system, {OLD}"
        )
    );
    // The next start, or an operator, repairs it.
    machine.recover();
    assert_eq!(machine.progress()["state"], "rolled-back");
    let unknown = machine.asked(&json!({ "request": "progress", "id": "fedcba9876543210", "seen": 0 }));
    assert_eq!(
        unknown["done"]["reason"],
        "the host does not know this deployment"
    );
}

#[test]
fn a_file_that_was_half_written_is_removed_too() {
    let machine = Machine::new();
    machine.record("preflight");
    let half = "run/systemd/system/.preflight-wordtally-love.socket.new";
    machine.write(half, "[Sock");
    machine.recover();
    assert!(machine.left().is_empty(), "{:?}", machine.left());
}

#[test]
fn a_system_that_an_operator_activated_since_stays() {
    let machine = Machine::new();
    machine.record("unconfirmed");
    let other = "/nix/store/33333333333333333333333333333333-other";
    machine.system(other, &[]);
    fs::remove_file(machine.at("run/current-system")).unwrap();
    std::os::unix::fs::symlink(other, machine.at("run/current-system")).unwrap();
    machine.recover();
    assert_eq!(machine.current(), other);
    // It only unloads the unit that has ended.
    assert_eq!(
        machine.read("commands"),
        "systemctl stop deploy-wordtally.service\n"
    );
}

#[test]
fn a_rollback_that_never_succeeds_ends_is_reported_and_holds_up_no_other_deployment() {
    let machine = Machine::new();
    machine.write(&format!("{OLD}/failing"), "new.service loaded failed\n");
    machine.write(&format!("{NEW}/failing"), "new.service loaded failed\n");
    machine.begin(None);
    let end = machine.watch();
    assert_eq!(end["state"], "not-rolled-back", "{end}");
    machine.settle();
    let switches = machine.read("commands").matches("switch test").count();
    assert_eq!(switches, 1 + 1 + 5, "{}", machine.read("commands"));
    std::os::unix::fs::symlink(NEW, machine.at("nix/var/nix/profiles/system-2-link")).unwrap();
    let rollback =
        json!({ "request": "rollback", "id": "fedcba9876543210", "generation": 2, "confirmation": 1 });
    assert_eq!(machine.asked(&rollback)["done"]["generation"], 2);
    machine.settle();
}

#[test]
fn a_new_system_that_an_operator_chose_after_a_failed_rollback_stays() {
    let machine = Machine::new();
    machine.record("not-rolled-back");
    for (link, target) in [
        ("run/current-system", NEW),
        ("nix/var/nix/profiles/system-2-link", NEW),
        ("nix/var/nix/profiles/system", "system-2-link"),
    ] {
        let _ = fs::remove_file(machine.at(link));
        std::os::unix::fs::symlink(target, machine.at(link)).unwrap();
    }
    machine.recover();
    assert_eq!([machine.current(), machine.default()], [NEW, NEW]);
    // It only unloads the unit that has ended.
    assert_eq!(
        machine.read("commands"),
        "systemctl stop deploy-wordtally.service\n"
    );
}

#[test]
fn twenty_deployments_are_kept_and_a_second_loses_nothing_of_the_first() {
    let machine = Machine::new();
    machine.begin(None);
    judge(&machine, "the first");
    for number in 2..=25 {
        machine.old_record(number);
    }
    let rollback =
        json!({ "request": "rollback", "id": "fedcba9876543210", "generation": 1, "confirmation": 5 });
    assert_eq!(machine.asked(&rollback)["done"]["generation"], 1);
    machine.settle();
    let log = machine.asked(&json!({ "request": "log" }))["done"]["deployments"].clone();
    let names: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 21, "twenty and the new one");
    assert!(!names.contains(&ID), "the oldest is kept");
    assert_eq!(names.last(), Some(&"fedcba9876543210"));
}

/// A separate file system without free space; only root can mount one.
pub(crate) struct Full(std::path::PathBuf);

impl Full {
    pub(crate) fn mount(machine: &Machine, below: &str) -> Option<Self> {
        let path = machine.at(below);
        let aside = machine.at("aside");
        let run = |program: &str, arguments: &[&std::ffi::OsStr]| {
            Command::new(program)
                .args(arguments)
                .output()
                .is_ok_and(|output| output.status.success())
        };
        assert!(run("cp", &["-a".as_ref(), path.as_os_str(), aside.as_os_str()]));
        let options = "-osize=256k,mode=700";
        if !run(
            "mount",
            &[
                "-ttmpfs".as_ref(),
                options.as_ref(),
                "tmpfs".as_ref(),
                path.as_os_str(),
            ],
        ) {
            return None;
        }
        let mounted = Self(path.clone());
        assert!(run(
            "cp",
            &["-a".as_ref(), aside.join(".").as_os_str(), path.as_os_str()]
        ));
        Some(mounted)
    }

    /// Uses up the remaining space.
    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 512]).is_ok() {}
        let refused = fs::write(self.0.join("more"), "x").unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::StorageFull, "{refused}");
        fs::remove_file(self.0.join("more")).ok();
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[test]
fn a_full_file_system_leaves_the_old_system_or_the_new_one() {
    for below in ["run", "var/lib/deploy-host"] {
        for state in ["begun", "preflight", "unconfirmed"] {
            let machine = Machine::new();
            let Some(full) = Full::mount(&machine, below) else {
                eprintln!("not root: a full file system is tried in memory only");
                return;
            };
            machine.serve_words();
            if state == "begun" {
                full.fill();
            }
            if (below, state) == ("var/lib/deploy-host", "begun") {
                std::os::unix::fs::symlink(NEW, machine.at("nix/var/nix/profiles/system-2-link")).unwrap();
                let refused = machine.refused(&json!({
                    "request": "rollback", "id": ID, "generation": 2, "confirmation": 5,
                }));
                assert!(
                    refused.starts_with("it cannot be kept: No space left"),
                    "{refused}"
                );
                continue;
            }
            if state == "preflight" {
                // So that it stays there for a while.
                machine.answers(NEW, "the", crate::machine::Word::Unready);
            }
            machine.begin(None);
            if state != "begun" {
                machine.until(state);
                full.fill();
                machine.kill();
            }
            judge(&machine, &format!("{below} is full from '{state}' on"));
            assert_eq!(machine.current(), OLD);
        }
    }
}
