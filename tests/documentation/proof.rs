//! docs/proof.md: the promises, the tests that prove them, and the latest figures, from the files that the measurements
//! write. `UPDATE_DOCS=1 cargo test the_proof_is_made_of_the_results` updates the page.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::pages::has_test;

/// A promise, the tests that fail if it is broken, and the figure that measures it.
struct Promise {
    promise: &'static str,
    tests: &'static [(&'static str, &'static str)],
    figure: fn(&Results) -> Option<Figure>,
}

struct Figure {
    what: String,
    date: String,
    miss: bool,
}

const NONE: fn(&Results) -> Option<Figure> = |_| None;

const PROMISES: &[Promise] = &[
    Promise {
        promise: "The counts are those of the configured word, and a word or a name is always treated as text",
        tests: &[
            (
                "the_word_that_is_configured_is_the_one_that_is_counted",
                "process/traps.rs",
            ),
            ("no_word_changes_the_sql", "process/traps.rs"),
            ("hostile_words_and_rows_stay_text", "process/traps.rs"),
            ("pages", "../fuzz/tests/corpus.rs"),
        ],
        figure: |results| results.fuzzed(&["pages"]),
    },
    Promise {
        promise: "A page shows BigQuery's whole answer with its true age, and never one older than `--max-stale`",
        tests: &[
            (
                "a_failing_bigquery_leaves_the_old_answer_with_its_true_age_until_it_is_stale",
                "process/freshness.rs",
            ),
            ("a_missing_page_is_an_error", "service/bigquery/rows.rs"),
            (
                "the_time_of_a_suspension_counts_and_what_came_due_in_it_is_done_soon_after",
                "service/refresh.rs",
            ),
        ],
        figure: |results| results.chaos("wrong", "wrong pages, of {} checked,", Some("pages checked")),
    },
    Promise {
        promise: "BigQuery is queried once per TTL, however many clients there are",
        tests: &[
            (
                "one_job_per_ttl_whatever_the_traffic_and_before_it_ends",
                "process/freshness.rs",
            ),
            ("one_job_per_ttl_over_a_day", "service/refresh.rs"),
        ],
        figure: |results| results.aim("upstream jobs per TTL under load"),
    },
    Promise {
        promise: "No client can take an instance down, whether its requests are too many, too slow, too large, incomplete or not HTTP",
        tests: &[
            (
                "one_connection_too_many_is_closed_and_counted",
                "service/serving/limits.rs",
            ),
            (
                "a_peer_that_takes_less_than_the_least_rate_is_cut_off",
                "service/serving/limits.rs",
            ),
            ("the_server_goes_on_after_garbage", "service/serving/refusals.rs"),
            (
                "clients_beyond_the_descriptors_are_closed_and_the_refresh_continues",
                "process/descriptors.rs",
            ),
        ],
        figure: |results| results.chaos("panics", "panics", None),
    },
    Promise {
        promise: "A client gets a format that it accepts, in an encoding that it accepts",
        tests: &[
            ("each_format_is_served_as_asked", "service/serving/negotiation.rs"),
            ("accept_encoding_is_obeyed", "service/serving/encoding.rs"),
            ("negotiation", "../fuzz/tests/corpus.rs"),
        ],
        figure: |results| results.fuzzed(&["negotiation"]),
    },
    Promise {
        promise: "No upstream server can take an instance down or make it lose its answer, because everything that it sends is read with a limit",
        tests: &[
            ("bigquery_may_send_what_it_likes", "process/hostile_upstream.rs"),
            (
                "a_token_server_may_send_what_it_likes",
                "process/hostile_upstream.rs",
            ),
            ("upstream", "../fuzz/tests/corpus.rs"),
        ],
        figure: |results| results.fuzzed(&["upstream"]),
    },
    Promise {
        promise: "A large answer delays no request",
        tests: &[(
            "requests_are_answered_while_the_largest_answer_is_rendered",
            "service/refresh.rs",
        )],
        figure: NONE,
    },
    Promise {
        promise: "A log reader or a service manager that does not read cannot block an instance",
        tests: &[
            (
                "a_stalled_reader_of_the_log_delays_nothing",
                "process/stalled_readers.rs",
            ),
            (
                "systemd_that_does_not_read_delays_nothing_and_is_notified_once_it_does",
                "process/stalled_readers.rs",
            ),
            (
                "sighup_reads_the_credential_again_and_changes_nothing_else",
                "process/lifecycle.rs",
            ),
        ],
        figure: NONE,
    },
    Promise {
        promise: "No request is lost when an instance is restarted or stopped under load",
        tests: &[
            ("sigterm_under_load_loses_no_request", "process/lifecycle.rs"),
            (
                "a_restart_on_a_passed_socket_loses_no_request",
                "process/lifecycle.rs",
            ),
        ],
        figure: NONE,
    },
    Promise {
        promise: "No secret appears in a log line, a page, an argument or the environment, even if an upstream server repeats it",
        tests: &[
            (
                "no_secret_is_in_the_arguments_the_environment_or_the_log_of_the_binary",
                "process/logs.rs",
            ),
            (
                "bigquery_that_echoes_the_access_token",
                "process/echoing_upstream.rs",
            ),
            ("redaction", "../fuzz/tests/corpus.rs"),
            ("credentials", "../fuzz/tests/corpus.rs"),
        ],
        figure: |results| results.fuzzed(&["credentials", "redaction"]),
    },
    Promise {
        promise: "An invalid configuration value is refused with one line that says what is expected",
        tests: &[
            (
                "every_bad_value_names_its_flag_and_what_would_be_right",
                "process/configuration.rs",
            ),
            (
                "a_line_stays_one_whatever_is_in_the_value",
                "process/configuration.rs",
            ),
            ("configuration", "../fuzz/tests/corpus.rs"),
        ],
        figure: |results| results.fuzzed(&["configuration"]),
    },
    Promise {
        promise: "A request's id and trace context are logged if they are valid, and have no other effect",
        tests: &[
            (
                "a_trace_is_in_the_line_of_its_request_if_it_is_a_valid_one",
                "process/metrics.rs",
            ),
            ("requests", "../fuzz/tests/corpus.rs"),
        ],
        figure: |results| results.fuzzed(&["requests"]),
    },
    Promise {
        promise: "The memory limit of a unit suffices under every load within the limits, with a quarter to spare",
        tests: &[("memory.py", "../bench/memory.py")],
        figure: Results::most_memory,
    },
    Promise {
        promise: "Memory use does not grow over time",
        tests: &[("run.py", "../tests/chaos/run.py")],
        figure: Results::growth,
    },
];

