//! flake.lock says for every input of flake.nix which one, and nothing else: Nix with a network would change nothing.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An input as flake.nix declares it.
#[derive(Debug, Default)]
struct Input {
    url: String,
    /// Inputs of the input, and what each is replaced by: another input's path, or nothing.
    follows: BTreeMap<String, Vec<String>>,
    /// `flake = false`: only files, without outputs and inputs.
    files_only: bool,
}

/// What stands between the first pair of braces after `start`.
fn block<'a>(text: &'a str, start: &str) -> &'a str {
    let inner = text.split_once(start).unwrap_or_else(|| panic!("no '{start}'")).1;
    let mut depth = 1_usize;
    for (at, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return &inner[..at];
        }
    }
    panic!("'{start}' is not closed");
}

/// `inputs` of a flake: attribute sets in it are flattened to one path and one string for each line.
fn inputs(flake: &str) -> BTreeMap<String, Input> {
    let mut inputs: BTreeMap<String, Input> = BTreeMap::new();
    let mut open = Vec::new();
    for line in block(flake, "\n  inputs = {").lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line == "};" {
            open.pop().unwrap_or_else(|| panic!("one brace too many"));
            continue;
        }
        let (name, value) = line
            .split_once(" = ")
            .unwrap_or_else(|| panic!("not understood: {line}"));
        let path: Vec<_> = open
            .iter()
            .copied()
            .chain([name])
            .flat_map(|part: &str| part.split('.'))
            .collect();
        if value == "{" {
            open.push(name);
            continue;
        }
        let text = value.trim_end_matches(';').trim_matches('"');
        match path[..] {
            [input, "url"] => text.clone_into(&mut inputs.entry(input.into()).or_default().url),
            [input, "inputs", inner, "follows"] => {
                let target = text
                    .split('/')
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .collect();
                inputs
                    .entry(input.into())
                    .or_default()
                    .follows
                    .insert(inner.into(), target);
            }
            [input, "flake"] => inputs.entry(input.into()).or_default().files_only = text == "false",
            _ => panic!("not understood: {line}"),
        }
    }
    inputs
}

