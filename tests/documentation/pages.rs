//! Every command in the README and under docs/ is run, and must print what the page says; every link must lead
//! somewhere.
//!
//! A fenced block marked `console` contains commands after `$ ` and, after each, all of its output; `…` matches any
//! text. A command must succeed. A page is one shell in an empty folder, so that later blocks see what earlier ones
//! set. A block marked `console background` runs until the page ends, and prints what the page says before anything
//! else. A block marked `console elsewhere` needs something that no test here has (for example a Google account) and is
//! not run. `hosts/tests/run_tutorial.py` runs those of the tutorial that needs Nix.
//!
//! `wordtally` and `cargo run` are the program that this `cargo test` built. Ports 8080 to 8089 are mapped to free
//! ones. `curl` is the machine's own, or, if it has none, a few lines of bash.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// How long one page may take.
const PAGE: Duration = Duration::from_secs(90);
/// The separator of the output of steps: no program prints it.
const MARK: char = '\u{1e}';

const CURL: &str = include_str!("curl");
const UNTIL_UP: &str = include_str!("until_up");

struct Step {
    line: usize,
    command: String,
    expected: String,
    background: bool,
}

#[test]
fn every_command_prints_what_its_page_says() {
    let pages = pages();
    let faults: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = pages
            .iter()
            .enumerate()
            .map(|(number, page)| scope.spawn(move || run(page, &steps(&read(page)), number)))
            .collect();
        runs.into_iter()
            .filter_map(|run| run.join().unwrap().err())
            .collect()
    });
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    let commands: usize = pages.iter().map(|page| steps(&read(page)).len()).sum();
    assert!(
        commands > 30,
        "only {commands} commands found: are the fences still marked console?"
    );
}

#[test]
fn every_fence_is_of_a_known_kind() {
    for page in pages() {
        let mut open = false;
        for (number, line) in read(&page).lines().enumerate() {
            let Some(info) = line.trim_start().strip_prefix("```") else {
                continue;
            };
            open = !open;
            // A misspelt fence would be skipped silently.
            let elsewhere = ["console elsewhere", "console elsewhere background"].contains(&info);
            let known = !open || !info.contains("console") || mode(info).is_some() || elsewhere;
            assert!(known, "{}, line {}: '{info}'", page.display(), number + 1);
        }
        assert!(!open, "{}: a fence is not closed", page.display());
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    let mut faults = String::new();
    let others = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
    for page in pages()
        .into_iter()
        .chain(others.map(|page| Path::new(ROOT).join(page)))
    {
        let text = read(&page);
        for (before, target) in text.split("](").zip(text.split("](").skip(1)) {
            let target = target.split(')').next().unwrap_or_default();
            let (file, place) = target.split_once('#').unwrap_or((target, ""));
            if target.contains("://") {
                continue;
            }
            links += 1;
            let path = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            let label = before.rsplit('[').next().unwrap_or_default();
            if let Err(fault) = leads(&path, place, label) {
                writeln!(faults, "{}: {target} {fault}", page.display()).unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
    assert!(links > 50, "only {links} links found");
}

/// Whether the file exists, and has the heading, or the test that the link is named after.
fn leads(path: &Path, place: &str, label: &str) -> Result<(), String> {
    if !path.exists() {
        return Err("leads nowhere".to_owned());
    }
    let headings = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with('#'))
            .any(|line| anchor(line) == place)
    };
    if !place.is_empty() && !headings(&read(path)) {
        return Err("names no heading there".to_owned());
    }
    let name = label.trim_matches('`');
    let is_test = label.starts_with('`') && !name.contains(['.', '/', '-', ' ']) && name.contains('_');
    if is_test && has_test(path, name) == Some(false) {
        return Err(format!("has no test {name}"));
    }
    Ok(())
}

/// Whether a source in Rust or Python has the test. `None` for a file of another kind.
pub(crate) fn has_test(path: &Path, name: &str) -> Option<bool> {
    // A pytest test may be named without its `test_`.
    let functions = match path.extension()?.to_str()? {
        "rs" => vec![format!("fn {name}(")],
        "py" => vec![format!("def {name}("), format!("def test_{name}(")],
        _ => return None,
    };
    let source = read(path);
    // A macro generates the tests that replay the fuzz targets' corpora.
    let replayed = source
        .rsplit_once("\nreplayed!(")
        .is_some_and(|(_, names)| names.split([',', ')']).any(|replayed| replayed.trim() == name));
    Some(replayed || functions.iter().any(|function| source.contains(function)))
}

/// The anchor of a heading, as GitHub and GitLab generate it.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

pub(super) fn pages() -> Vec<PathBuf> {
    let mut pages = vec![PathBuf::from(ROOT).join("README.md")];
    find(&PathBuf::from(ROOT).join("docs"), &mut pages);
    pages
}

fn find(folder: &Path, pages: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

pub(super) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether the commands of a fence run, and if so whether in the background.
fn mode(info: &str) -> Option<bool> {
    match info {
        "console" => Some(false),
        "console background" => Some(true),
        _ => None,
    }
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut fence: Option<&str> = None;
    // Whether the previous line ends with a backslash, and whether a here-document is open.
    let (mut continued, mut document) = (false, false);
    for (number, line) in text.lines().enumerate() {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(info) };
            continue;
        }
        let Some(background) = fence.and_then(mode) else {
            continue;
        };
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                line: number + 1,
                command: command.to_owned(),
                expected: String::new(),
                background,
            });
        } else if let Some(step) = steps.last_mut() {
            let (part, line) = match continued || document {
                true => (&mut step.command, line.strip_prefix("> ").unwrap_or(line)),
                false => (&mut step.expected, line),
            };
            if !part.is_empty() {
                part.push('\n');
            }
            part.push_str(line);
        }
        document = (document || line.contains("<<'END'")) && line != "> END";
        continued = line.ends_with('\\') && (continued || line.starts_with("$ "));
    }
    steps
}

