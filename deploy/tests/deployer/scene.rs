//! The setting of a deployment: a signed release, a store, and the programs `ssh` and `nix-store` in place of the real
//! ones. `ssh` connects to the given port on the loopback.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use wordtally_deploy::closure::{Closure, nar_hash, sha256};

use crate::host::Scripted;
use crate::signed::{Draft, Pair};

/// No command of a test takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

const SSH: &str = r#"
while [ $# != 0 ]; do
	printf '%s\n' "$1" >>"$FAKE/ssh.log"
	case $1 in
	-p) port=$2 ;;
	-i) stat -c '%a' "$2" >"$FAKE/identity.mode" && cat "$2" >"$FAKE/identity" ;;
	esac
	case $1 in
	*UserKnownHostsFile=*) cat "${1#*=}" >"$FAKE/known_hosts" ;;
	esac
	shift
done
exec 4<&0
if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
	echo "ssh: connect to host 127.0.0.1 port $port: Connection refused" >&2
	exit 255
fi
exec 3<>"/dev/tcp/127.0.0.1/$port"
cat <&4 >&3 2>/dev/null &
cat <&3
kill $! 2>/dev/null
exit 0
"#;

const NIX_STORE: &str = r#"
printf '%s\n' "$1" >>"$FAKE/nix-store.log"
case $1 in
--check-validity)
	shift 2
	for path; do [ -e "$FAKE/store/${path##*/}" ] || echo "$path"; done
	;;
--realise)
	shift 2
	[ ! -e "$FAKE/slow" ] || exec sleep 30
	for path; do
		if ! cp "$FAKE/cache/${path##*/}" "$FAKE/cache/${path##*/}.db" "$FAKE/store/" 2>/dev/null; then
			echo "error: path '$path' does not exist and cannot be created" >&2
			exit 1
		fi
	done
	;;
--dump-db)
	shift
	for path; do cat "$FAKE/store/${path##*/}.db"; done
	;;
--dump) cat "$FAKE/store/${2##*/}" ;;
*) exit 9 ;;
esac
"#;

/// A path of a release: its name, its NAR, and the names of its references.
pub(crate) type Object = (&'static str, &'static str, &'static [&'static str]);

/// Each host's system, in an order in which it could not be sent. Each names its references by the hash of the path.
pub(crate) const OBJECTS: [Object; 3] = [
    (
        "z-system",
        "the system: 0123456789abcdfghijklmnpqrsvwxyz 0123456789abcdfghijklmnpqrsvwxya 0123456789abcdfghijklmnpqrsvwxym",
        &["z-system", "a-wordtally", "m-glibc"],
    ),
    (
        "a-wordtally",
        "the program: 0123456789abcdfghijklmnpqrsvwxym",
        &["m-glibc"],
    ),
    ("m-glibc", "the library", &[]),
];

/// The store path of a name: its hash ends with the name's first letter.
pub(crate) fn path(name: &str) -> String {
    let first = name.get(..1).unwrap();
    format!("/nix/store/0123456789abcdfghijklmnpqrsvwxy{first}-{name}")
}

pub(crate) struct Scene {
    folder: TempDir,
    pub(crate) draft: Draft,
    pair: Pair,
}

impl Scene {
    /// A release of these hosts, each with its pages.
    pub(crate) fn new(hosts: &[(&str, &Scripted, Value)]) -> Self {
        let hosts: Vec<_> = hosts
            .iter()
            .map(|(name, host, pages)| (*name, host.port, pages))
            .collect();
        Self::at(&hosts)
    }

    /// A release of the host `prod` alone.
    pub(crate) fn prod(host: &Scripted, pages: Value) -> Self {
        Self::new(&[("prod", host, pages)])
    }

