"""What the commands here have in common: how they refuse, run others, and learn the commit."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LOOPBACK = re.compile(r"(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?")


class Refused(Exception):
    """One sentence for whoever asked."""


def command(main):
    """Runs a command's main function: a refusal is one sentence and exit code 1."""
    try:
        main()
    except Refused as refusal:
        sys.exit(f"{pathlib.Path(sys.argv[0]).stem.replace('_', '-')}: {refusal}")
    except KeyboardInterrupt:
        sys.exit(130)


def run(*arguments, given=b"", seconds=600):
    """A program's output; its last line of complaint is the refusal where it fails."""
    try:
        done = subprocess.run(arguments, input=given, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Refused(f"{arguments[0]} gave no answer within {seconds} s") from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise Refused(lines[-1] if lines else f"{arguments[0]} failed with exit code {done.returncode}")
    return done.stdout


def read(folder, name):
    try:
        return pathlib.Path(folder, name).read_bytes()
    except OSError as error:
        raise Refused(f"{pathlib.Path(folder, name)} cannot be read: {error.strerror}") from None


def parsed(content, name):
    try:
        return json.loads(content)
    except ValueError:
        raise Refused(f"{name} is not JSON") from None


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def given_commit(text):
    """For argparse: the whole SHA, since the start of one could be another's."""
    if not COMMIT.fullmatch(text):
        raise ValueError
    return text


given_commit.__name__ = "full commit SHA"


def commit(revision):
    """The commit that is checked out, which must be clean, and the release's own."""
    head = run("git", "rev-parse", "HEAD").decode().strip()
    asked = os.environ.get("CI_COMMIT_SHA", head)
    if asked != head:
        raise Refused(f"commit {head} is checked out, and $CI_COMMIT_SHA is {asked}")
    # Files that git does not know are no part of a flake.
    changed = run("git", "status", "--porcelain", "--untracked-files=no").decode().splitlines()
    if changed:
        raise Refused(f"{changed[0][3:]} differs from commit {head}: commit or restore it first")
    # Nix tells no revision where an input was overridden: what was built is then another thing than the commit's.
    if revision != head:
        raise Refused(f"the release was built from commit {revision}, and {head} is checked out")
    return head


def insecure(registry, wanted):
    """Plain HTTP is for tests: who is on the way could read the credentials."""
    wanted = wanted or os.environ.get("INSECURE_REGISTRY") == "1"
    if wanted and not LOOPBACK.fullmatch(registry.split("/", 1)[0]):
        raise Refused(f"--insecure and $INSECURE_REGISTRY are for a registry on the loopback, and {registry} is none")
    return wanted


def reference(text):
    """A repository and a digest; a tag may lead elsewhere tomorrow."""
    repository, _, digest = text.partition("@")
    if not DIGEST.fullmatch(digest) or "/" not in repository or ":" in repository.rsplit("/", 1)[1]:
        raise Refused(f"{text} is no image by digest: give REGISTRY/REPOSITORY@sha256:…")
    return repository, digest