fn run(page: &Path, steps: &[Step], number: usize) -> Result<(), String> {
    if steps.is_empty() {
        return Ok(());
    }
    let folder = tempfile::tempdir().unwrap();
    let base = free_ports(number);
    let tools = folder.path().join(".tools");
    fs::create_dir(&tools).unwrap();
    write_tools(&tools);
    let output = folder.path().join(".output");
    let mut shell = Command::new("bash")
        .args(["-c", &script(steps, base)])
        .current_dir(folder.path())
        .env_clear()
        .env(
            "PATH",
            format!(
                "{}:{}",
                tools.display(),
                std::env::var("PATH").unwrap_or_default()
            ),
        )
        .env("HOME", folder.path())
        .env("LANG", "C.UTF-8")
        .env("LISTEN", format!("127.0.0.1:{base}"))
        .stdin(Stdio::null())
        .stdout(File::create(&output).unwrap())
        .stderr(File::create(folder.path().join(".errors")).unwrap())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("bash is needed to run the pages' commands: {error}"))?;
    let deadline = Instant::now() + PAGE;
    while shell.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            // The whole group, because a command that hangs is a child of the shell.
            let group = format!("-{}", shell.id());
            Command::new("bash")
                .args(["-c", "kill -KILL -- \"$0\"", &group])
                .status()
                .unwrap();
            shell.wait().unwrap();
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let logged = |name: String| {
        let text = fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        // CSV and header fields end their lines with CR LF.
        from_ports(&text.replace("\r\n", "\n"), base)
    };
    let printed = logged(".output".to_owned());
    let mut rest = printed.as_str();
    for (number, step) in steps.iter().enumerate() {
        let fault = |what: String| {
            Err(format!(
                "{}:{}: `{}` {what}",
                page.display(),
                step.line,
                step.command
            ))
        };
        let Some((text, after)) = rest.split_once(&format!("{MARK}{number} ")) else {
            let log = logged(format!(".background.{number}"));
            return fault(format!(
                "did not end well within {PAGE:?}:\n{rest}{log}{}",
                logged(".errors".to_owned())
            ));
        };
        let (code, after) = after.split_once('\n').unwrap_or((after, ""));
        rest = after;
        if code != "0" {
            return fault(format!("exits with {code}:\n{text}"));
        }
        let (text, pattern) = match step.background {
            true => (
                logged(format!(".background.{number}")),
                format!("{}…", step.expected.trim_end()),
            ),
            false => (text.to_owned(), step.expected.trim_end().to_owned()),
        };
        if !matches(&pattern, text.trim_end()) {
            return fault(format!("prints\n{text}\nand not\n{}", step.expected));
        }
    }
    Ok(())
}