/// `github:owner/repo[/ref]` as the lock writes it.
fn original(url: &str) -> Value {
    let parts: Vec<_> = url
        .strip_prefix("github:")
        .unwrap_or_default()
        .split('/')
        .collect();
    match parts[..] {
        [owner, repo] => json!({"type": "github", "owner": owner, "repo": repo}),
        [owner, repo, reference] => json!({"type": "github", "owner": owner, "repo": repo, "ref": reference}),
        _ => panic!("not understood: {url}"),
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    static EMPTY: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();
    value.as_object().unwrap_or_else(|| EMPTY.get_or_init(Map::new))
}

/// Standard base64 of 32 bytes.
fn is_sha256(text: &str) -> bool {
    let Some(digest) = text
        .strip_prefix("sha256-")
        .and_then(|rest| rest.strip_suffix('='))
    else {
        return false;
    };
    digest.len() == 43
        && digest
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
}

/// What of a node's `locked` is missing, malformed or of another repository than `original`.
fn locked_faults(name: &str, node: &Value) -> Vec<String> {
    let (locked, original) = (&node["locked"], &node["original"]);
    let text = |field: &str| locked[field].as_str().unwrap_or_default();
    let mut faults = Vec::new();
    if text("rev").len() != 40
        || !text("rev")
            .bytes()
            .all(|byte| b"0123456789abcdef".contains(&byte))
    {
        faults.push(format!("{name}: rev is no commit"));
    }
    if !is_sha256(text("narHash")) {
        faults.push(format!("{name}: narHash is no SHA-256"));
    }
    if locked["lastModified"].as_u64().is_none_or(|seconds| seconds == 0) {
        faults.push(format!("{name}: lastModified is no time"));
    }
    for field in ["type", "owner", "repo"] {
        if locked[field] != original[field] || !locked[field].is_string() {
            faults.push(format!("{name}: {field} is not that of the original"));
        }
    }
    let known = ["lastModified", "narHash", "owner", "repo", "rev", "type"];
    let extra = object(locked)
        .keys()
        .filter(|field| !known.contains(&field.as_str()));
    faults.extend(extra.map(|field| format!("{name}: {field} is no field of a locked input")));
    faults
}

/// The node that an input of `node` leads to: by its name, or by a path from the root.
fn target<'a>(lock: &'a Value, reference: &'a Value) -> Option<&'a str> {
    let Some(path) = reference.as_array() else {
        return reference.as_str();
    };
    let mut node = lock["root"].as_str()?;
    for step in path {
        node = target(lock, &lock["nodes"][node]["inputs"][step.as_str()?])?;
    }
    Some(node)
}

/// All that Nix would change in this lock, or refuse.
fn faults(flake: &str, lock: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let nodes = object(&lock["nodes"]);
    if lock["version"] != json!(7) {
        faults.push("version is not 7".into());
    }
    let root = lock["root"].as_str().unwrap_or_default();
    let locked = object(&lock["nodes"][root]["inputs"]);
    let declared = inputs(flake);
    if declared.keys().collect::<Vec<_>>() != locked.keys().collect::<Vec<_>>() {
        faults.push("the root's inputs are not those of flake.nix".into());
    }

    for (name, input) in &declared {
        let Some(node) = locked
            .get(name)
            .and_then(Value::as_str)
            .and_then(|node| nodes.get(node))
        else {
            faults.push(format!("{name}: has no node"));
            continue;
        };
        if node["original"] != original(&input.url) {
            faults.push(format!("{name}: original is not {}", input.url));
        }
        let kind = if input.files_only {
            json!(false)
        } else {
            Value::Null
        };
        if node["flake"] != kind {
            faults.push(format!(
                "{name}: flake.nix and the lock differ on whether it is a flake"
            ));
        }
        let inner = object(&node["inputs"]);
        for (follower, path) in &input.follows {
            if inner.get(follower) != Some(&json!(path)) {
                faults.push(format!("{name}: {follower} does not follow {path:?}"));
            }
        }
        let follows = inner.iter().filter(|(_, reference)| reference.is_array());
        let undeclared = follows.filter(|(follower, _)| !input.follows.contains_key(*follower));
        faults.extend(
            undeclared.map(|(follower, _)| format!("{name}: flake.nix lets {follower} follow nothing")),
        );
    }

    // Every reference leads somewhere, and every node is reached.
    let mut reached = BTreeSet::from([root]);
    let mut ahead = vec![root];
    while let Some(node) = ahead.pop() {
        for (input, reference) in object(&lock["nodes"][node]["inputs"]) {
            // `follows = ""` leads to the root: the input is the flake itself, so nothing is fetched.
            match target(lock, reference) {
                Some(next) if nodes.contains_key(next) => {
                    if reached.insert(next) {
                        ahead.push(next);
                    }
                }
                _ => faults.push(format!("{node}: {input} leads nowhere")),
            }
        }
    }
    let unused = nodes.keys().filter(|name| !reached.contains(name.as_str()));
    faults.extend(unused.map(|name| format!("{name}: nothing uses this node")));

    for (name, node) in nodes.iter().filter(|(name, _)| *name != root) {
        faults.extend(locked_faults(name, node));
    }
    faults
}

fn lock() -> Value {
    serde_json::from_str(&read("flake.lock")).unwrap_or_else(|error| panic!("flake.lock: {error}"))
}

#[test]
fn the_lock_is_that_of_the_flake() {
    assert_eq!(faults(&read("flake.nix"), &lock()), Vec::<String>::new());
}

#[test]
fn the_inputs_are_read() {
    let inputs = inputs(&read("flake.nix"));
    assert!(
        inputs.contains_key("nixpkgs") && inputs.contains_key("agenix"),
        "{inputs:?}"
    );
    assert_eq!(inputs["agenix"].follows["nixpkgs"], ["nixpkgs"]);
    assert!(inputs["agenix"].follows["darwin"].is_empty());
}

/// Each change of the lock, at a JSON pointer, is seen, and named by the part of a sentence.
#[test]
fn a_broken_lock_is_seen() {
    let flake = read("flake.nix");
    let changes = [
        (
            "/nodes/crane",
            json!({"flake": false}),
            "crane: flake.nix and the lock differ on whether",
        ),
        ("/version", json!(6), "version is not 7"),
        (
            "/nodes/root/inputs/crane",
            json!("nixpkgs"),
            "crane: original is not github:ipetkov/crane",
        ),
        ("/nodes/root/inputs/crane", json!("other"), "crane: has no node"),
        (
            "/nodes/nixpkgs/original/ref",
            json!("nixos-25.11"),
            "nixpkgs: original is not",
        ),
        (
            "/nodes/crane/original/owner",
            json!("other"),
            "crane: original is not",
        ),
        (
            "/nodes/crane/locked/owner",
            json!("other"),
            "crane: owner is not that of the original",
        ),
        (
            "/nodes/crane/locked/rev",
            json!("main"),
            "crane: rev is no commit",
        ),
        (
            "/nodes/agenix/locked/narHash",
            json!("sha256-AAAA"),
            "agenix: narHash is no SHA-256",
        ),
        (
            "/nodes/agenix/locked/narHash",
            Value::Null,
            "agenix: narHash is no SHA-256",
        ),
        (
            "/nodes/systems/locked/lastModified",
            Value::Null,
            "systems: lastModified is no time",
        ),
        (
            "/nodes/agenix/inputs/nixpkgs",
            json!("nixpkgs"),
            "agenix: nixpkgs does not follow",
        ),
        (
            "/nodes/agenix/inputs/darwin",
            json!(["nixpkgs"]),
            "agenix: darwin does not follow []",
        ),
        (
            "/nodes/agenix/inputs/systems",
            json!("other"),
            "agenix: systems leads nowhere",
        ),
        (
            "/nodes/agenix/inputs/systems",
            json!(["crane"]),
            "agenix: flake.nix lets systems follow nothing",
        ),
        (
            "/nodes/agenix/inputs/systems",
            json!(["crane"]),
            "systems: nothing uses this node",
        ),
    ];
    for (pointer, value, sentence) in changes {
        let mut broken = lock();
        *broken
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("no {pointer}")) = value;
        let faults = faults(&flake, &broken);
        assert!(
            faults.iter().any(|fault| fault.contains(sentence)),
            "{pointer}, {sentence}: {faults:?}"
        );
    }
}

