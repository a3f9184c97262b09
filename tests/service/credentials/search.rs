//! Where a credential is looked for.

use std::path::{Path, PathBuf};

use wordtally::credentials::{Environment, Source};

/// A directory with every place filled.
fn everything(name: &str) -> (PathBuf, Environment) {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("search-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    for file in [
        "systemd/bigquery.json",
        "cloudsdk/application_default_credentials.json",
        "home/.config/gcloud/application_default_credentials.json",
    ] {
        let file = root.join(file);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        std::fs::write(file, "{}").expect("a file");
    }
    let environment = Environment {
        credentials_directory: Some(root.join("systemd")),
        google_application_credentials: Some(root.join("named.json")),
        cloudsdk_config: Some(root.join("cloudsdk")),
        home: Some(root.join("home")),
        gce_metadata_host: Some("127.0.0.1:8123".to_owned()),
    };
    (root, environment)
}

#[test]
fn each_place_is_taken_when_those_before_it_are_empty() {
    let (root, mut environment) = everything("order");
    let find = |flag, environment: &Environment| match Source::find(flag, environment).expect("a source") {
        Source::File(path) => path.strip_prefix(&root).expect("inside").display().to_string(),
        Source::Metadata(address) => address.to_string(),
    };
    let flag = root.join("flag.json");
    assert_eq!(find(Some(&flag), &environment), "flag.json");
    assert_eq!(find(None, &environment), "systemd/bigquery.json");
    // systemd's directory is there, but holds credentials of other kinds.
    std::fs::remove_file(root.join("systemd/bigquery.json")).expect("removed");
    // Nothing is there, but it was named: reading it will say so.
    assert_eq!(find(None, &environment), "named.json");
    environment.google_application_credentials = None;
    assert_eq!(
        find(None, &environment),
        "cloudsdk/application_default_credentials.json"
    );
    environment.cloudsdk_config = None;
    assert_eq!(
        find(None, &environment),
        "home/.config/gcloud/application_default_credentials.json"
    );
    environment.home = None;
    assert_eq!(find(None, &environment), "http://127.0.0.1:8123/");
    environment.gce_metadata_host = None;
    assert_eq!(find(None, &environment), "http://metadata.google.internal/");
}

#[test]
fn gclouds_own_directory_hides_the_one_at_home() {
    let (root, mut environment) = everything("gcloud");
    environment.credentials_directory = None;
    environment.google_application_credentials = None;
    environment.cloudsdk_config = Some(root.join("nothing-here"));
    assert!(matches!(
        Source::find(None, &environment),
        Ok(Source::Metadata(_))
    ));
}

#[test]
fn a_metadata_host_must_be_a_host_nearby() {
    for host in [
        "169.254.169.254",
        "metadata",
        "[fd00:ec2::254]",
        "localhost:80",
        "10.0.0.1:8080",
    ] {
        let environment = Environment {
            gce_metadata_host: Some(host.to_owned()),
            ..Environment::default()
        };
        assert!(Source::find(None, &environment).is_ok(), "{host}");
    }
    for host in [
        "example.com",
        "8.8.8.8",
        "a b",
        "user@localhost",
        "localhost/path",
        "localhost?q",
        "localhost#f",
        "localhost:x",
    ] {
        let environment = Environment {
            gce_metadata_host: Some(host.to_owned()),
            ..Environment::default()
        };
        let sentence = Source::find(None, &environment).expect_err(host).to_string();
        assert!(
            sentence.contains(&format!("GCE_METADATA_HOST is '{host}'")),
            "{sentence}"
        );
        assert!(sentence.contains(": give "), "{sentence}");
    }
}
