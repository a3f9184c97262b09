//! The notifications to systemd, over a real notification socket, by a child process with that socket in its
//! environment.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use wordtally::systemd;

/// The child: it sends every notification once, and the watchdog's for 300 ms.
#[tokio::test]
#[ignore = "run by the tests below, with a notification socket"]
async fn child_that_notifies() {
    systemd::ready("serving on 127.0.0.1:80\nERRNO=5");
    let _ = tokio::time::timeout(Duration::from_millis(300), systemd::watchdog()).await;
    systemd::stopping();
}

fn notices(watchdog_usec: Option<&str>) -> Vec<String> {
    let name = format!(
        "wordtally-notify-{}-{}",
        std::process::id(),
        watchdog_usec.unwrap_or("none")
    );
    let path = std::env::temp_dir().join(name);
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "systemd::child_that_notifies", "--ignored"])
        .env_remove("WATCHDOG_PID")
        .env_remove("WATCHDOG_USEC")
        .env("NOTIFY_SOCKET", &path);
    if let Some(period) = watchdog_usec {
        command.env("WATCHDOG_USEC", period);
    }
    let child = command.output();
    std::fs::remove_file(&path).unwrap();
    assert!(child.unwrap().status.success());
    socket.set_nonblocking(true).unwrap();
    let mut buffer = [0; 1024];
    std::iter::from_fn(|| {
        let length = socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    })
    .collect()
}

#[test]
fn it_is_told_ready_alive_at_half_the_period_and_stopping() {
    // With 100 ms a message is sent every 50: the kernel queues about ten for a reader that waits.
    let all = notices(Some("100000"));
    assert_eq!(
        all.first().unwrap(),
        "READY=1\nSTATUS=serving on 127.0.0.1:80 ERRNO=5\n"
    );
    assert_eq!(all.last().unwrap(), "STOPPING=1\nSTATUS=draining\n");
    let alive = all.iter().filter(|notice| *notice == "WATCHDOG=1\n").count();
    assert!((3..=7).contains(&alive), "{all:?}");
    assert_eq!(all.len(), alive + 2);
}

#[test]
fn without_a_watchdog_none_is_fed() {
    let all = notices(None);
    assert_eq!(all.len(), 2, "{all:?}");
}

#[test]
fn without_systemd_it_is_silent() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "systemd::child_that_notifies", "--ignored"])
        .env_remove("NOTIFY_SOCKET")
        .output()
        .unwrap();
    assert!(child.status.success());
    let said = String::from_utf8(child.stdout).unwrap();
    assert!(
        said.contains("1 passed"),
        "the child's test was not found: {said}"
    );
}