/// A row of a table that a benchmark wrote.
type Row = Vec<String>;

/// The files that the measurements write.
struct Results {
    chaos: Value,
    fuzz: Value,
    aims: Vec<Row>,
    speed_date: String,
    memory: Vec<Row>,
    memory_date: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the table under a header that begins so.
fn rows(page: &str, header: &str) -> Vec<Row> {
    page.lines()
        .skip_while(|line| !line.starts_with(header))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
}

/// The first date that a page names.
fn date(page: &str) -> String {
    let is_date = |word: &&str| {
        word.len() == 10
            && word.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    page.split(|c: char| !(c.is_ascii_digit() || c == '-'))
        .find(is_date)
        .unwrap_or("not dated")
        .to_owned()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| grouped(&value.to_string()), str::to_owned)
}

/// A whole number with commas between its thousands; anything else as it is.
fn grouped(number: &str) -> String {
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    let mut grouped = String::new();
    for (at, digit) in number.chars().enumerate() {
        if at > 0 && (number.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl Results {
    fn read() -> Self {
        let json = |path| serde_json::from_str(&read(path)).unwrap();
        let (speed, memory) = (read("bench/results.md"), read("bench/memory.md"));
        Self {
            chaos: json("tests/chaos/result.json"),
            fuzz: json("fuzz/result.json"),
            aims: rows(&speed, "| aim |"),
            speed_date: date(&speed),
            memory: rows(&memory, "| socket |"),
            memory_date: date(&memory),
        }
    }

    fn fuzzed(&self, targets: &[&str]) -> Option<Figure> {
        let figures: Vec<&Value> = targets.iter().map(|target| &self.fuzz[target]).collect();
        let runs: u64 = figures
            .iter()
            .map(|figures| figures["runs"].as_u64().unwrap())
            .sum();
        Some(Figure {
            what: format!("{} inputs without a crash", grouped(&runs.to_string())),
            date: figures.iter().map(|figures| text(&figures["date"])).min()?,
            miss: false,
        })
    }

    fn chaos(&self, name: &str, says: &str, of: Option<&str>) -> Option<Figure> {
        let bad = self.chaos[name].as_u64().unwrap();
        let of = of.map(|of| text(&self.chaos["requests"][of])).unwrap_or_default();
        let minutes = &self.chaos["minutes"];
        Some(Figure {
            what: format!(
                "{bad} {} in {minutes} minutes of random faults",
                says.replace("{}", &of)
            ),
            date: text(&self.chaos["date"]),
            miss: bad > 0,
        })
    }

    fn aim(&self, name: &str) -> Option<Figure> {
        let row = self.aims.iter().find(|row| row[0] == name)?;
        Some(Figure {
            what: format!("{name}: {} (target {})", row[1], row[2]),
            date: self.speed_date.clone(),
            miss: row[3].contains("missed"),
        })
    }

    fn most_memory(&self) -> Option<Figure> {
        let share = |row: &Row| row[6].trim_end_matches('%').parse::<u32>().unwrap();
        let worst = self.memory.iter().max_by_key(|row| share(row))?;
        // Such a scenario shows nothing: the machine was so busy that the connections had been closed before the measurement.
        let empty = self
            .memory
            .iter()
            .filter(|row| row[1] != "none" && row[2] == "0")
            .count();
        let held = match empty {
            0 => String::new(),
            _ => format!("; {empty} scenarios no longer held a connection when they were measured"),
        };
        Some(Figure {
            what: format!(
                "at most {} of the limit: {}, {}{held}",
                worst[6], worst[0], worst[1]
            ),
            date: self.memory_date.clone(),
            miss: share(worst) > 75 || empty > 0,
        })
    }

    fn growth(&self) -> Option<Figure> {
        let thirds: Vec<f64> = self.chaos["kept_mib_by_thirds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|third| third.as_f64().unwrap())
            .collect();
        Some(Figure {
            what: format!(
                "{} MiB retained after each third of {} minutes of random faults; the peak was {} of {} MiB",
                thirds.iter().map(f64::to_string).collect::<Vec<_>>().join(", "),
                self.chaos["minutes"],
                self.chaos["peak_mib"],
                text(&self.chaos["limit"]).trim_end_matches('M'),
            ),
            date: text(&self.chaos["date"]),
            miss: thirds[2] > thirds[1] + 1.0 || self.chaos["times_at_limit"] != 0,
        })
    }
}

/// The page.
fn page(results: &Results) -> String {
    let mut page = "# Proof\n\n\
        This page lists what is promised, the tests that fail if a promise is broken, and the latest figures with their dates.\n\
        A test writes the page from the files that the measurements left ([how](how-to/test-and-measure.md)). The tests run with\n\
        every change. If a figure misses its target, the last column says so, and [the misses](#misses) are listed again.\n\n\
        ## Promises\n\n| promise | tests | figure | date | |\n|---|---|---|---|---|\n"
        .to_owned();
    let mut misses = String::new();
    for Promise {
        promise,
        tests,
        figure,
    } in PROMISES
    {
        let tests: Vec<String> = tests
            .iter()
            .map(|(name, file)| match file.strip_prefix("../") {
                Some(file) => format!("[`{name}`](../{file})"),
                None => format!("[`{name}`](../tests/{file})"),
            })
            .collect();
        let figure = figure(results).unwrap_or(Figure {
            what: "–".to_owned(),
            date: "–".to_owned(),
            miss: false,
        });
        let Figure { what, date, miss } = figure;
        let verdict = if miss { "**missed**" } else { "" };
        writeln!(
            page,
            "| {promise} | {} | {what} | {date} | {verdict} |",
            tests.join(", ")
        )
        .unwrap();
        if miss {
            writeln!(misses, "- {promise}: {what}.").unwrap();
        }
    }
    page.push_str(&random_faults(&results.chaos));
    page.push_str(&fuzzed(&results.fuzz));
    writeln!(
        page,
        "\n## Speed\n\nThe figures are from [the benchmark](../bench/results.md) of {}.\n\n| aim | measured | target | |\n|---|---:|---:|---|",
        results.speed_date
    )
    .unwrap();
    for row in &results.aims {
        writeln!(page, "| {} |", row.join(" | ")).unwrap();
        if row[3].contains("missed") {
            writeln!(misses, "- {}: {}, target {}.", row[0], row[1], row[2]).unwrap();
        }
    }
    if misses.is_empty() {
        misses.push_str("None.\n");
    }
    write!(page, "\n## Misses\n\n{misses}").unwrap();
    page
}

fn random_faults(chaos: &Value) -> String {
    let mut part = format!(
        "\n## Random faults\n\n[tests/chaos](../tests/chaos/run.py) ran the shipped program for {} minutes with the seed {}, \
         in a cgroup with `MemoryMax={}`, on {}.\n\n\
         The test's own names for its faults are in the table. *fault* is followed by a kind of\n\
         [the stand-in's faults](reference/stand-in.md#faults); *hop*, by what a server between the service and the stand-in\n\
         sends instead of a response. *standin fault* and *hostile hop* count each of these two groups. *reload* sends SIGHUP,\n\
         *renew* replaces the credential, and *spoil* replaces it with an invalid file. *revoke* revokes every token,\n\
         *restart upstream* kills the stand-in and starts it again, and *stall log* stops reading the log.\n\n\
         | what | how often |\n|---|---:|\n",
        chaos["minutes"],
        chaos["seed"],
        text(&chaos["limit"]),
        text(&chaos["date"])
    );
    for (title, group) in [("responses and clients", "requests"), ("faults", "faults")] {
        for (name, count) in chaos[group].as_object().unwrap() {
            writeln!(part, "| {title}: {name} | {} |", text(count)).unwrap();
        }
    }
    part
}

fn fuzzed(fuzz: &Value) -> String {
    let mut part = "\n## Fuzz targets\n\nThe table shows the last run of [each target](../fuzz). All of them ended without a crash.\n\n\
        | target | inputs tried | edges reached | peak, MB | minutes | date |\n|---|---:|---:|---:|---:|---|\n"
        .to_owned();
    for (target, figures) in fuzz.as_object().unwrap() {
        let cells = ["runs", "edges", "peak_mb", "minutes", "date"].map(|name| text(&figures[name]));
        writeln!(part, "| {target} | {} |", cells.join(" | ")).unwrap();
    }
    part
}

#[test]
fn the_proof_is_made_of_the_results() {
    let path = root().join("docs/proof.md");
    let made = page(&Results::read());
    let there = fs::read_to_string(&path).unwrap_or_default();
    if there != made && std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, made).unwrap();
        return;
    }
    assert_eq!(
        there, made,
        "docs/proof.md is old: UPDATE_DOCS=1 cargo test the_proof_is_made_of_the_results"
    );
}

/// Measurements are programs, and all other tests are functions.
#[test]
fn every_test_that_is_named_is_there() {
    for (name, file) in PROMISES.iter().flat_map(|promise| promise.tests) {
        let path = root().join("tests").join(file);
        let there = path.is_file() && (name.ends_with(".py") || has_test(&path, name) == Some(true));
        assert!(there, "{file} has no test {name}");
    }
}

#[test]
fn every_figure_is_of_a_measurement() {
    let results = Results::read();
    assert!(results.aims.len() > 5 && results.memory.len() > 5);
    for target in fs::read_dir(root().join("fuzz/fuzz_targets")).unwrap() {
        let target = target.unwrap().path();
        let name = target.file_stem().unwrap().to_str().unwrap();
        assert!(results.fuzz[name]["runs"].as_u64() > Some(10_000), "{name}");
    }
    assert!(results.chaos["minutes"].as_f64() >= Some(10.0));
}
