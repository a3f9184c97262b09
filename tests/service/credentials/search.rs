//! Where a credential is looked for.

use std::path::{Path, PathBuf};

use wordtally::credentials::{Origin, Variables};

/// A directory with a credential in every place.
fn everything(name: &str) -> (PathBuf, Variables) {
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
    let variables = Variables {
        credentials_directory: Some(root.join("systemd")),
        google_application_credentials: Some(root.join("named.json")),
        cloudsdk_config: Some(root.join("cloudsdk")),
        home: Some(root.join("home")),
        gce_metadata_host: Some("127.0.0.1:8123".to_owned()),
    };
    (root, variables)
}

#[test]
fn each_place_is_taken_when_those_before_it_are_empty() {
    let (root, mut variables) = everything("order");
    let find = |flag, variables: &Variables| match Origin::find(flag, variables).expect("a source") {
        Origin::File(path) => path.strip_prefix(&root).expect("inside").display().to_string(),
        Origin::Metadata(address) => address.to_string(),
    };
    let flag = root.join("flag.json");
    assert_eq!(find(Some(&flag), &variables), "flag.json");
    assert_eq!(find(None, &variables), "systemd/bigquery.json");
    // systemd's directory exists, but contains credentials of other kinds.
    std::fs::remove_file(root.join("systemd/bigquery.json")).expect("removed");
    // The file does not exist, but it was named: reading it will report that.
    assert_eq!(find(None, &variables), "named.json");
    variables.google_application_credentials = None;
    assert_eq!(
        find(None, &variables),
        "cloudsdk/application_default_credentials.json"
    );
    variables.cloudsdk_config = None;
    assert_eq!(
        find(None, &variables),
        "home/.config/gcloud/application_default_credentials.json"
    );
    variables.home = None;
    assert_eq!(find(None, &variables), "http://127.0.0.1:8123/");
    variables.gce_metadata_host = None;
    assert_eq!(find(None, &variables), "http://metadata.google.internal/");
}

#[test]
fn gclouds_own_directory_hides_the_one_at_home() {
    let (root, mut variables) = everything("gcloud");
    variables.credentials_directory = None;
    variables.google_application_credentials = None;
    variables.cloudsdk_config = Some(root.join("nothing-here"));
    assert!(matches!(Origin::find(None, &variables), Ok(Origin::Metadata(_))));
}

#[test]
fn a_metadata_host_must_be_a_host_nearby() {
    for host in [
        "169.254.169.254",
        "metadata",
        "metadata.google.internal",
        "metadata.google.internal.:80",
        "[fd00:ec2::254]",
        "localhost:80",
        "10.0.0.1:8080",
    ] {
        let variables = Variables {
            gce_metadata_host: Some(host.to_owned()),
            ..Variables::default()
        };
        assert!(Origin::find(None, &variables).is_ok(), "{host}");
    }
    for host in [
        "example.com",
        "other",
        "other.internal",
        "8.8.8.8",
        "a b",
        "user@localhost",
        "localhost/path",
        "localhost?q",
        "localhost#f",
        "localhost:x",
    ] {
        let variables = Variables {
            gce_metadata_host: Some(host.to_owned()),
            ..Variables::default()
        };
        let sentence = Origin::find(None, &variables).expect_err(host).to_string();
        assert!(
            sentence.contains(&format!("invalid GCE_METADATA_HOST '{host}'")),
            "{sentence}"
        );
        assert!(sentence.contains("expected "), "{sentence}");
    }
}
