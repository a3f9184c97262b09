//! The lists in the reference match the program: flags, metrics, limits, dependencies.

use std::collections::BTreeSet;
use std::path::Path;

use clap::builder::Resettable;
use clap::{Arg, Command, CommandFactory};
use wordtally::cli::Cli;
use wordtally::config::{Config, Listen, LogFormat, LogLevel};
use wordtally::credentials::TYPES;
use wordtally::render::FORMATS;
use wordtally::server::Limits;
use wordtally::telemetry::{Metrics, RequestLabels};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The second-level sections of a page: heading and text.
fn sections(page: &str) -> Vec<(&str, &str)> {
    let parts = page.split("\n## ").skip(1);
    parts
        .map(|part| part.split_once('\n').unwrap_or((part, "")))
        .collect()
}

/// The text in backquotes.
fn code(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The cells of a table row.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

/// A flag, its variable, and its default: the code as it is, `required`, or empty if the default is described in words.
type Flag = (String, String, String);

fn documented(section: &str) -> BTreeSet<Flag> {
    let rows = section.lines().filter_map(cells);
    rows.filter(|cells| cells[0].starts_with("`--"))
        .map(|cells| {
            let default = match cells[2] {
                "required" => "required".to_owned(),
                text if text.starts_with('`') => code(text).join(" "),
                _ => String::new(),
            };
            (code(cells[0]).concat(), code(cells[1]).concat(), default)
        })
        .collect()
}

fn actual(command: &Command) -> BTreeSet<Flag> {
    let flag = |arg: &Arg| {
        let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| text(value)).collect();
        let default = match defaults.join(" ") {
            _ if arg.is_required_set() => "required".to_owned(),
            _ if !arg.get_action().takes_values() => String::new(),
            default => default,
        };
        let name = format!("--{}", arg.get_long().unwrap_or_default());
        (name, arg.get_env().map(text).unwrap_or_default(), default)
    };
    let flags = command.get_arguments().filter(|arg| !arg.is_positional());
    flags
        .filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"))
        .map(flag)
        .collect()
}

/// Every command that can be run, by its name after `wordtally`.
fn runnable<'c>(command: &'c Command, path: &str, found: &mut Vec<(String, &'c Command)>) {
    for sub in command.get_subcommands() {
        let name = format!("{path}{}", sub.get_name());
        if sub.has_subcommands() {
            runnable(sub, &format!("{name} "), found);
        } else {
            found.push((name, sub));
        }
    }
}

#[test]
fn every_flag_variable_and_default_is_documented() {
    let page = read("docs/reference/command-line.md");
    let mut cli = Cli::command();
    cli.build();
    let mut commands = Vec::new();
    runnable(&cli, "", &mut commands);
    assert!(commands.len() >= 6, "{commands:?}");
    for (name, command) in commands {
        // Commands may share a separate section for their common flags.
        let mut on_it = sections(&page);
        on_it.retain(|(heading, _)| code(heading).contains(&name));
        assert!(!on_it.is_empty(), "no section on `{name}`");
        let listed: BTreeSet<Flag> = on_it.into_iter().flat_map(|(_, text)| documented(text)).collect();
        assert_eq!(listed, actual(command), "{name}");
    }
}

/// The words of a shell line; quotes of either kind contain spaces and the other kind.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match c {
            '\'' | '"' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            ' ' if quote.is_none() => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    assert_eq!(quote, None, "{line}");
    words
}

#[test]
fn every_command_has_examples_that_it_takes_and_exit_codes_in_its_help() {
    let mut cli = Cli::command();
    cli.build();
    let mut commands = Vec::new();
    runnable(&cli, "", &mut commands);
    for (name, command) in commands {
        let help = command.clone().render_help().to_string();
        let (_, examples) = help
            .split_once("\nExamples:\n")
            .unwrap_or_else(|| panic!("{name} has no examples"));
        let (examples, codes) = examples
            .split_once("\n\nExit codes:\n")
            .unwrap_or_else(|| panic!("{name} has no exit codes"));
        assert!(examples.lines().count() > 0);
        for example in examples.lines() {
            let example = words(example.trim());
            assert!(
                example.join(" ").starts_with(&format!("wordtally {name}")),
                "{name}: {example:?}"
            );
            // Without the variables of the test's environment.
            let parser =
                Cli::command().mut_subcommands(|command| command.mut_args(|arg| arg.env(Resettable::Reset)));
            if let Err(error) = parser.try_get_matches_from(&example) {
                panic!("{example:?}: {error}");
            }
        }
        let codes: Vec<_> = codes.lines().map(|line| line.trim().split("  ").next()).collect();
        assert_eq!(codes[..2], [Some("0"), Some("1")], "{name}: {codes:?}");
    }
}

