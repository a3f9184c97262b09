//! The commands' files: what `keygen` writes is what `serve` and a client read.

use std::os::unix::fs::PermissionsExt;

use bigquery_standin::Options;
use bigquery_standin::cli::{Command, KeygenArgs, keygen};
use bigquery_standin::iam::Policy;
use clap::Parser;
use serde_json::Value;

use crate::support::*;

#[tokio::test]
async fn a_generated_key_is_private_and_its_iam_file_makes_it_known() {
    let directory = std::env::temp_dir().join(format!("standin-keygen-{}", std::process::id()));
    std::fs::create_dir(&directory).unwrap();
    let args = KeygenArgs {
        email: "made@my-project.iam.gserviceaccount.com".into(),
        project: PROJECT.into(),
        token_uri: "http://127.0.0.1:9050/token".into(),
        out: directory.join("key.json"),
        public: directory.join("iam.json"),
        job_user: Vec::new(),
        data_viewer: Vec::new(),
        keep: false,
    };
    keygen(&args).unwrap();
    assert_eq!(
        std::fs::metadata(&args.out).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let file: Value = serde_json::from_slice(&std::fs::read(&args.out).unwrap()).unwrap();
    assert_eq!(
        (file["type"].as_str(), file["client_email"].as_str()),
        (Some("service_account"), Some(&*args.email))
    );
    assert!(
        file["private_key"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY-----")
    );
    assert!(!std::fs::read_to_string(&args.public).unwrap().contains("PRIVATE"));
    let mut policy = Policy::load(&args.public).unwrap();
    policy.merge(Policy::default());
    assert_eq!(policy.account(&args.email).unwrap().public_keys.len(), 1);
    let member = format!("serviceAccount:{}", args.email);
    assert!(
        !policy.may_run_jobs(&member, PROJECT),
        "nothing is granted unasked"
    );
    let standin = closed(Options {
        policy,
        ..Options::new(database())
    })
    .await;
    // The account is known now, so only the signature by another's key can fail.
    let mut claims = claims(&standin.token_uri());
    claims["iss"] = args.email.as_str().into();
    let (_, body) = assert_grant(&standin, &signed(key(), &claims)).await;
    assert_eq!(body["error_description"], "Invalid JWT Signature.");
    let refused = keygen(&args).unwrap_err().to_string();
    assert!(refused.contains("key.json"), "{refused}");

    let written = std::fs::read(&args.out).unwrap();
    let args = KeygenArgs { keep: true, ..args };
    keygen(&args).unwrap();
    assert_eq!(std::fs::read(&args.out).unwrap(), written, "it was made anew");
    // Half of a pair is not worth keeping, and a key without its file must not be lost.
    std::fs::remove_file(&args.public).unwrap();
    let refused = keygen(&args).unwrap_err().to_string();
    assert!(refused.contains("key.json"), "{refused}");
    std::fs::remove_dir_all(directory).unwrap();
}

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn parse(flags: &[&str]) -> Result<KeygenArgs, clap::Error> {
    let fixed = [
        "standin",
        "keygen",
        "--email",
        "a@my-project",
        "--project",
        PROJECT,
    ];
    match Cli::try_parse_from(fixed.iter().chain(flags))?.command {
        Command::Keygen(args) => Ok(args),
        Command::Serve(_) => panic!("keygen was asked for"),
    }
}

#[test]
fn a_generated_account_holds_the_roles_asked_for_and_no_others() {
    let directory = std::env::temp_dir().join(format!("standin-roles-{}", std::process::id()));
    std::fs::create_dir(&directory).unwrap();
    let (key, iam) = (directory.join("key.json"), directory.join("iam.json"));
    let files = ["--out", key.to_str().unwrap(), "--public", iam.to_str().unwrap()];
    let roles = [
        "--job-user",
        PROJECT,
        "--data-viewer",
        "data.one",
        "--data-viewer",
        "data.two",
    ];
    keygen(&parse(&[files.as_slice(), &roles].concat()).unwrap()).unwrap();
    let policy = Policy::load(&iam).unwrap();
    let member = "serviceAccount:a@my-project";
    let jobs = [PROJECT, "data"].map(|project| policy.may_run_jobs(member, project));
    assert_eq!(jobs, [true, false]);
    let reads = ["one", "two", "three"].map(|dataset| policy.may_read(member, "data", dataset));
    assert_eq!(reads, [true, true, false]);
    for wrong in ["data", ".one", "data."] {
        let error = parse(&[files.as_slice(), &["--data-viewer", wrong]].concat()).unwrap_err();
        assert!(error.to_string().contains("PROJECT.DATASET"), "{error}");
    }
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_wrong_iam_file_is_named_with_its_fault() {
    let path = std::env::temp_dir().join(format!("standin-iam-{}.json", std::process::id()));
    let account = r#"{"serviceAccounts": [{"email": "a@b", "project": "p", "publicKeys": ["x"]}]}"#;
    for (text, said) in [(account, "invalid RSA public key"), (r#"{"userz": []}"#, "userz")] {
        std::fs::write(&path, text).unwrap();
        let error = Policy::load(&path).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("standin-iam"), "{error}");
    }
    std::fs::remove_file(path).unwrap();
}
