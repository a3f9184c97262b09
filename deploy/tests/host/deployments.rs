//! Deployments by `deploy-host` itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use wordtally_deploy::host::serve::limit_idle;

use crate::machine::{Machine, NEW};

#[test]
fn a_good_release_stays() {
    let machine = Machine::new();
    machine.begin(None);
    let end = machine.watch();
    machine.settle();
    assert_eq!(end["state"], "committed", "{end}\n{}", machine.read("journal"));
    assert_eq!([machine.current(), machine.default()], [NEW, NEW]);
    assert_eq!(machine.read("boot-loader").trim(), NEW);
    assert!(machine.left().is_empty());
}

#[test]
fn root_can_see_on_the_host_what_runs_and_what_ran() {
    let machine = Machine::new();
    machine.begin(Some("a trial"));
    machine.watch();
    machine.settle();
    machine.write("valid", &format!("{NEW} sha256:{}\n", "0".repeat(52)));
    machine.write(
        "closures/11111111111111111111111111111111-new",
        &format!("{NEW}\n"),
    );
    let said = |command: &str| {
        let output = machine.command(&[command]).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let status = said("status");
    assert!(
        status.starts_with(&format!(
            "prod runs {NEW}\nthe next start boots generation 2, {NEW}\n"
        )),
        "{status}"
    );
    assert!(status.contains("\nlove: ready\nthe: ready\n"), "{status}");
    let list = said("list");
    assert!(
        list.starts_with("1 ") && list.ends_with(&format!(" {NEW}, runs, boot default\n")),
        "{list}"
    );
    let log = said("log");
    assert!(
        log.ends_with(&format!("{NEW}, forced: a trial: committed\n")),
        "{log}"
    );
    let check = said("check");
    assert!(
        check.starts_with(&format!("{NEW} has the closure ")) && check.ends_with("the: does not run\n"),
        "{check}"
    );

    let refused = machine.command(&["rollback", "2"]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&refused.stderr),
        "deploy-host: generation 2 runs already, and is the boot default\n"
    );
    assert_eq!(refused.status.code(), Some(1));
}

/// The answer of a service that refuses before it has read everything is still forwarded.
#[test]
fn a_connection_is_forwarded_both_ways_even_if_it_is_refused_early() {
    let machine = Machine::new();
    let listener = UnixListener::bind(machine.at("run/deploy-host.sock")).unwrap();
    for is_early in [false, true] {
        let mut client = machine
            .command(&["connect"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = client.stdin.take().unwrap();
        let writer = thread::spawn(move || {
            let _ = input.write_all(b"a request\n");
            // More than fits between the two.
            let _ = input.write_all(&vec![b'x'; if is_early { 4 << 20 } else { 10 }]);
        });
        let (mut service, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(service.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, "a request\n");
        if !is_early {
            let mut rest = String::new();
            reader.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "x".repeat(10));
        }
        service.write_all(b"the answer\n").unwrap();
        drop((service, reader));
        let output = client.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout, b"the answer\n");
        writer.join().unwrap();
    }
}

#[test]
fn a_service_that_is_not_there_is_named() {
    let machine = Machine::new();
    let output = machine
        .command(&["connect"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.starts_with("deploy-host: cannot connect to deploy-host.socket: "),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_idle_connection_ends() {
    let (mut service, _client) = UnixStream::pair().unwrap();
    limit_idle(&service, Duration::from_millis(50));
    let error = service.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}