fn config() -> Config {
    Config {
        word: "the".parse().unwrap(),
        listen: Listen::Tcp(([127, 0, 0, 1], 0).into()),
        project: None,
        table: "p.d.t".parse().unwrap(),
        location: None,
        credentials: None,
        bigquery_endpoint: "http://127.0.0.1:1".parse().unwrap(),
        ttl: std::time::Duration::from_secs(300),
        max_stale: std::time::Duration::from_secs(300),
        cors_origins: Vec::new(),
        timeout: std::time::Duration::from_secs(1),
        maximum_bytes_billed: 1,
        workers: 1,
        site: None,
        log_format: LogFormat::Json,
        log_level: LogLevel::Info,
    }
}

#[test]
fn every_metric_is_documented_and_exists() {
    let metrics = Metrics::new(config().ttl);
    // A metric with labels is written once it has a value.
    let (path, status) = ("/", 200);
    metrics
        .requests
        .get_or_create(&RequestLabels { path, status })
        .inc();
    let text = metrics.render().unwrap();
    let exist: BTreeSet<(String, String)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| {
            let suffix = match kind {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            (format!("{name}{suffix}"), kind.to_owned())
        })
        .collect();
    let page = read("docs/reference/metrics-and-logs.md");
    let listed: BTreeSet<(String, String)> = page
        .lines()
        .filter_map(cells)
        .filter(|cells| {
            ["`wordtally_", "`process_"]
                .iter()
                .any(|prefix| cells[0].starts_with(prefix))
        })
        .map(|cells| (code(cells[0]).concat(), cells[1].to_owned()))
        .collect();
    assert_eq!(listed, exist);

    let names: BTreeSet<String> = exist.into_iter().map(|(name, _)| name).collect();
    let mut pages = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")];
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "md") => pages.push(path),
                false => {}
            }
        }
    }
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let known = !word.starts_with("wordtally_") || names.contains(word);
            assert!(known, "{}: there is no metric {word}", page.display());
        }
    }
}

#[test]
fn every_result_of_a_refresh_is_documented_and_counted_from_0() {
    let text = Metrics::new(config().ttl).render().unwrap();
    let counted: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("wordtally_refreshes_total{result=\""))
        .filter_map(|rest| Some(rest.strip_suffix("\"} 0")?.to_owned()))
        .collect();
    let page = read("docs/reference/metrics-and-logs.md");
    let reasons = page
        .split_once("| reason | meaning |\n|---|---|\n")
        .expect("the table of reasons")
        .1;
    let mut listed: BTreeSet<String> = reasons
        .lines()
        .map_while(cells)
        .map(|cells| code(cells[0]).concat())
        .collect();
    listed.insert("ok".to_owned());
    assert_eq!(counted, listed);
}

#[test]
fn every_type_of_credential_is_documented() {
    let page = read("docs/reference/credentials.md");
    let (_, rows) = page
        .split_once("| `type` | how a token is obtained |\n|---|---|\n")
        .expect("the table of types");
    let mut listed: Vec<String> = rows
        .lines()
        .map_while(cells)
        .map(|cells| code(cells[0]).concat())
        .collect();
    listed.retain(|name| !name.is_empty());
    let known: Vec<&str> = TYPES.iter().map(|known| known.name).collect();
    assert_eq!(listed, known);
}

/// The list of formats is generated from the program. `UPDATE_DOCS=1 cargo test every_format_is_documented` writes it.
#[test]
fn every_format_is_documented() {
    let path = "docs/reference/http.md";
    let page = read(path);
    let header = "| `Accept` | `Content-Type` | content |\n|---|---|---|\n";
    let (before, rest) = page.split_once(header).expect("the table of formats");
    let listed: String = rest
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('|'))
        .collect();
    let made: String = FORMATS
        .iter()
        .map(|format| {
            let (accept, content_type) = (format.media_type(), format.content_type);
            format!("| `{accept}` | `{content_type}` | {} |\n", format.content)
        })
        .collect();
    if listed != made && std::env::var_os("UPDATE_DOCS").is_some() {
        let after = rest.strip_prefix(&listed).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::write(path, format!("{before}{header}{made}{after}")).unwrap();
        return;
    }
    assert_eq!(
        listed, made,
        "{path} is old: UPDATE_DOCS=1 cargo test every_format_is_documented"
    );
}

