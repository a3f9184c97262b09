//! The pictures on the pages, which are Mermaid blocks, against the code: a state, a job or a type that is renamed has to
//! be renamed in its picture. The units of a host are compared by `hosts/checks/pictures.nix`, which has the modules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use wordtally::credentials::TYPES;

use super::pages;

fn read(path: &str) -> String {
    pages::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
}

/// A picture, as far as it is compared.
#[derive(Debug)]
struct Picture {
    page: PathBuf,
    title: String,
    /// The label of each identifier.
    labels: BTreeMap<String, String>,
    /// From, to.
    arrows: Vec<(String, String)>,
}

impl Picture {
    fn names(&self) -> BTreeSet<&str> {
        self.labels.values().map(String::as_str).collect()
    }

    fn label<'a>(&'a self, id: &'a str) -> &'a str {
        self.labels.get(id).map_or(id, String::as_str)
    }
}

/// Reads a picture. A line that is not of the few kinds used here is refused, because Mermaid would show an error in the
/// picture's place.
fn parse(page: &Path, text: &str) -> Result<Picture, String> {
    let mut lines = text.lines().map(str::trim);
    let kind = lines.next().unwrap_or_default();
    let states = match kind {
        "stateDiagram-v2" => true,
        "flowchart LR" | "flowchart TB" | "flowchart TD" => false,
        _ => return Err(format!("'{kind}' begins no known kind of picture")),
    };
    let mut given = |name: &str| {
        let line = lines.next().unwrap_or_default();
        line.strip_prefix(name)
            .filter(|text| text.len() > 10)
            .map(str::to_owned)
            .ok_or(format!("has '{line}' where '{name}' is expected"))
    };
    let title = given("accTitle: ")?;
    given("accDescr: ")?;
    let mut picture = Picture {
        page: page.to_owned(),
        title,
        labels: BTreeMap::new(),
        arrows: Vec::new(),
    };
    for line in lines {
        let understood = match states {
            true => state_line(line, &mut picture),
            false => flow_line(line, &mut picture),
        };
        understood.ok_or_else(|| format!("'{line}' is not understood"))?;
    }
    if !states {
        for id in picture.arrows.iter().flat_map(|(from, to)| [from, to]) {
            if !picture.labels.contains_key(id) {
                return Err(format!("'{id}' has no label"));
            }
        }
    }
    Ok(picture)
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether Mermaid takes the text without quotes.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('/')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " -_.,:/?".contains(c))
}

/// `a --> b: why`, `state "a b" as a_b`, and a state that has others in it, whose own name is not one.
fn state_line(line: &str, picture: &mut Picture) -> Option<()> {
    if line == "}" {
        return Some(());
    }
    if let Some(rest) = line.strip_prefix("state \"") {
        let (label, id) = rest.split_once("\" as ")?;
        let (id, is_group) = id.strip_suffix(" {").map_or((id, false), |id| (id, true));
        let is_new = is_group || picture.labels.insert(id.to_owned(), label.to_owned()).is_none();
        return (is_new && is_plain(label) && is_id(id)).then_some(());
    }
    let (arrow, why) = line.split_once(": ").unwrap_or((line, "-"));
    let (from, to) = arrow.split_once(" --> ")?;
    let is_state = |id: &str| id == "[*]" || is_id(id);
    picture.arrows.push((from.to_owned(), to.to_owned()));
    (is_state(from) && is_state(to) && is_plain(why)).then_some(())
}

/// `a[label]`, or two of these with an arrow between, which may have a label.
fn flow_line(line: &str, picture: &mut Picture) -> Option<()> {
    let Some((from, rest)) = [" --> ", " -->|", " -.-> ", " -.->|"]
        .iter()
        .find_map(|arrow| line.split_once(arrow).map(|halves| (arrow, halves)))
        .and_then(|(arrow, (from, rest))| match arrow.strip_suffix('|') {
            Some(_) => {
                let (label, to) = rest.split_once("| ")?;
                is_plain(label.trim_start_matches('/')).then_some((from, to))
            }
            None => Some((from, rest)),
        })
    else {
        return node(line, picture).map(|_| ());
    };
    let (from, to) = (node(from, picture)?, node(rest, picture)?);
    picture.arrows.push((from, to));
    Some(())
}

