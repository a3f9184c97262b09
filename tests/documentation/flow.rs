//! The modules import as the page on the program's structure says: only from the modules above them in its table.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Each module's row in the page's table. Modules in the same row cannot import from each other.
fn documented() -> HashMap<String, usize> {
    let page = std::fs::read_to_string(root().join("docs/explanation/how-it-is-built.md")).unwrap();
    let (_, table) = page.split_once("| module | its one job |\n|---|---|\n").unwrap();
    let mut rows = HashMap::new();
    for (row, line) in table
        .lines()
        .map_while(|line| line.strip_prefix("| "))
        .enumerate()
    {
        let modules = line.split(" |").next().unwrap();
        for module in modules.split('`').skip(1).step_by(2) {
            let twice = rows.insert(module.to_owned(), row);
            assert_eq!(twice, None, "{module} is in two rows");
        }
    }
    rows
}

/// The modules that `lib.rs` declares.
fn declared() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    text.lines()
        .filter_map(|line| {
            line.trim_start_matches("pub ")
                .strip_prefix("mod ")?
                .strip_suffix(';')
        })
        .map(str::to_owned)
        .collect()
}

/// The sources in a folder, without the two roots that connect everything.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("src/lib.rs")
            && !path.ends_with("src/main.rs")
        {
            found.push(path);
        }
    }
}

/// The modules that a source names after `crate::`, in imports and elsewhere.
fn imported(source: &str) -> BTreeSet<String> {
    let code: String = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    code.split("crate::").skip(1).flat_map(first_names).collect()
}

/// The first name of a path, or of each path of a group in braces.
fn first_names(path: &str) -> Vec<String> {
    let name = |path: &str| -> String {
        let path = path.trim_start();
        path.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let mut depth = 0;
    let mut names = vec![name(group)];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn every_module_is_in_the_table_once() {
    let listed: BTreeSet<String> = documented().into_keys().collect();
    assert_eq!(listed, declared());
}

#[test]
fn a_module_imports_only_from_those_above_it() {
    let rows = documented();
    let src = root().join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut imports = 0;
    let mut against = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&src).unwrap().with_extension("");
        let module = inside.iter().next().unwrap().to_str().unwrap().to_owned();
        for other in imported(&std::fs::read_to_string(&file).unwrap()) {
            imports += 1;
            if other != module && rows[&other] >= rows[&module] {
                against.push(format!("{}: {module} imports {other}", inside.display()));
            }
        }
    }
    assert!(imports > 50, "only {imports} imports were found");
    assert!(
        against.is_empty(),
        "against the order in docs/explanation/how-it-is-built.md:\n{}",
        against.join("\n")
    );
}

#[test]
fn an_import_is_read_in_each_of_its_forms() {
    let source = "use crate::a::{x, y};\nuse crate::{b, c::{d, e}, f};\nlet g = crate::h::i(); // crate::j\n";
    let expected = ["a", "b", "c", "f", "h"].map(str::to_owned);
    assert_eq!(imported(source), BTreeSet::from(expected));
}
