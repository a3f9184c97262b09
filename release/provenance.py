"""The statement about a release: in-toto, with SLSA's provenance. Its fields are in docs/reference/release.md."""

import datetime
import json
import os
import re

import closure
from common import Refused, parsed, read, run, sha256

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://gitlab.com/wordtally/wordtally/-/blob/main/docs/reference/release.md#build-type"
BUNDLE = "provenance.sigstore.json"
# What is copied from the release, and a subject by its bytes.
FILES = ["release.json", "sbom.cdx.json"]


def subjects(release, contents):
    """Everything that is vouched for, by name."""
    digests = {name: sha256(content) for name, content in contents.items()}
    digests["image"] = release["image"].removeprefix("sha256:")
    digests["package"] = closure.digest(release["package"])
    for name, host in release["hosts"].items():
        digests[f"hosts/{name}"] = closure.digest(host["system"])
    return [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(digests.items())]


def repository():
    """Where the sources are; never with a credential, and no folder of this machine."""
    url = os.environ.get("CI_PROJECT_URL")
    if not url:
        try:
            url = run("git", "config", "remote.origin.url").decode().strip()
        except Refused:
            return None
    return re.sub(r"://[^/@]*@", "://", url) if "://" in url and not url.startswith("file:") else None


def inputs(release, lock):
    """The flake's inputs as they were evaluated. What flake.lock does not lock is named by its content alone."""
    locked = {node["locked"]["narHash"]: node["locked"] for node in lock["nodes"].values() if "locked" in node}
    seen = {}
    # An input of an input may be one of the flake's own: that name counts.
    for name, narhash in sorted(release["inputs"].items(), key=lambda item: (item[0].count("/"), item[0])):
        seen.setdefault(narhash, name)
    for narhash, name in sorted(seen.items(), key=lambda item: item[1]):
        entry = {"name": name, "annotations": {"narHash": narhash, "inFlakeLock": narhash in locked}}
        source = locked.get(narhash, {})
        # A folder or an archive has no commit.
        if "rev" in source:
            entry["digest"] = {"gitCommit": source["rev"]}
            entry["uri"] = source.get("url") or "{type}:{owner}/{repo}/{rev}".format_map(source)
        yield entry


def predicate(release, commit):
    here = os.environ.get
    source = repository()
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    lock = parsed(read(".", "flake.lock"), "flake.lock")
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "repository": source or "unknown",
                "commit": commit,
                "ref": here("CI_COMMIT_REF_NAME") or run("git", "rev-parse", "--abbrev-ref", "HEAD").decode().strip(),
            },
            # What Nix itself says that it built from: `unknown` where an input was overridden.
            "internalParameters": {"revision": release["revision"]},
            "resolvedDependencies": [
                {"name": "source", "digest": {"gitCommit": commit}} | ({"uri": f"git+{source}"} if source else {}),
                *inputs(release, lock),
            ],
        },
        "runDetails": {
            "builder": {"id": here("CI_SERVER_URL", "") + "/-/runners/" + here("CI_RUNNER_ID", "")}
            if here("CI_JOB_URL")
            else {"id": "https://gitlab.com/wordtally/wordtally/-/blob/main/docs/reference/release.md#outside-ci"},
            "metadata": {
                "invocationId": here("CI_JOB_URL", "outside CI"),
                "startedOn": here("CI_PIPELINE_CREATED_AT", now),
                "finishedOn": now,
            },
        },
    }


def dumped(value):
    return json.dumps(value, indent=2, sort_keys=True).encode()


def statement(release, contents, commit):
    return dumped(
        {
            "_type": STATEMENT,
            "subject": subjects(release, contents),
            "predicateType": PREDICATE,
            "predicate": predicate(release, commit),
        }
    )


def check(predicate, commit):
    """That a predicate is one of ours, and of this commit; gives the commit that it names."""
    try:
        definition = predicate["buildDefinition"]
        named = definition["externalParameters"]["commit"]
        sources = [entry for entry in definition["resolvedDependencies"] if entry["name"] == "source"]
        kind, digests = definition["buildType"], [entry["digest"]["gitCommit"] for entry in sources]
        revision = definition["internalParameters"]["revision"]
    except (KeyError, TypeError):
        raise Refused("the provenance lacks a field that docs/reference/release.md lists") from None
    if kind != BUILD_TYPE:
        raise Refused(f"the provenance is of another kind of build: {kind}")
    if digests != [named]:
        raise Refused(f"the provenance contradicts itself: it names commit {named}, and was built from {digests}")
    if revision != named:
        raise Refused(f"the release was built from commit {revision}, and its provenance names {named}")
    if commit and named != commit:
        raise Refused(f"the release is of commit {named}, not of {commit}")
    return named
