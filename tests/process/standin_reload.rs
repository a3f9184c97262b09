//! A key is rotated in a running `wordtally standin serve` by SIGHUP: the old key is refused, the new one is accepted.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bigquery_standin::iam::{Policy, ServiceAccountKey};
use serde_json::{Value, json};

const EMAIL: &str = "reader@my-project.iam.gserviceaccount.com";

/// The process, with its log lines.
struct Serve {
    child: Child,
    lines: Receiver<String>,
}

impl Serve {
    fn start(iam: &Path) -> Self {
        Self::start_with(iam, &mut Command::new(env!("CARGO_BIN_EXE_wordtally")))
    }

    fn start_with(iam: &Path, command: &mut Command) -> Self {
        let mut child = command
            .args(["standin", "serve", "--listen", "127.0.0.1:0", "--iam"])
            .arg(iam)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = channel();
        let log = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            log.lines()
                .map_while(Result::ok)
                .try_for_each(|line| send.send(line))
        });
        Self { child, lines }
    }

    /// The next line that contains these words.
    fn says(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(30)).unwrap();
            if line.contains(words) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &command])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_policy(path: &Path, key: &ServiceAccountKey) {
    let policy = Policy {
        service_accounts: vec![key.account()],
        ..Policy::default()
    };
    std::fs::write(path, serde_json::to_vec(&policy).unwrap()).unwrap();
}

async fn grant(url: &str, key: &ServiceAccountKey) -> (u16, Value) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let scope = "https://www.googleapis.com/auth/bigquery";
    let claims =
        json!({"iss": EMAIL, "aud": format!("{url}/token"), "scope": scope, "iat": now, "exp": now + 600});
    let body = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={}",
        key.sign_jwt(&claims).unwrap()
    );
    let response = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(format!("{url}/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_rotated_key_is_taken_and_the_old_one_refused() {
    let directory = tempfile::tempdir().unwrap();
    let iam = directory.path().join("iam.json");
    let old = ServiceAccountKey::generate(EMAIL, "my-project").unwrap();
    let new = ServiceAccountKey::generate(EMAIL, "my-project").unwrap();
    write_policy(&iam, &old);
    let mut serve = Serve::start(&iam);
    let line = serve.says("url=");
    let url = line
        .split("url=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let url = url.trim_matches('"');
    assert_eq!(grant(url, &old).await.0, 200);
    assert_eq!(grant(url, &new).await.0, 400);

    write_policy(&iam, &new);
    assert_eq!(grant(url, &old).await.0, 200, "nothing changes before the signal");
    serve.signal("HUP");
    serve.says("the IAM files were read again");
    assert_eq!(grant(url, &new).await.0, 200);
    let (status, body) = grant(url, &old).await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));

    std::fs::write(&iam, "{\"serviceAccounts\": [").unwrap();
    serve.signal("HUP");
    let line = serve.says("the policy stays as it was");
    assert!(line.contains("iam.json"), "{line}");
    assert_eq!(grant(url, &new).await.0, 200, "a wrong file changes nothing");

    serve.signal("TERM");
    assert!(serve.child.wait().unwrap().success());
}

#[test]
fn systemd_is_told_ready_and_of_each_reload() {
    let directory = tempfile::tempdir().unwrap();
    let iam = directory.path().join("iam.json");
    write_policy(&iam, &ServiceAccountKey::generate(EMAIL, "my-project").unwrap());
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let notice = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordtally"));
    let serve = Serve::start_with(&iam, command.env("NOTIFY_SOCKET", &path));
    assert_eq!(notice(), "READY=1\n");
    serve.signal("HUP");
    let reloading = notice();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    serve.says("the IAM files were read again");
    assert_eq!(notice(), "READY=1\n");
}
