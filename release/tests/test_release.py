"""Publishes a release to a registry, attests it, and alters each attested part: each alteration must be refused."""

import base64
import hashlib
import json
import pathlib
import tempfile
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from vouched import BUNDLE, HERE, Release, must

# The unaltered release.


def test_a_release_is_verified_with_each_host(release: Release) -> None:
    for host, entry in release.contents["hosts"].items():
        said = must(
            "deploy", "verify", release.attested, "--key", release.public, "--commit", release.commit, "--host", host
        )
        assert f"hosts/{host}: sha256:" in said
        assert f"commit: {release.commit}\n" in said
        paths = must("nix-store", "--query", "--requisites", entry["system"]).split()
        assert release.contents["package"] in paths, f"{host} does not have the released package"


def test_neither_signing_nor_verifying_takes_anything_from_a_store(release: Release) -> None:
    output = release.scratch / "empty-store"
    must("deploy", "attest", release.folder, output, cwd=release.clone, env=release.signing | release.empty_store)
    must("deploy", "verify", output, "--key", release.public, "--commit", release.commit, env=release.empty_store)
    # The store is empty, so every query of it fails.
    release.verify_refused("is not in this machine's store", output, "--host", "prod", env=release.empty_store)


def test_what_is_signed_names_no_file_of_a_store(release: Release) -> None:
    def paths(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for entry in value.values():
                yield from paths(entry)
        elif isinstance(value, str) and "/nix/store/" in value:
            yield value

    systems = {entry["system"] for entry in release.contents["hosts"].values()}
    assert set(paths(release.contents)) == systems | {release.contents["package"]}
    authority = release.contents["hosts"]["mock-prod"]["deployment"]["certificateAuthority"]
    assert authority.startswith("-----BEGIN CERTIFICATE-----")
    assert release.contents["commitTime"] > 1_700_000_000


def test_a_closures_digest_can_be_had_by_hand(release: Release) -> None:
    page = (HERE / "docs/reference/release.md").read_text()
    command = page.split("```console elsewhere\n$ ")[1].split("```")[0].replace("\n$ ", "\n")
    statement = json.loads((release.attested / "provenance.json").read_text())
    digests = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    said = must("bash", "-c", command.replace("SYSTEM", release.contents["hosts"]["prod"]["system"]))
    assert said.split()[0] == digests["hosts/prod"]


def test_an_image_is_verified(release: Release) -> None:
    assert release.image == f"{release.repository}@{release.digest}"
    said = must(
        "deploy", "verify-image", release.image, "--key", release.public, "--insecure", "--commit", release.commit
    )
    assert f"image: {release.digest}\n" in said
    assert f"commit: {release.commit}\n" in said


def test_the_registry_has_the_layouts_own_bytes(release: Release) -> None:
    manifest = (release.folder / "image/blobs" / release.digest.replace(":", "/")).read_bytes()
    assert release.registry.blob(release.digest).read_bytes() == manifest
    tags = json.load(urllib.request.urlopen(f"http://{release.registry.name}/v2/wordtally/tags/list", timeout=10))[
        "tags"
    ]
    assert f"{release.contents['version']}-{release.commit[:12]}" in tags


def test_a_second_run_adds_nothing_to_the_registry(release: Release) -> None:
    before = release.registry.manifests()
    assert release.publish(release.repository) == release.image
    again = release.scratch / "again"
    must(
        "deploy",
        "attest",
        release.folder,
        again,
        "--image",
        release.image,
        "--insecure",
        cwd=release.clone,
        env=release.signing,
    )
    assert release.registry.manifests() == before


def test_the_provenance_names_what_it_is_of(release: Release) -> None:
    statement = json.loads((release.attested / "provenance.json").read_text())
    names = {subject["name"] for subject in statement["subject"]}
    hosts = {f"hosts/{host}" for host in release.contents["hosts"]}
    assert names == {"image", "package", "release.json", "sbom.cdx.json"} | hosts
    dependencies = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    hashes = {d["annotations"]["narHash"] for d in dependencies if "annotations" in d}
    assert hashes == set(release.contents["inputs"].values())


def test_an_input_that_is_locked_without_a_commit_is_named_by_its_hash(release: Release) -> None:
    """The input is a folder, as in a lock file with an overridden input."""
    clone, output = release.scratch / "folders", release.scratch / "folders-attested"
    must("git", "clone", "--quiet", release.clone, clone)
    narhash = release.contents["inputs"]["crane"]
    locked = {"type": "path", "path": "/somewhere", "narHash": narhash, "lastModified": 1}
    release.alter(clone / "flake.lock", lambda lock: lock["nodes"]["crane"].update(locked=locked))
    must("git", "-c", "user.name=a", "-c", "user.email=", "commit", "--quiet", "--all", "-m", "lock", cwd=clone)
    commit = must("git", "rev-parse", "HEAD", cwd=clone).strip()
    folder = release.copy(release.folder, "folders-release")
    release.alter(folder / "release.json", lambda content: content.update(revision=commit))
    must("deploy", "attest", folder, output, cwd=clone, env=release.signing)
    statement = json.loads((output / "provenance.json").read_text())
    dependencies = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    entry = next(dependency for dependency in dependencies if dependency["name"] == "crane")
    assert entry == {"name": "crane", "annotations": {"inFlakeLock": True, "narHash": narhash}}


def test_in_ci_the_provenance_names_the_job(release: Release) -> None:
    job = {
        "CI_JOB_URL": "https://gitlab.example.com/wordtally/-/jobs/7",
        "CI_SERVER_URL": "https://gitlab.example.com",
        "CI_RUNNER_ID": "12",
        "CI_PROJECT_URL": "https://gitlab.example.com/wordtally",
        "CI_PIPELINE_CREATED_AT": "2026-01-02T03:04:05Z",
        "CI_COMMIT_TAG": f"v{release.contents['version']}",
        "CI_COMMIT_SHA": release.commit,
    }
    output = release.scratch / "in-ci"
    must("deploy", "attest", release.folder, output, cwd=release.clone, env=release.signing | job)
    predicate = json.loads((output / "provenance.json").read_text())["predicate"]
    assert predicate["buildDefinition"]["externalParameters"] == {
        "commit": release.commit,
        "ref": f"refs/tags/v{release.contents['version']}",
        "repository": "https://gitlab.example.com/wordtally",
    }
    assert predicate["runDetails"]["builder"]["id"] == "https://gitlab.example.com/-/runners/12"
    assert predicate["runDetails"]["metadata"]["invocationId"] == job["CI_JOB_URL"]
    assert predicate["runDetails"]["metadata"]["startedOn"] == "2026-01-02T03:04:05Z"


def test_the_ref_is_named_in_full(release: Release) -> None:
    """A policy for the branch `main` does not accept a tag of that name."""
    clone = release.scratch / "refs"
    must("git", "clone", "--quiet", release.clone, clone)
    must("git", "checkout", "--quiet", "-b", "topic", cwd=clone)

    def ref(**job: str) -> str:
        output = pathlib.Path(tempfile.mkdtemp(dir=release.scratch)) / "attested"
        must("deploy", "attest", release.folder, output, cwd=clone, env=release.signing | job)
        return next(
            line.removeprefix("ref: ")
            for line in must("deploy", "verify", output, "--key", release.public).splitlines()
            if line.startswith("ref: ")
        )

    assert ref() == "refs/heads/topic"
    assert ref(CI_COMMIT_BRANCH="main") == "refs/heads/main"
    tag = f"v{release.contents['version']}"
    assert ref(CI_COMMIT_TAG=tag) == f"refs/tags/{tag}"
    must("git", "checkout", "--quiet", "--detach", cwd=clone)
    assert ref() == "HEAD"


def test_cosign_alone_verifies_it_too(release: Release) -> None:
    for name in ["release.json", "sbom.cdx.json"]:
        must(
            "cosign", "verify-blob-attestation", f"--key={release.public}", "--insecure-ignore-tlog", "--type=slsaprovenance1",
            f"--bundle={release.attested / BUNDLE}", release.attested / name,
        )  # fmt: skip


def test_a_pipeline_names_the_repository_once(release: Release) -> None:
    """The digest comes from the release, and plain HTTP from an environment variable."""
    repository = f"{release.registry.name}/pipeline"
    plain = {"INSECURE_REGISTRY": "1"}
    image = must("deploy", "publish", release.folder, repository, cwd=release.clone, env=plain).splitlines()[-1]
    must(
        "deploy",
        "attest",
        release.folder,
        release.scratch / "pipeline",
        "--image",
        repository,
        cwd=release.clone,
        env=release.signing | plain,
    )
    must("deploy", "verify-image", image, "--key", release.public, env=plain)


# Altered output of `attest`.


def test_a_changed_release_is_refused(release: Release) -> None:
    attested = release.copy(release.attested, "attested")
    release.alter(attested / "release.json", lambda content: content.update(version="0.1.1"))
    release.verify_refused("release.json is not what was signed", attested)


def test_a_replaced_system_is_refused(release: Release) -> None:
    attested = release.copy(release.attested, "attested")
    hosts = release.contents["hosts"]
    release.alter(
        attested / "release.json", lambda content: content["hosts"]["prod"].update(system=hosts["dev"]["system"])
    )
    release.verify_refused("release.json is not what was signed", attested, "--host", "prod")


@pytest.mark.parametrize("subject", ["package", "hosts/prod"])
def test_a_changed_line_or_path_of_a_closure_is_refused(release: Release, subject: str) -> None:
    lines = (release.attested / "closures" / subject).read_text().splitlines(keepends=True)
    path, digest = lines[-1].split()
    other = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    for changed in [lines[:-1], [*lines[:-1], f"{path} {other}\n"], [*lines[:-1], f"{path}-other {digest}\n"]]:
        attested = release.copy(release.attested, "attested")
        (attested / "closures" / subject).write_text("".join(changed))
        release.verify_refused(f"{subject} is not what was signed", attested)


def test_a_malformed_closure_is_not_attested(release: Release) -> None:
    """The output of `build`, which another job took from an artifact."""
    system = release.contents["hosts"]["prod"]["system"]
    lines = (release.folder / "closures/hosts/prod").read_text().splitlines(keepends=True)
    for changed, sentence in [
        (
            [line for line in lines if not line.startswith(system)],
            f"closures/hosts/prod is malformed: it lacks {system}",
        ),
        ([*lines, lines[0]], f"line {len(lines) + 1} of the closure names a path again"),
        (lines[::-1], "line 2 of the closure is out of order"),
        ([*lines, "/etc/passwd sha256:0\n"], f"line {len(lines) + 1} of the closure is malformed"),
    ]:
        folder = release.copy(release.folder, "release")
        (folder / "closures/hosts/prod").write_text("".join(changed))
        release.attest_refused(sentence, release=folder)


def test_a_changed_bill_of_materials_is_refused(release: Release) -> None:
    attested = release.copy(release.attested, "attested")
    release.alter(attested / "sbom.cdx.json", lambda bill: bill["components"].pop())
    release.verify_refused("sbom.cdx.json is not what was signed", attested)


def test_a_changed_provenance_is_refused(release: Release) -> None:
    attested = release.copy(release.attested, "attested")
    release.alter(attested / "provenance.json", lambda statement: statement["subject"].pop())
    release.verify_refused("provenance.json is not what was signed", attested)


def test_a_changed_statement_in_the_bundle_is_refused(release: Release) -> None:
    attested = release.copy(release.attested, "attested")
    release.alter(attested / "provenance.json", lambda statement: statement["predicate"]["runDetails"].clear())
    payload = base64.b64encode((attested / "provenance.json").read_bytes()).decode()
    release.alter(attested / BUNDLE, lambda bundle: bundle["dsseEnvelope"].update(payload=payload))
    release.verify_refused(f"{BUNDLE} is not signed by {release.public}", attested)


def test_another_key_is_refused(release: Release) -> None:
    output = release.scratch / "by-another"
    must("deploy", "attest", release.folder, output, cwd=release.clone, env=release.signer("theirs"))
    release.verify_refused(f"{BUNDLE} is not signed by {release.public}", output)


def test_a_missing_file_is_refused(release: Release) -> None:
    attested = release.copy(release.attested, "attested")
    (attested / BUNDLE).unlink()
    release.verify_refused(f"{BUNDLE} cannot be read", attested)


def test_another_commit_is_refused(release: Release) -> None:
    release.verify_refused(
        f"the release is of commit {release.commit}, not of {'0' * 40}", release.attested, "--commit", "0" * 40
    )


# A signed statement that does not match.


def test_a_system_that_is_not_what_was_signed_is_refused(release: Release) -> None:
    def swap(statement: dict[str, Any]) -> None:
        by_name = {subject["name"]: subject for subject in statement["subject"]}
        by_name["hosts/prod"]["digest"] = by_name["hosts/dev"]["digest"]

    release.verify_refused("hosts/prod is not what was signed", release.signed(swap), "--host", "prod")


def test_another_image_in_the_release_is_refused(release: Release) -> None:
    def other(statement: dict[str, Any]) -> None:
        next(s for s in statement["subject"] if s["name"] == "image")["digest"]["sha256"] = "0" * 64

    release.verify_refused("image is not what was signed", release.signed(other))


def test_a_release_of_another_commit_is_refused(release: Release) -> None:
    def other(statement: dict[str, Any]) -> None:
        definition = statement["predicate"]["buildDefinition"]
        definition["externalParameters"]["commit"] = "1" * 40
        definition["resolvedDependencies"][0]["digest"]["gitCommit"] = "1" * 40

    release.verify_refused(f"the release was built from commit {release.commit}", release.signed(other))


def test_a_provenance_that_contradicts_itself_is_refused(release: Release) -> None:
    def other(statement: dict[str, Any]) -> None:
        statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"]["gitCommit"] = "1" * 40

    release.verify_refused("the provenance contradicts itself", release.signed(other))


def test_another_kind_of_build_is_refused(release: Release) -> None:
    def other(statement: dict[str, Any]) -> None:
        statement["predicate"]["buildDefinition"]["buildType"] = "https://example.com/by-hand"

    release.verify_refused("another kind of build: https://example.com/by-hand", release.signed(other))


def test_another_kind_of_statement_is_refused(release: Release) -> None:
    def other(statement: dict[str, Any]) -> None:
        statement["predicateType"] = "https://cyclonedx.org/bom"

    release.verify_refused("the signed statement is https://cyclonedx.org/bom", release.signed(other))


def test_a_closure_without_the_hosts_system_is_refused(release: Release) -> None:
    missing = "/nix/store/00000000000000000000000000000000-nixos-system-prod"
    attested = release.copy(release.attested, "attested")
    release.alter(attested / "release.json", lambda content: content["hosts"]["prod"].update(system=missing))
    content = (attested / "release.json").read_bytes()

    def other(statement: dict[str, Any]) -> None:
        subject = next(s for s in statement["subject"] if s["name"] == "release.json")
        subject["digest"]["sha256"] = hashlib.sha256(content).hexdigest()

    signed = release.signed(other)
    (signed / "release.json").write_bytes(content)
    release.verify_refused(f"the signed closure of hosts/prod lacks the host's own system, {missing}", signed)


def test_an_unknown_host_is_refused(release: Release) -> None:
    release.verify_refused("the release has no host staging: it has", release.attested, "--host", "staging")


# The image.


def test_an_unsigned_image_is_refused(release: Release) -> None:
    release.image_refused("is not signed by", release.elsewhere("unsigned"))


def test_an_image_signed_by_another_is_refused(release: Release) -> None:
    release.image_refused("is not signed by", release.elsewhere("another", env=release.signer("theirs")))


def test_an_attestation_is_not_a_signature(release: Release) -> None:
    image = release.elsewhere("attestation-only")
    release.attach(image, "cyclonedx", release.attested / "sbom.cdx.json")
    release.image_refused("it has attestations only", image)


def test_an_image_without_provenance_is_refused(release: Release) -> None:
    image = release.elsewhere("no-provenance")
    release.sign(image)
    release.image_refused("has no slsaprovenance1 attestation", image)


def test_an_image_without_a_bill_of_materials_is_refused(release: Release) -> None:
    image = release.elsewhere("no-bill")
    release.sign(image)
    predicate = release.scratch / "predicate"
    predicate.write_text(json.dumps(json.loads((release.attested / "provenance.json").read_text())["predicate"]))
    release.attach(image, "slsaprovenance1", predicate)
    release.image_refused("has no cyclonedx attestation", image)


def test_an_image_of_another_commit_is_refused(release: Release) -> None:
    release.image_refused(
        f"the release is of commit {release.commit}, not of {'0' * 40}", release.image, "--commit", "0" * 40
    )


def test_a_tag_is_refused(release: Release) -> None:
    release.image_refused("is not an image by digest", f"{release.repository}:{release.contents['version']}")
    release.image_refused("is not an image by digest", f"{release.repository}:tag@{release.digest}")


def test_another_image_under_the_same_tag_is_refused(release: Release) -> None:
    other = release.copy(release.folder, "other")
    index = json.loads((other / "image/index.json").read_text())
    blobs = other / "image/blobs/sha256"
    manifest = json.loads((blobs / index["manifests"][0]["digest"][7:]).read_text())
    manifest["annotations"] = {"by": "another"}
    content = json.dumps(manifest).encode()
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    index["manifests"][0].update(digest=f"sha256:{digest}", size=len(content))
    (other / "image/index.json").write_text(json.dumps(index))
    tag = f"{release.repository}:{release.contents['version']}-{release.commit[:12]}"
    must(
        "skopeo",
        "--insecure-policy",
        "copy",
        "--quiet",
        "--preserve-digests",
        "--dest-tls-verify=false",
        f"oci:{other}/image",
        f"docker://{tag}",
    )
    release.image_refused("is not signed by", f"{release.repository}@sha256:{digest}")
    # The attested image is still valid.
    must("deploy", "verify-image", release.image, "--key", release.public, "--insecure")


def test_a_changed_byte_of_a_layer_or_the_manifest_is_refused(release: Release, subtests: pytest.Subtests) -> None:
    manifest = json.loads((release.folder / "image/blobs" / release.digest.replace(":", "/")).read_text())
    for digest in [*(layer["digest"] for layer in manifest["layers"]), manifest["config"]["digest"], release.digest]:
        with subtests.test(digest), release.one_byte_changed(digest):
            release.image_refused("does not exist, or does not match its digest", release.image)


# Keys that may not sign, and releases that may not be signed.


def test_a_file_that_is_not_a_key_is_refused(release: Release) -> None:
    for file, sentence in [
        (release.scratch / "password", "is malformed: expected PEM"),
        (release.scratch / "ours.key", "is a private key: expected its public half"),
        (release.scratch / "nowhere", "cannot be read: No such file"),
    ]:
        release.refused(sentence, "deploy", "verify", release.attested, "--key", file)


def test_no_key_is_refused(release: Release) -> None:
    release.attest_refused("no private key is named", env={})


def test_a_wrong_password_is_refused(release: Release) -> None:
    wrong = release.scratch / "wrong"
    wrong.write_text("another")
    release.attest_refused("decryption failed", env=release.signing | {"COSIGN_PASSWORD_FILE": str(wrong)})


def test_a_changed_tree_is_refused(release: Release) -> None:
    readme = release.clone / "README.md"
    whole = readme.read_bytes()
    sentence = f"README.md differs from commit {release.commit}"
    readme.write_bytes(whole + b"\n")
    try:
        release.attest_refused(sentence)
        release.refused(sentence, "deploy", "publish", release.folder, release.repository, "--insecure")
    finally:
        readme.write_bytes(whole)


def test_a_release_of_another_revision_is_not_attested(release: Release) -> None:
    other = release.copy(release.folder, "other")
    for revision in ["1" * 40, f"{release.commit}-dirty"]:
        release.alter(other / "release.json", lambda content: content.update(revision=revision))
        release.attest_refused(f"the release was built from commit {revision}", release=other)


def test_a_release_of_an_unknown_revision_is_refused(release: Release) -> None:
    unknown = release.copy(release.folder, "unknown")
    release.alter(unknown / "release.json", lambda content: content.update(revision="unknown"))
    sentence = "the release was built from commit unknown"
    release.attest_refused(sentence, release=unknown)
    release.refused(sentence, "deploy", "publish", unknown, release.repository, "--insecure")

    def other(statement: dict[str, Any]) -> None:
        statement["predicate"]["buildDefinition"]["internalParameters"]["revision"] = "unknown"

    release.verify_refused(sentence, release.signed(other))


def test_ci_of_another_commit_is_refused(release: Release) -> None:
    release.attest_refused("but $CI_COMMIT_SHA is", env=release.signing | {"CI_COMMIT_SHA": "1" * 40})


def test_a_tag_of_another_version_is_refused(release: Release) -> None:
    version = release.contents["version"]
    for tag in ["v9.9.9", version]:
        sentence = f"the tag {tag} is not that of version {version}: expected v{version}"
        release.attest_refused(sentence, env=release.signing | {"CI_COMMIT_TAG": tag})
        release.refused(
            sentence,
            "deploy",
            "publish",
            release.folder,
            release.repository,
            "--insecure",
            env={"CI_COMMIT_TAG": tag},
        )


def test_another_image_is_not_attested(release: Release) -> None:
    release.attest_refused(
        "is not this release's image", "--image", f"{release.repository}@sha256:{'0' * 64}", "--insecure"
    )


def test_what_was_written_is_not_written_over(release: Release) -> None:
    release.refused("already exists", "deploy", "attest", release.folder, release.attested, env=release.signing)


def test_plain_http_is_for_the_loopback(release: Release) -> None:
    for repository in [
        "registry.example.com/wordtally",
        "127.0.0.1.example.com/wordtally",
        "10.0.0.1:5000/wordtally",
    ]:
        sentence = "are for a registry on the loopback"
        release.refused(sentence, "deploy", "publish", release.folder, repository, "--insecure")
        release.refused(sentence, "deploy", "publish", release.folder, repository, env={"INSECURE_REGISTRY": "1"})
        release.image_refused(sentence, f"{repository}@{release.digest}")
        release.attest_refused(sentence, "--image", f"{repository}@{release.digest}", "--insecure")


def test_an_image_is_published_without_a_tag_of_the_callers(release: Release) -> None:
    release.refused(
        "is not a repository", "deploy", "publish", release.folder, f"{release.repository}:latest", "--insecure"
    )