    /// The same, with the port of each.
    pub(crate) fn at(hosts: &[(&str, u16, &Value)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut draft = Draft::new();
        let mut closure = Closure::default();
        for name in ["bin", "store", "cache", "attested/closures/hosts"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for object in OBJECTS {
            let hash = put(&folder.path().join("store"), object);
            closure.0.insert(path(object.0).into(), hash);
        }
        draft.closure = closure.lines();
        draft.release["package"] = json!(path("a-wordtally"));
        draft.release["hosts"] = json!({});
        for (name, port, pages) in hosts {
            draft.release["hosts"][name] = json!({ "system": path("z-system"), "deployment": {
                "address": "127.0.0.1",
                "port": port,
                "hostKey": null,
                "pages": pages,
                "certificateAuthority": null,
                "expectedCounts": { "the": { "hamlet": 995 } },
            } });
        }
        program(&folder.path().join("bin/ssh"), SSH);
        program(&folder.path().join("bin/nix-store"), NIX_STORE);
        let scene = Self {
            folder,
            draft,
            pair: Pair::new(),
        };
        scene.sign();
        scene
    }

    /// Writes the signed folder of the draft.
    pub(crate) fn sign(&self) {
        let mut draft = Draft {
            release: self.draft.release.clone(),
            closure: self.draft.closure.clone(),
            statement: self.draft.statement.clone(),
        };
        draft.name_subjects();
        let hosts = draft.release["hosts"].as_object().unwrap().clone();
        let subjects = draft.statement["subject"].as_array_mut().unwrap();
        subjects.retain(|subject| subject["name"] != "hosts/prod");
        for name in hosts.keys() {
            let digest = sha256(draft.closure.as_bytes());
            subjects.push(json!({ "name": format!("hosts/{name}"), "digest": { "sha256": digest } }));
            self.write(&format!("attested/closures/hosts/{name}"), &draft.closure);
        }
        let signed = draft.sign(&self.pair);
        self.write("attested/release.json", &signed.release);
        self.write("attested/provenance.sigstore.json", &signed.bundle);
        self.write("key.pub", &self.pair.pem());
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deploy"));
        let path = std::env::var("PATH").unwrap();
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", self.file("bin").display()))
            .env("FAKE", self.folder.path())
            .env("COSIGN_PUBLIC_KEY", self.file("key.pub"))
            .env_remove("DEPLOY_IDENTITY")
            .process_group(0)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::new(self.command(arguments))
    }

    /// The exit code of a command, and all of its output.
    pub(crate) fn deploy(&self, arguments: &[&str]) -> (i32, String) {
        self.start(arguments).end()
    }

    /// All that a command said, which must end with this exit code.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32, arguments: &[&str]) -> String {
        self.start(arguments).ends(code)
    }
}

/// Puts an object into a folder that represents a store; returns the hash of its NAR.
pub(crate) fn put(folder: &Path, (name, nar, references): Object) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, nar.as_bytes());
    let file = path(name).replace("/nix/store/", "");
    fs::write(folder.join(&file), nar).unwrap();
    let mut lines = vec![
        path(name),
        sha256(nar.as_bytes()),
        nar.len().to_string(),
        String::new(),
    ];
    lines.push(references.len().to_string());
    lines.extend(references.iter().map(|name| path(name)));
    fs::write(folder.join(file + ".db"), lines.join("\n") + "\n").unwrap();
    nar_hash(digest.as_ref())
}

/// A child process that is started while a script is being written has the script open, and it cannot be executed then.
static WRITE_OR_START: Mutex<()> = Mutex::new(());

/// Held while scripts are written, or a process is started.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    WRITE_OR_START.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a script.
pub(crate) fn program(file: &Path, text: &str) {
    let _alone = alone();
    let paths = std::env::var_os("PATH").unwrap();
    let bash = std::env::split_paths(&paths)
        .map(|folder| folder.join("bash"))
        .find(|file| file.exists())
        .expect("bash is on PATH");
    fs::write(file, format!("#!{}\n{text}", bash.display())).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A running command.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    said: String,
    begun: Instant,
}

impl Running {
    fn new(mut command: Command) -> Self {
        let _alone = alone();
        // One pipe, so that the lines stay in order.
        let (output, input) = std::io::pipe().unwrap();
        let child = command
            .stdout(input.try_clone().unwrap())
            .stderr(input)
            .spawn()
            .unwrap();
        // It has the writing end, too.
        drop(command);
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line + "\n");
            }
        });
        Self {
            child,
            lines,
            said: String::new(),
            begun: Instant::now(),
        }
    }

    fn left(&self) -> Duration {
        PATIENCE.saturating_sub(self.begun.elapsed())
    }

    /// Waits for a line with this text.
    pub(crate) fn until(&mut self, text: &str) {
        while let Ok(line) = self.lines.recv_timeout(self.left()) {
            self.said += &line;
            if line.contains(text) {
                return;
            }
        }
        panic!("{text:?} was not said: {}", self.said);
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let _alone = alone();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// To its whole process group, as a terminal does.
    pub(crate) fn signal_group(&self, name: &str) {
        let id = format!("-{}", self.child.id());
        let _alone = alone();
        assert!(
            Command::new("kill")
                .args(["-s", name, "--", &id])
                .status()
                .unwrap()
                .success()
        );
    }

    pub(crate) fn end(mut self) -> (i32, String) {
        while let Ok(line) = self.lines.recv_timeout(self.left()) {
            self.said += &line;
        }
        if self.left().is_zero() {
            let _ = self.child.kill();
            panic!("it did not end: {}", self.said);
        }
        (
            self.child.wait().unwrap().code().unwrap(),
            std::mem::take(&mut self.said),
        )
    }

    /// All that it said, once it has ended with this exit code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> String {
        let (is, said) = self.end();
        assert_eq!(is, code, "{said}");
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