#[test]
fn every_limit_is_documented() {
    let Limits {
        connections,
        head_read,
        write_stall,
        write_rate,
        first_answer,
        last_requests,
        drain,
    } = Limits::default();
    let page = read("docs/reference/http.md");
    let mut rows: Vec<String> = vec![
        format!("| connections open at once | {connections} |"),
        format!("| a peer that reads slowly | {write_rate} bytes a second |"),
    ];
    for (what, limit) in [
        (
            "a request's head, or an idle connection between two requests",
            head_read,
        ),
        ("a peer that reads nothing", write_stall),
        (
            "requests that wait for the first answer, counted from the start of the service",
            first_answer,
        ),
        ("a drain: a further request on an open connection", last_requests),
        ("a drain: its total time", drain),
    ] {
        let limit = match limit.as_millis() {
            millis if millis % 1000 == 0 => format!("{} s", millis / 1000),
            millis => format!("{millis} ms"),
        };
        rows.push(format!("| {what} | {limit} |"));
    }
    for row in rows {
        assert!(page.contains(&row), "not in the page: {row}");
    }
}

/// The names in a part of a manifest, for any target.
fn in_manifest(path: &str, part: &str) -> BTreeSet<String> {
    let manifest = read(path);
    let parts = manifest.split("\n[").filter_map(|section| {
        let (name, text) = section.split_once("]\n")?;
        let named = name == part || name.starts_with("target.") && name.ends_with(&format!(".{part}"));
        named.then_some(text)
    });
    let names = parts.flat_map(str::lines).filter(|line| !line.starts_with('#'));
    names
        .filter_map(|line| line.split(['.', ' ', '=']).next().filter(|name| !name.is_empty()))
        .map(str::to_owned)
        .collect()
}

/// The names that a section's list explains, each in at least a few words.
fn explained(text: &str) -> BTreeSet<String> {
    let items = text
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once("`: "));
    items
        .map(|(name, reason)| {
            assert!(reason.len() > 4, "{name} has no reason");
            name.to_owned()
        })
        .collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let page = read("docs/reference/dependencies.md");
    let sections = sections(&page);
    let section = |name: &str| sections.iter().find(|(heading, _)| *heading == name).unwrap().1;
    assert_eq!(
        explained(section("wordtally")),
        in_manifest("Cargo.toml", "dependencies")
    );
    assert_eq!(
        explained(section("bigquery-standin")),
        in_manifest("standin/Cargo.toml", "dependencies")
    );
    assert_eq!(
        explained(section("wordtally-fuzz")),
        in_manifest("fuzz/Cargo.toml", "dependencies")
    );
    assert_eq!(
        explained(section("wordtally-manual")),
        in_manifest("manual/Cargo.toml", "dependencies")
    );
    let (own, others) = section("Tests")
        .split_once("In the tests of `wordtally-manual`")
        .unwrap();
    let (manual, standins) = others.split_once("In the tests of `bigquery-standin`").unwrap();
    assert_eq!(explained(own), in_manifest("Cargo.toml", "dev-dependencies"));
    assert_eq!(
        explained(manual),
        in_manifest("manual/Cargo.toml", "dev-dependencies")
    );
    assert_eq!(
        explained(standins),
        in_manifest("standin/Cargo.toml", "dev-dependencies")
    );
}

/// The level and the message of each log line in the sources.
fn logged(folder: &Path, lines: &mut BTreeSet<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            logged(&path, lines);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for call in source.split("tracing::").skip(1) {
            let Some((level, rest)) = call.split_once("!(") else {
                continue;
            };
            if ["error", "warn", "info", "debug", "trace"].contains(&level) {
                let arguments = rest.split_once(");").unwrap().0;
                let message = arguments.rsplit('"').nth(1).unwrap();
                lines.insert((level.to_uppercase(), message.to_owned()));
            }
        }
    }
}

#[test]
fn every_log_line_is_documented() {
    let mut actual = BTreeSet::new();
    logged(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut actual);
    assert!(actual.len() > 10, "{actual:#?}");

    let page = read("docs/reference/metrics-and-logs.md");
    let table = page.split_once("| `message` |").unwrap().1;
    let table = table.split_once("\n\n").unwrap().0;
    let mut documented = BTreeSet::new();
    for row in table
        .lines()
        .filter_map(cells)
        .filter(|row| row[0].starts_with('`'))
    {
        for message in code(row[0]) {
            for level in row[1]
                .split(|c: char| !c.is_ascii_uppercase())
                .filter(|word| word.len() > 3)
            {
                documented.insert((level.to_owned(), message.clone()));
            }
        }
    }
    assert_eq!(documented, actual);
}
