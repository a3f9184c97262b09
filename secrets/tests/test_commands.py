"""Runs secrets-edit and secrets-rekey on a copy of a secrets folder, as a person and as a script would."""

import os
import pathlib
import pty
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable

import pytest

MOCK = "mock-prod/bigquery.json.age"
# For an existing file, and for a new one.
NEW: list[list[str]] = [[], ["--new"]]
PROD = "prod/bigquery.json.age"


class Clone:
    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.secrets = self.root / "secrets"
        shutil.copytree(os.environ["SECRETS"], self.secrets)
        for path in [self.secrets, *self.secrets.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        self.key = self.root / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", self.key], check=True)

    def run(self, *command: str, stdin: bytes = b"", identity: pathlib.Path | None = None) -> tuple[int, str]:
        environment = {**os.environ, **({"IDENTITY": str(identity)} if identity else {})}
        done = subprocess.run(command, cwd=self.root, input=stdin, capture_output=True, env=environment)
        return done.returncode, done.stderr.decode()

    def at_terminal(self, editor: str, *command: str) -> tuple[int, str]:
        """The exit code and output of a command that runs in a terminal."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.root)
            os.execvpe(command[0], command, {**os.environ, "EDITOR": editor})
        said = b""
        try:
            while part := os.read(terminal, 4096):
                said += part
        except OSError:
            pass  # A terminal reports a closed other end like this.
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()

    def encrypted(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.secrets)): path.read_bytes() for path in self.secrets.rglob("*.age")}

    def opened(self, file: str, key: pathlib.Path | None = None) -> bytes | None:
        """The plain text, with the key of this clone or of the mock environment; `None` if the key does not decrypt the file."""
        if key is None:
            key = self.root / "mock"
            made = subprocess.run(
                ["bash", self.secrets / "mock-identity", file.split("/")[0]], check=True, capture_output=True
            )
            key.write_bytes(made.stdout)
            key.chmod(0o600)
        done = subprocess.run(["age", "--decrypt", "--identity", key, self.secrets / file], capture_output=True)
        return done.stdout if done.returncode == 0 else None

    def let_me_in(self) -> None:
        """Makes this clone's key an operator's."""
        keys = self.secrets / "keys.nix"
        public = self.key.with_suffix(".pub").read_text().strip()
        text, count = re.subn(r"operators = \{ \};", f'operators = {{ me = "{public}"; }};', keys.read_text())
        assert count == 1
        keys.write_text(text)


Make = Callable[[], Clone]


@pytest.fixture
def make(tmp_path: pathlib.Path) -> Make:
    return lambda: Clone(pathlib.Path(tempfile.mkdtemp(dir=tmp_path)))


def test_an_input_without_text_is_refused_and_the_file_stays(make: Make) -> None:
    for empty in (b"", b"\n \n"):
        for new in NEW:
            clone = make()
            before = clone.encrypted()
            code, said = clone.run("secrets-edit", *new, MOCK, stdin=empty)
            assert code == 1, (empty, new, code, said)
            assert said == (
                f"secrets-edit: the input is empty, so the command that produces it may have failed: {MOCK} is unchanged\n"
            ), said
            assert clone.encrypted() == before


def test_an_input_is_taken_as_it_is(make: Make) -> None:
    for new in NEW:
        clone = make()
        code, said = clone.run("secrets-edit", *new, MOCK, stdin=b"a\0b\nsecret")
        assert code == 0, said
        assert clone.opened(MOCK) == b"a\0b\nsecret"


def test_an_editor_that_leaves_nothing_or_fails_changes_nothing(make: Make) -> None:
    for editor in ("truncate --size=0", "false"):
        clone = make()
        before = clone.encrypted()
        for new in NEW:
            code, said = clone.at_terminal(editor, "secrets-edit", *new, MOCK)
            assert code == 1, (editor, code, said)
            assert f"secrets-edit: the editor failed or left an empty file: {MOCK} is unchanged" in said, said
            assert clone.encrypted() == before
    code, said = clone.at_terminal("truncate --size=1", "secrets-edit", MOCK)
    assert code == 0, said
    assert clone.opened(MOCK) == b"{"


def test_rekey_leaves_what_is_for_other_keys(make: Make) -> None:
    clone = make()
    clone.let_me_in()
    before = clone.encrypted()
    for identity, agenixs_own in (
        (None, "No identity found to decrypt prod/bigquery.json.age"),
        (clone.key, "no identity matched any of the recipients"),
    ):
        code, said = clone.run("secrets-rekey", identity=identity)
        assert code == 0, said
        assert f"{PROD}: " in said and agenixs_own in said, said
        assert (
            "secrets-rekey: not re-encrypted, because none of your keys decrypts them: prod/bigquery.json.age prod/tls.key.age"
            in said
        )
        assert clone.opened(MOCK, clone.key) == clone.opened(MOCK) is not None
        assert clone.encrypted()[PROD] == before[PROD]


def test_rekey_reports_each_file_that_failed_and_continues(make: Make) -> None:
    clone = make()
    clone.let_me_in()
    damaged = clone.secrets / MOCK
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    broken = damaged.read_bytes()
    (clone.secrets / "dev/bigquery.json.age").unlink()
    code, said = clone.run("secrets-rekey")
    assert code == 1, said
    assert re.search(rf"^{MOCK}: .*age: error: ", said, re.MULTILINE), said
    assert "dev/bigquery.json.age: does not exist\n" in said, said
    assert said.endswith(f"secrets-rekey: not re-encrypted, for the reasons above: dev/bigquery.json.age {MOCK}\n"), (
        said
    )
    assert damaged.read_bytes() == broken
    assert clone.opened("mock-prod/tls.key.age", clone.key)
