"""A release that was published to its own registry and attested, with functions that alter and verify it."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from registry import Registry

HERE = pathlib.Path(__file__).resolve().parents[2]
NO_SERVICE = HERE / "deploy/src/vouch"
SIGN = ["--yes", f"--signing-config={NO_SERVICE}/no-log.json", f"--trusted-root={NO_SERVICE}/no-authorities.json"]
BUNDLE = "provenance.sigstore.json"

Environment = dict[str, str]
# A change to a JSON document.
Change = Callable[[dict[str, Any]], object]
Argument = str | pathlib.Path


def run(
    *command: Argument, env: Environment | None = None, cwd: pathlib.Path | None = None, given: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        command, input=given, capture_output=True, cwd=cwd, env={**os.environ, **(env or {})}, timeout=120
    )


def must(
    *command: Argument, env: Environment | None = None, cwd: pathlib.Path | None = None, given: bytes = b""
) -> str:
    done = run(*command, env=env, cwd=cwd, given=given)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr.decode()}")
    return done.stdout.decode()


class Release:
    def __init__(self, built: pathlib.Path, scratch: pathlib.Path):
        self.scratch = scratch
        # cosign has its own folder below it, and git uses no user's settings.
        os.environ |= {"HOME": str(self.scratch), "GIT_CONFIG_GLOBAL": "/dev/null"}
        for name in [name for name in os.environ if name.startswith(("CI_", "COSIGN_", "INSECURE_"))]:
            del os.environ[name]
        self.clone = self.scratch / "clone"
        must("git", "clone", "--quiet", "--no-hardlinks", HERE, self.clone)
        self.commit = must("git", "rev-parse", "HEAD", cwd=self.clone).strip()

        for name in ["ours", "theirs"]:
            must(
                "cosign",
                "generate-key-pair",
                f"--output-key-prefix={self.scratch / name}",
                given=b"a password",
                cwd=self.scratch,
            )
        (self.scratch / "password").write_text("a password\n")
        self.signing = self.signer("ours")
        self.public = str(self.scratch / "ours.pub")

        # The build may come from a tree with changes; this is what a clean tree gives.
        self.folder = self.copy(built, "release")
        self.alter(self.folder / "release.json", lambda content: content.update(revision=self.commit))
        self.contents = json.loads((self.folder / "release.json").read_text())
        self.digest = self.contents["image"]

        self.registry = Registry(self.scratch)
        self.repository = f"{self.registry.name}/wordtally"
        self.image = self.publish(self.repository)
        self.attested = self.scratch / "attested"
        must(
            "deploy",
            "attest",
            self.folder,
            self.attested,
            "--image",
            self.image,
            "--insecure",
            cwd=self.clone,
            env=self.signing,
        )

    def signer(self, name: str) -> Environment:
        return {"COSIGN_KEY": str(self.scratch / f"{name}.key"), "COSIGN_PASSWORD_FILE": str(self.scratch / "password")}

    def publish(self, repository: str) -> str:
        return must("deploy", "publish", self.folder, repository, "--insecure", cwd=self.clone).splitlines()[-1]

    def copy(self, folder: pathlib.Path, name: str) -> pathlib.Path:
        to = pathlib.Path(tempfile.mkdtemp(dir=self.scratch)) / name
        # From the store, which is read-only.
        shutil.copytree(folder, to, copy_function=shutil.copyfile)
        for path in [to, *to.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        return to

    @staticmethod
    def alter(file: pathlib.Path, change: Change) -> None:
        content = json.loads(file.read_text())
        change(content)
        file.write_text(json.dumps(content, indent=2, sort_keys=True))

    @property
    def empty_store(self) -> Environment:
        """The database of an empty store, as on a new runner."""
        return {"NIX_REMOTE": "local", "NIX_STATE_DIR": tempfile.mkdtemp(dir=self.scratch)}

    def refused(self, sentence: str, *command: Argument, env: Environment | None = None) -> None:
        """Checks that it fails with exactly one sentence."""
        done = run(*command, cwd=self.clone, env=env)
        complaint = done.stderr.decode().strip()
        assert done.returncode == 1, f"{command[0]} took it: {done.stdout.decode()} {complaint}"
        assert re.search(rf"^{command[0]}: [^\n]*$", complaint), complaint
        assert sentence in complaint

    def verify_refused(self, sentence: str, attested: pathlib.Path, *more: str, env: Environment | None = None) -> None:
        self.refused(sentence, "deploy", "verify", attested, "--key", self.public, *more, env=env)

    def image_refused(self, sentence: str, image: str, *more: str) -> None:
        self.refused(sentence, "deploy", "verify-image", image, "--key", self.public, "--insecure", *more)

    def signed(self, change: Change) -> pathlib.Path:
        """The output of `attest` with another statement, signed with the true key, as if the release had been made from it."""
        attested = self.copy(self.attested, "attested")
        self.alter(attested / "provenance.json", change)
        must(
            "cosign", "attest-blob", f"--key={self.scratch / 'ours.key'}", *SIGN,
            f"--statement={attested / 'provenance.json'}", f"--bundle={attested / BUNDLE}", given=b"a password",
        )  # fmt: skip
        return attested

    def elsewhere(self, name: str, env: Environment | None = None) -> str:
        """The same image in its own repository, signed or not."""
        image = self.publish(f"{self.registry.name}/{name}")
        if env:
            output = pathlib.Path(tempfile.mkdtemp(dir=self.scratch)) / "attested"
            must("deploy", "attest", self.folder, output, "--image", image, "--insecure", cwd=self.clone, env=env)
        return image

    def attach(self, image: str, kind: str, predicate: pathlib.Path) -> None:
        must(
            "cosign", "attest", f"--key={self.scratch / 'ours.key'}", *SIGN, "--allow-http-registry", f"--type={kind}",
            f"--predicate={predicate}", image, given=b"a password",
        )  # fmt: skip

    def sign(self, image: str) -> None:
        must(
            "cosign",
            "sign",
            f"--key={self.scratch / 'ours.key'}",
            *SIGN,
            "--allow-http-registry",
            image,
            given=b"a password",
        )

    @contextlib.contextmanager
    def one_byte_changed(self, digest: str) -> Iterator[None]:
        """In the registry's own storage."""
        file = self.registry.blob(digest)
        whole = file.read_bytes()
        middle = len(whole) // 2
        file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        try:
            yield
        finally:
            file.write_bytes(whole)

    def attest_refused(
        self, sentence: str, *more: str, release: pathlib.Path | None = None, env: Environment | None = None
    ) -> None:
        output = pathlib.Path(tempfile.mkdtemp(dir=self.scratch)) / "attested"
        self.refused(
            sentence,
            "deploy",
            "attest",
            release or self.folder,
            output,
            *more,
            env=self.signing if env is None else env,
        )
        assert not output.exists()
