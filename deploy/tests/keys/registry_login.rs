//! A job's login to its own registry.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use wordtally_deploy::registry_login::RegistryLogin;

const JOB: [(&str, &str); 3] = [
    ("CI_REGISTRY", "registry.example.com:5050"),
    ("CI_REGISTRY_USER", "gitlab-ci-token"),
    ("CI_REGISTRY_PASSWORD", "a:secret"),
];
const IMAGE: &str = "registry.example.com:5050/group/wordtally@sha256:0";

fn of_job(image: &str, variables: &[(&str, &str)]) -> std::io::Result<Option<RegistryLogin>> {
    let variable = |name: &str| {
        let (_, value) = variables.iter().find(|(key, _)| *key == name)?;
        Some((*value).to_owned())
    };
    RegistryLogin::of_job(image, variable)
}

#[test]
fn a_job_logs_in_to_its_own_registry_by_a_private_file_that_is_removed() {
    let login = of_job(IMAGE, &JOB).unwrap().expect("a job has a login");
    let [(_, file), (_, folder)] = login.environment();
    let content: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    // `printf gitlab-ci-token:a:secret | base64`
    let expected = serde_json::json!({
        "auths": { "registry.example.com:5050": { "auth": "Z2l0bGFiLWNpLXRva2VuOmE6c2VjcmV0" } }
    });
    assert_eq!(content, expected);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(!format!("{login:?}").contains("secret"));
    drop(login);
    assert!(!folder.exists());
}

#[test]
fn no_other_registry_is_shown_the_jobs_password() {
    for image in [
        "registry.example.com/group/wordtally",
        "registry.example.com:5050.evil.example/wordtally",
        "docker.io/registry.example.com:5050/wordtally",
    ] {
        assert!(of_job(image, &JOB).unwrap().is_none(), "{image}");
    }
}

#[test]
fn a_named_login_takes_precedence() {
    let named = [&JOB[..], &[("REGISTRY_AUTH_FILE", "/somewhere")]].concat();
    assert!(of_job(IMAGE, &named).unwrap().is_none());
}

#[test]
fn outside_a_job_there_is_none() {
    assert!(of_job(IMAGE, &[]).unwrap().is_none());
    // A GitLab without a registry leaves them empty.
    assert!(
        of_job(IMAGE, &[("CI_REGISTRY", ""), JOB[1], JOB[2]])
            .unwrap()
            .is_none()
    );
}
