//! A scripted host: it answers requests as a real one does, unless the test says otherwise.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::path;

/// The host's behaviour instead.
pub(crate) enum Instead {
    /// Answer with this value.
    Done(Value),
    /// Refuse with this sentence.
    Refused(&'static str),
    /// Send these bytes and close.
    Bytes(&'static [u8]),
    /// Stay silent for this long.
    Hang(Duration),
    /// Send a line that never ends.
    Endless,
}

type Hook = Box<dyn FnMut(&str, &mut Model) -> Option<Instead> + Send>;

/// The state of the host.
pub(crate) struct Model {
    pub(crate) current: String,
    pub(crate) default: Option<String>,
    pub(crate) generation: Option<u64>,
    pub(crate) missing: Vec<String>,
    pub(crate) running: Value,
    /// The states that the deployment will go through.
    pub(crate) ahead: Vec<&'static str>,
    pub(crate) state: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) excused: Vec<String>,
    /// The complete requests.
    pub(crate) asked: Vec<Value>,
    /// The received paths, in order.
    pub(crate) received: Vec<(String, String)>,
}

impl Model {
    pub(crate) fn names(&self) -> Vec<&str> {
        self.asked
            .iter()
            .map(|one| one["request"].as_str().unwrap())
            .collect()
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.names().iter().filter(|one| **one == name).count()
    }
}

pub(crate) struct Scripted {
    pub(crate) port: u16,
    model: Arc<Mutex<Model>>,
}

impl Scripted {
    pub(crate) fn new() -> Self {
        Self::but(|_, _| None)
    }

    /// A host that behaves unless the hook says otherwise; the hook is called first for each request.
    pub(crate) fn but(hook: impl FnMut(&str, &mut Model) -> Option<Instead> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let model = Arc::new(Mutex::new(Model {
            current: path("old"),
            default: Some(path("old")),
            generation: Some(7),
            missing: ["z-system", "m-glibc", "a-wordtally"].map(path).into(),
            running: Value::Null,
            ahead: Vec::new(),
            state: "begun",
            reason: None,
            excused: Vec::new(),
            asked: Vec::new(),
            received: Vec::new(),
        }));
        let (shared, hook) = (Arc::clone(&model), Arc::new(Mutex::new(Box::new(hook) as Hook)));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (model, hook) = (Arc::clone(&shared), Arc::clone(&hook));
                thread::spawn(move || talk(stream.unwrap(), &model, &hook));
            }
        });
        Self { port, model }
    }

    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap()
    }
}

fn talk(stream: TcpStream, model: &Mutex<Model>, hook: &Mutex<Hook>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or_default() == 0 {
        return;
    }
    let request: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(request["version"], 1);
    let name = request["request"].as_str().unwrap().to_owned();
    let instead = {
        let mut model = model.lock().unwrap();
        model.asked.push(request.clone());
        hook.lock().unwrap()(&name, &mut model)
    };
    let mut to = &stream;
    let answer = match instead {
        Some(Instead::Bytes(bytes)) => {
            let _ = to.write_all(bytes);
            return;
        }
        Some(Instead::Hang(time)) => return thread::sleep(time),
        Some(Instead::Endless) => {
            while to.write_all(&[b'x'; 65536]).is_ok() {}
            return;
        }
        Some(Instead::Refused(why)) => json!({ "refused": why }),
        Some(Instead::Done(value)) => json!({ "done": value }),
        None => {
            if name == "receive" {
                let received = receive(&mut reader);
                model.lock().unwrap().received = received;
            }
            json!({ "done": answer(&name, &request, &mut model.lock().unwrap()) })
        }
    };
    let _ = to.write_all(format!("{answer}\n").as_bytes());
}

fn receive(reader: &mut impl BufRead) -> Vec<(String, String)> {
    let mut received = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Ok(header) = serde_json::from_str::<Value>(&line) else {
            assert_eq!(line, "\n");
            return received;
        };
        let mut nar = String::new();
        let size = header["size"].as_u64().unwrap();
        reader.take(size).read_to_string(&mut nar).unwrap();
        received.push((header["path"].as_str().unwrap().to_owned(), nar));
    }
}

fn answer(name: &str, request: &Value, model: &mut Model) -> Value {
    match name {
        "status" => json!({
            "environment": "prod", "current": model.current, "default": model.default,
            "generation": model.generation, "release": model.running, "last": null, "underWay": false,
            "words": { "the": "ready" },
        }),
        "offer" => json!({ "release": "a".repeat(64), "system": path("z-system"), "missing": model.missing }),
        "begin" | "rollback" => {
            model.state = "begun";
            model.ahead = vec!["preflight", "activating", "readiness", "unconfirmed"];
            if name == "begin" {
                return json!({});
            }
            json!({ "generation": 6, "system": path("older"), "pages": {
                "pages": {}, "certificateAuthority": null, "expectedCounts": {},
            } })
        }
        "progress" => {
            if !model.ahead.is_empty() {
                model.state = model.ahead.remove(0);
            }
            let log = ["the first line", "the second line"];
            let seen = usize::try_from(request["seen"].as_u64().unwrap()).unwrap();
            json!({ "state": model.state, "reason": model.reason, "lines": log[seen..], "excused": model.excused })
        }
        "confirm" => {
            model.ahead = vec!["finalizing", "committed"];
            json!({})
        }
        "abort" => {
            model.reason = request["reason"].as_str().map(str::to_owned);
            model.ahead = vec!["rolling-back", "rolled-back"];
            json!({})
        }
        "check" => json!({
            "current": model.current, "default": model.default,
            "closure": "0".repeat(64), "programs": BTreeMap::<String, String>::new(),
        }),
        "dry-run" | "diff" => json!({ "text": "would restart\nwordtally-the.service\n" }),
        "receive" | "stop" => json!({}),
        "list" => json!({ "generations": [
            { "number": 6, "system": path("older"), "made": 1_790_000_000, "current": false, "default": false, "release": null },
            { "number": 7, "system": path("old"), "made": 1_790_003_600, "current": true, "default": true, "release": {
                "version": "0.1.0", "commit": "f".repeat(40), "commitTime": 1_789_000_000, "ref": "refs/heads/main" } },
        ] }),
        "log" => json!({ "deployments": [{
            "id": "0123456789abcdef", "begun": 1_790_000_000, "system": path("old"), "before": path("older"),
            "release": null, "generation": 6, "force": "an outage", "state": "rolled-back", "reason": "love: it\u{1b} broke",
        }] }),
        other => panic!("no such request: {other}"),
    }
}