/// `a`, or `a[label]` in one of the shapes.
fn node(text: &str, picture: &mut Picture) -> Option<String> {
    let end = text.find(['[', '(', '{']).unwrap_or(text.len());
    let (id, shape) = text.split_at(end);
    if !is_id(id) {
        return None;
    }
    if shape.is_empty() {
        return Some(id.to_owned());
    }
    let label = [("[\"", "\"]"), ("([", "])"), ("[(", ")]"), ("[", "]"), ("{", "}")]
        .iter()
        .find_map(|(open, close)| shape.strip_prefix(open)?.strip_suffix(close))?;
    let quoted = shape.starts_with("[\"") && !label.contains('"');
    let is_new = picture.labels.insert(id.to_owned(), label.to_owned()).is_none();
    (is_new && (quoted || is_plain(label))).then(|| id.to_owned())
}

fn pictures() -> Vec<Picture> {
    let mut pictures = Vec::new();
    for page in pages::pages() {
        let text = pages::read(&page);
        for block in text.split("\n```mermaid\n").skip(1) {
            let (block, _) = block.split_once("\n```").unwrap();
            let picture = parse(&page, block);
            pictures.push(picture.unwrap_or_else(|fault| panic!("{}: {fault}", page.display())));
        }
    }
    pictures
}

fn picture(page: &str) -> Picture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let found = pictures().into_iter().find(|picture| picture.page == path);
    found.unwrap_or_else(|| panic!("{page} has no picture"))
}

#[test]
fn every_picture_is_one_that_mermaid_draws_and_has_a_text_in_its_place() {
    assert!(pictures().len() >= 4, "are the fences still marked mermaid?");
    for broken in [
        "flowchart LR\naccTitle: one without a text\na[b] --> c[d]",
        "flowchart LR\naccTitle: a label with a slash\naccDescr: its shape would be another\na[/b] --> c[d]",
        "flowchart LR\naccTitle: a misspelt end\naccDescr: it would be a box of its own\na[b] --> c",
        "flowchart LR\naccTitle: an unknown arrow\naccDescr: it would be an error\na[b] ==> c[d]",
        "stateDiagram-v2\naccTitle: an unknown line\naccDescr: it would be an error\na -> b",
    ] {
        assert!(parse(Path::new("page"), broken).is_err(), "{broken}");
    }
}

/// Each variant of `State` with its name.
fn states(source: &str) -> BTreeMap<String, String> {
    let pairs = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => \""));
    pairs
        .map(|(variant, name)| (variant.to_owned(), name.trim_end_matches("\",").to_owned()))
        .collect()
}

#[test]
fn the_states_are_those_of_a_deployment() {
    let source = read("deploy/src/state.rs");
    let states = states(&source);
    let picture = picture("docs/reference/deployment.md");
    let drawn: BTreeSet<&str> = picture
        .arrows
        .iter()
        .flat_map(|(from, to)| [from.as_str(), to.as_str()])
        .filter(|id| !["[*]", "under_way"].contains(id))
        .map(|id| picture.label(id))
        .collect();
    let known: BTreeSet<&str> = states.values().map(String::as_str).collect();
    assert!(known.len() > 10, "{known:?}");
    assert_eq!(drawn, known);

    // An arrow to the end leads from those that nothing follows.
    let (_, last) = source.split_once("fn is_final").unwrap();
    let (last, _) = last.split_once("impl ").unwrap();
    let last: BTreeSet<&str> = states
        .iter()
        .filter(|(variant, _)| {
            last.split("Self::")
                .any(|part| part.split_whitespace().next() == Some(variant))
        })
        .map(|(_, name)| name.as_str())
        .collect();
    let drawn: BTreeSet<&str> = picture
        .arrows
        .iter()
        .filter(|(_, to)| to == "[*]")
        .map(|(from, _)| picture.label(from))
        .collect();
    assert_eq!(drawn, last);

    // The way forward is the one that the program takes.
    let forward = read("deploy/src/host/forward.rs");
    let mut way = vec!["begun"];
    for call in forward.split("enter(journal, State::").skip(1) {
        let name = &states[call.split(')').next().unwrap()];
        if way.last() != Some(&name.as_str()) {
            way.push(name);
        }
    }
    assert!(way.len() > 5, "{way:?}");
    for step in way.windows(2) {
        let is_drawn = |(from, to): &(String, String)| [picture.label(from), picture.label(to)] == step;
        assert!(picture.arrows.iter().any(is_drawn), "no arrow for {step:?}");
    }
}

