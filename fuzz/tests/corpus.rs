//! Every input of the corpus, tried by its target.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wordtally_fuzz::TARGETS;

fn names(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            path.file_stem().unwrap().to_str().unwrap().to_owned()
        })
        .collect()
}

fn replay(target: &str) {
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 8, "{target} has {} inputs", files.len());
    for file in files {
        let input = fs::read(&file).unwrap();
        // Its name, in case it panics.
        println!("{}", file.display());
        run(&input);
    }
}

macro_rules! replayed {
    ($($target:ident),*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target));
            }
        )*

        #[test]
        fn every_target_has_its_program_its_corpus_and_its_test() {
            let tests: BTreeSet<String> = [$(stringify!($target)),*].map(str::to_owned).into();
            let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(targets, tests);
            assert_eq!(targets, names("fuzz_targets"));
            assert_eq!(targets, names("corpus"));
        }
    };
}

replayed!(
    configuration,
    credentials,
    negotiation,
    pages,
    redaction,
    requests,
    upstream
);