#[test]
fn a_node_too_few_or_too_many_is_seen() {
    let flake = read("flake.nix");
    let mut few = lock();
    few["nodes"]
        .as_object_mut()
        .and_then(|nodes| nodes.remove("systems"));
    assert_eq!(faults(&flake, &few), ["agenix: systems leads nowhere"]);

    let mut many = lock();
    many["nodes"]["crane_2"] = many["nodes"]["crane"].clone();
    assert_eq!(faults(&flake, &many), ["crane_2: nothing uses this node"]);

    let mut follows = lock();
    follows["nodes"]["agenix"]["inputs"]
        .as_object_mut()
        .and_then(|inputs| inputs.remove("darwin"));
    assert_eq!(faults(&flake, &follows), ["agenix: darwin does not follow []"]);
}

/// Each change of flake.nix alone is seen.
#[test]
fn a_changed_flake_is_seen() {
    let (flake, lock) = (read("flake.nix"), lock());
    for (from, to) in [
        ("nixos-26.05", "nixos-unstable"),
        ("github:ryantm/agenix", "github:other/agenix"),
        ("darwin.follows = \"\"", "darwin.follows = \"nixpkgs\""),
        ("        home-manager.follows = \"\";\n", ""),
        ("    crane.url = \"github:ipetkov/crane\";\n", ""),
        ("    crane.url", "    crane.flake = false;\n    crane.url"),
        ("    crane.url", "    other.url = \"github:a/b\";\n    crane.url"),
    ] {
        let changed = flake.replacen(from, to, 1);
        assert_ne!(changed, flake, "{from}");
        assert!(!faults(&changed, &lock).is_empty(), "{from} -> {to}");
    }
}