/// The keys of a YAML file with the lines of each.
fn keys(yaml: &str) -> BTreeMap<String, Vec<String>> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut key = None;
    for line in yaml.lines().filter(|line| !line.starts_with('#')) {
        if !line.starts_with([' ', '-']) {
            key = line.split_once(':').map(|(name, _)| name.to_owned());
        }
        if let Some(key) = &key {
            keys.entry(key.clone()).or_default().push(line.trim().to_owned());
        }
    }
    keys
}

#[test]
fn the_stages_and_jobs_are_those_of_the_pipeline() {
    let mut entries = keys(&read(".gitlab-ci.yml"));
    entries.extend(keys(&read("pipeline/environments.yml")));
    let value = |lines: &[String], name: &str| -> Option<String> {
        let found = lines.iter().find_map(|line| line.strip_prefix(name));
        found.map(|value| value.trim().to_owned())
    };
    let mut jobs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, lines) in &entries {
        let extends = value(lines, "extends:");
        let of_parent = || value(entries.get(extends.as_deref()?)?, "stage:");
        let is_job = !name.starts_with('.') && extends.as_deref() != Some(".scheduled");
        if let Some(stage) = value(lines, "stage:").or_else(of_parent).filter(|_| is_job) {
            jobs.entry(stage).or_default().insert(name.clone());
        }
    }
    let stages: Vec<String> = entries["stages"]
        .iter()
        .filter_map(|line| Some(line.strip_prefix("- ")?.to_owned()))
        .collect();

    let picture = picture("docs/reference/pipeline.md");
    let mut drawn = Vec::new();
    let mut at = "commit".to_owned();
    while let Some((_, next)) = picture.arrows.iter().find(|(from, _)| *from == at) {
        let (stage, jobs) = picture
            .label(next)
            .split_once(": ")
            .expect("a stage and its jobs");
        let jobs: BTreeSet<String> = jobs.split(", ").map(str::to_owned).collect();
        drawn.push((stage.to_owned(), jobs));
        at.clone_from(next);
    }
    let known: Vec<_> = stages
        .into_iter()
        .map(|stage| (stage.clone(), jobs[&stage].clone()))
        .collect();
    assert_eq!(drawn, known);
    assert_eq!(picture.labels.len(), known.len() + 1);
}

#[test]
fn the_chart_of_credentials_leads_to_each_type() {
    let picture = picture("docs/reference/credentials.md");
    let drawn: BTreeSet<&str> = picture
        .names()
        .into_iter()
        .filter_map(|label| label.split([',', ' ']).next().filter(|word| word.contains('_')))
        .collect();
    let known: BTreeSet<&str> = TYPES.iter().map(|known| known.name).collect();
    assert_eq!(drawn, known);
    assert!(picture.names().contains("no file: the metadata server"));
}

#[test]
fn the_units_of_a_deployment_are_those_that_it_begins() {
    let picture = picture("docs/how-to/run-it-on-nixos.md");
    let places = read("deploy/src/host/places.rs");
    for constant in ["pub const UNIT: &str = \"", "pub const RECOVERY: &str = \""] {
        let (_, rest) = places.split_once(constant).unwrap();
        let unit = rest.split('"').next().unwrap();
        assert!(picture.names().contains(unit), "{unit} is not in the picture");
    }
}

#[test]
fn the_environments_of_a_commit_s_way_are_those_that_there_are() {
    let source = read("hosts/environments.nix");
    let known: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(" = {"))
        .filter(|name| !name.starts_with(' '))
        .collect();
    assert!(known.contains("mock-prod"), "{known:?}");
    for picture in pictures() {
        if picture.title == "From a commit to mock production" {
            let names = picture.names();
            assert!(known.is_subset(&names), "{names:?} has not all of {known:?}");
        }
    }
}