/// The page's commands as one script, which ends everything that it has started.
fn script(steps: &[Step], base: u16) -> String {
    let mut script = String::from("trap 'trap : TERM; kill 0; wait' EXIT\n");
    for (number, step) in steps.iter().enumerate() {
        let command = on_ports(&step.command, base);
        let mark = |code: &str| format!("printf '\\036%d %d\\n' {number} {code}\n");
        if step.background {
            writeln!(
                script,
                "{command} >.background.{number} 2>&1 &\nuntil_up .background.{number} $! || exit 1"
            )
            .unwrap();
            script.push_str(&mark("0"));
        } else {
            writeln!(script, "{{ {command}\n}} 2>&1; {}", mark("$?").trim_end()).unwrap();
        }
    }
    script
}

/// Whether the text matches the pattern, in which `…` matches any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return text.is_empty();
    };
    for part in parts {
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(last)
}

#[test]
fn a_pattern_matches_its_text_only() {
    for (pattern, text) in [
        ("a", "a"),
        ("", ""),
        ("a…", "a"),
        ("a…c", "abc"),
        ("…b…", "abc"),
        ("a…c…e", "abcde"),
    ] {
        assert!(matches(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [
        ("a", "b"),
        ("", "a"),
        ("a", "ab"),
        ("a…a", "a"),
        ("a…c", "abd"),
        ("a…x…e", "abcde"),
    ] {
        assert!(!matches(pattern, text), "{pattern} {text}");
    }
}

fn write_tools(tools: &Path) {
    let wordtally = env!("CARGO_BIN_EXE_wordtally");
    tool(
        tools,
        "wordtally",
        &format!("#!/bin/sh\nexec '{wordtally}' \"$@\"\n"),
    );
    // A rebuild for `cargo run`, with other features of the dependencies, would take minutes.
    let cargo = format!(
        "#!/bin/sh\n[ \"$1\" = run ] || exit 97\nshift\n[ \"$1\" != -- ] || shift\nexec '{wordtally}' \"$@\"\n"
    );
    tool(tools, "cargo", &cargo);
    tool(tools, "until_up", UNTIL_UP);
    let on_path = |folder: PathBuf| folder.join("curl").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::var_os("DOCUMENTATION_WITHOUT_CURL").is_some() || !std::env::split_paths(&path).any(on_path)
    {
        tool(tools, "curl", CURL);
    }
}

fn tool(tools: &Path, name: &str, text: &str) {
    let path = tools.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The first of ten consecutive free ports whose last digits are those of 8080 to 8089, below the ports that the kernel
/// assigns.
fn free_ports(page: usize) -> u16 {
    let start = (std::process::id() as usize * 37 + page * 20) % 2000;
    let free = |base: &u16| (0..10).all(|digit| TcpListener::bind(("127.0.0.1", base + digit)).is_ok());
    let tens = (1200u16..3200).cycle().skip(start).take(2000);
    tens.map(|ten| ten * 10)
        .find(free)
        .expect("ten free ports in a row")
}

fn on_ports(text: &str, base: u16) -> String {
    (0..10).fold(text.to_owned(), |text, digit| {
        text.replace(&format!(":{}", 8080 + digit), &format!(":{}", base + digit))
    })
}

fn from_ports(text: &str, base: u16) -> String {
    (0..10).fold(text.to_owned(), |text, digit| {
        text.replace(&format!(":{}", base + digit), &format!(":{}", 8080 + digit))
    })
}
