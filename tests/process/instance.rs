//! The service as a process, and requests to it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::google::Google;
use crate::http::{Client, Reply};
use crate::program::program;

/// Longer than anything here takes, so that a hang becomes a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Repeats until there is a value.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not in time: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The binary without this process's environment: no proxy, no credential of the developer.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(program());
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The exit code and the output on standard error.
pub(crate) async fn run(command: &mut Command) -> (Option<i32>, String) {
    let output = timeout(PATIENCE, command.output())
        .await
        .expect("it runs on")
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// The flags and variables of `wordtally serve`.
#[derive(Clone)]
pub(crate) struct Serve {
    flags: BTreeMap<&'static str, OsString>,
    environment: BTreeMap<&'static str, OsString>,
}

impl Serve {
    /// The word 'the' from this stand-in, on a free port, with the account's key file.
    pub(crate) fn from(google: &Google) -> Self {
        Self::without_credentials(google).flag("--credentials", google.key_file())
    }

    pub(crate) fn without_credentials(google: &Google) -> Self {
        Self::new().flag("--bigquery-endpoint", google.standin.url())
    }

    /// The word 'the' on a free port, without a source yet.
    pub(crate) fn new() -> Self {
        let plain = Self {
            flags: BTreeMap::new(),
            environment: BTreeMap::new(),
        };
        plain
            .flag("--word", "the")
            .flag("--listen", "127.0.0.1:0")
            .flag("--log-format", "json")
    }

    pub(crate) fn flag(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.flags.insert(name, value.into());
        self
    }

    pub(crate) fn environment(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name, value.into());
        self
    }

    /// The flags with their values, and the environment.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.arg("serve").envs(&self.environment);
        for (name, value) in &self.flags {
            command.arg(name).arg(value);
        }
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(&self) -> Instance {
        let mut command = binary();
        self.apply(&mut command);
        Instance::spawn(command).await
    }

    /// Runs until it ends by itself: its exit code, and the cause in its last line.
    pub(crate) async fn refused(&self) -> (Option<i32>, String) {
        let mut command = binary();
        self.apply(&mut command);
        let (code, said) = run(&mut command).await;
        let last: Value = serde_json::from_str(said.lines().last().unwrap_or_default())
            .unwrap_or_else(|error| panic!("{error}: {said}"));
        assert_eq!(
            (&last["level"], &last["message"]),
            (&"ERROR".into(), &"fatal".into()),
            "{said}"
        );
        (code, last["cause"].as_str().unwrap().to_owned())
    }
}

/// A running `wordtally serve`, killed when it is dropped.
pub(crate) struct Instance {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
    pub(crate) listen: String,
}

impl Instance {
    pub(crate) async fn spawn(command: Command) -> Self {
        let mut instance = Self::unseen(command);
        let line = instance.logged("listening", |_| true).await;
        instance.listen = line["address"].as_str().unwrap().to_owned();
        instance
    }

    /// An instance whose log may not say where it listens.
    pub(crate) fn unseen(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::default();
        let reader = tokio::spawn(collect(child.stderr.take().unwrap(), Arc::clone(&log)));
        Self {
            child,
            log,
            reader,
            listen: String::new(),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listen.parse().unwrap()
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address()).await.unwrap()).await
    }

    /// One GET on its own connection.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.get_as(path, "*/*").await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Reply {
        self.connect().await.get_as(path, accept).await
    }

    /// The answer, once there is one.
    pub(crate) async fn answer(&self) -> Value {
        eventually("an answer", async || {
            let reply = self.get_as("/", "application/json").await;
            (reply.status() == 200).then(|| serde_json::from_slice(reply.body()).unwrap())
        })
        .await
    }

    /// The value of a metric; none if it does not exist.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let reply = self.get("/metrics").await;
        let line = reply
            .text()
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        // An exemplar may follow.
        line.map(|value| value.split(' ').next().unwrap().parse().unwrap())
    }

    /// The log so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// The first line with this message that passes the check, as soon as it is logged.
    pub(crate) async fn logged(&self, message: &str, check: impl Fn(&Value) -> bool) -> Value {
        let found = timeout(PATIENCE, async {
            loop {
                let lines = self.lines(message);
                if let Some(line) = lines.into_iter().find(&check) {
                    return line;
                }
                sleep(Duration::from_millis(5)).await;
            }
        });
        match found.await {
            Ok(line) => line,
            Err(_) => panic!("'{message}' was not logged: {:#?}", self.log()),
        }
    }

    /// Every line with this message.
    pub(crate) fn lines(&self, message: &str) -> Vec<Value> {
        let parsed = self.log().into_iter().filter_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            (line["message"] == message).then_some(line)
        });
        parsed.collect()
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits for its end: its exit status, and its whole log.
    pub(crate) async fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .expect("it runs on")
            .unwrap();
        timeout(PATIENCE, &mut self.reader)
            .await
            .expect("its log goes on")
            .unwrap();
        (status, self.log())
    }

    /// Stops it with SIGTERM, after which it must exit successfully.
    pub(crate) async fn stop(self) -> Vec<String> {
        self.signal("TERM");
        let (status, log) = self.ended().await;
        assert!(status.success(), "{status}: {log:#?}");
        log
    }
}

/// Sends a signal through the shell, which has `kill` built in.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = std::process::Command::new("/bin/sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
        .status();
    assert!(sent.unwrap().success(), "no signal could be sent");
}

async fn collect(stream: impl AsyncRead + Unpin, into: Arc<Mutex<Vec<String>>>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        into.lock().unwrap().push(line);
    }
}
