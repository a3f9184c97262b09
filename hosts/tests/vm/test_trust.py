"""The host itself decides which release it accepts, and refuses the others, whatever the deployer sends."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from deployer import MADE, Deployer, Key
from machine import Machine
from words import started

FACTS = "/etc/deploy-host/host.json"


@contextmanager
def policy(machine: Machine, **changed: list[str]) -> Iterator[None]:
    """Gives the host another policy until the block ends."""
    facts = json.loads(machine.run(f"cat {FACTS}"))
    facts["trust"] |= changed
    machine.run(f"rm {FACTS} && printf %s {shlex.quote(json.dumps(facts))} >{FACTS}")
    try:
        yield
    finally:
        machine.run(f"ln -sfn /etc/static/deploy-host/host.json {FACTS}")


class Asker:
    """Talks to the host like the deploy command, but can send anything."""

    def __init__(self, machine: Machine, identity: str) -> None:
        self.machine = machine
        self.identity = identity

    def ssh(
        self, *options: str, command: str = "", given: str = "", user: str = "deploy"
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self.machine.ssh(*options, user=user, identity=self.identity), *([command] if command else [])],
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def asks(self, request: str, **content: Any) -> dict[str, Any]:
        line = json.dumps({"version": 1, "request": request} | content)
        answer: dict[str, Any] = json.loads(self.ssh(given=f"{line}\n").stdout)
        return answer

    def offers(self, folder: str, closure: str | None = None) -> dict[str, Any]:
        def read(name: str) -> str:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                return file.read()

        return self.asks(
            "offer",
            bundle=read("provenance.sigstore.json"),
            release=read("release.json"),
            closure=closure or read("closures/hosts/mock-prod"),
        )


@pytest.fixture
def asker(machine: Machine, deployer: Deployer) -> Iterator[Asker]:
    """With a deployer's key that gives no other access, like one of production."""
    folder = tempfile.mkdtemp(prefix="vm-test-stolen-")
    key = os.path.join(folder, "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "stolen", "-f", key], check=True)
    with open(f"{key}.pub", encoding="utf-8") as file:
        public = file.read().strip()
    machine.run(f"mkdir -p /etc/ssh/authorized_keys.d && echo {public} >>/etc/ssh/authorized_keys.d/deploy")
    yield Asker(machine, key)
    machine.run("sed -i '/ stolen$/d' /etc/ssh/authorized_keys.d/deploy")
    shutil.rmtree(folder)


def test_the_host_refuses_each_untrusted_release_by_its_own_sentence(
    machine: Machine, deployer: Deployer, asker: Asker
) -> None:
    before = started(machine), deployer.systems()
    number = iter(range(100))

    def signed(key: Key | None = None, made: int = MADE, **job: str) -> str:
        return deployer.attest("good", os.path.join(deployer.folder, f"tried-{next(number)}"), key, made, **job)

    def refusal(folder: str, **options: str) -> str:
        answer = asker.offers(folder, **options)
        assert set(answer) == {"refused"}, answer
        print(f"#   {answer['refused']}", flush=True)
        return str(answer["refused"])

    assert "provenance.sigstore.json is not signed by" in refusal(signed(key=Key("another")))
    assert "older than what runs" in refusal(signed(made=MADE - 1))
    with policy(machine, refs=["refs/heads/main"]):
        assert "built from refs/heads/side, which this host does not accept: expected refs/heads/main" in refusal(
            signed(CI_COMMIT_BRANCH="side")
        )
    with policy(machine, refs=["refs/tags/v*"]):
        with open(os.path.join(deployer.attested("good"), "release.json"), encoding="utf-8") as file:
            version = json.load(file)["version"]
        assert "done" in asker.offers(signed(CI_COMMIT_TAG=f"v{version}"))
        assert "built from refs/heads/main, which" in refusal(signed())
    with policy(machine, repositories=["https://git.example.test/words"]):
        assert "built from the repository https://git.example.test/fork, which" in refusal(
            signed(CI_PROJECT_URL="https://git.example.test/fork")
        )
    with policy(machine, builders=["https://git.example.test/-/runners/7"]):
        assert "built by https://git.example.test/-/runners/8, which" in refusal(signed(CI_RUNNER_ID="8"))
    with policy(machine, keyFiles=[]):
        assert "no public key is trusted here" in refusal(signed())

    good = signed()
    with open(os.path.join(good, "closures/hosts/mock-prod"), encoding="utf-8") as file:
        lines = file.read()
    hash_ = lines.split()[1]
    for altered in (
        lines.replace(hash_, hash_[:-1] + ("0" if hash_[-1] != "0" else "1"), 1),
        lines.split("\n", 1)[1],
        lines + f"/nix/store/{'a' * 32}-planted {hash_}\n",
    ):
        assert "hosts/mock-prod" in refusal(good, closure=altered)
    assert "not offered here" in str(asker.asks("begin", id="0" * 16, release="0" * 64, confirmation=120))
    assert (started(machine), deployer.systems()) == before


def test_the_deployer_says_the_hosts_refusal(machine: Machine, deployer: Deployer) -> None:
    """And an older release than the running one is not even sent; this has its own exit code."""
    other = deployer.attest("good", os.path.join(deployer.folder, "side"), CI_COMMIT_BRANCH="side")
    with policy(machine, refs=["refs/heads/main"]):
        code, said = deployer.deploy("good", folder=other)
    assert code == 1 and "deploy: mock-prod: " in said and "refs/heads/side" in said, said
    code, said = deployer.deploy("good", folder=deployer.attest("good", os.path.join(deployer.folder, "old"), made=1))
    assert code == 3 and "newer than" in said, said


def test_a_path_of_another_content_on_the_host_is_found(machine: Machine, deployer: Deployer) -> None:
    """Copying skips paths that are already valid on the host, so a release must not run with a path that was planted there."""
    before = started(machine), deployer.systems()
    release = os.path.join(deployer.attested("reverse-proxy-only"), "closures/hosts/mock-prod")
    with open(release, encoding="utf-8") as file:
        paths = [line.split()[0] for line in file]
    known = machine.run(f"nix-store --query --requisites {before[1][0]}").split()
    victim = next(path for path in paths if path not in known and path.endswith("-nginx.conf"))
    # As in the database of a store in which something else was built or planted under that name.
    register = "nix-store --register-validity --reregister"
    machine.run(f"printf '{victim}\\n{'0' * 64}\\n8\\n\\n0\\n' | {register} --hash-given")
    try:
        code, said = deployer.deploy("reverse-proxy-only")
        assert code == 1 and f"{victim} has other content here than was signed" in said, said
        assert (started(machine), deployer.systems()) == before
    finally:
        machine.run(f"printf '{victim}\\n\\n0\\n' | {register}")


def test_a_stolen_deployment_key_gives_requests_and_nothing_else(
    machine: Machine, deployer: Deployer, asker: Asker
) -> None:
    before = started(machine), deployer.systems()
    # It works, and root is a different user.
    assert "done" in asker.asks("status")
    assert asker.ssh(command="id", user="root").returncode == 255
    for command in ("id", "bash -i", "deploy-host serve", "deploy-host forward x", "scp -t /tmp", "nix-store --serve"):
        done = asker.ssh(command=command, given="\n")
        print(f"#   {command}: {done.returncode} {done.stdout.strip()[:100]}", flush=True)
        assert "uid=" not in done.stdout + done.stderr and set(json.loads(done.stdout)) == {"refused"}, done
    assert asker.ssh("-s", command="sftp", given="\n").stdout.startswith('{"refused"')
    terminal = asker.ssh("-tt", command="id", given="\n")
    assert "uid=" not in terminal.stdout and "PTY allocation request failed" in terminal.stderr, terminal
    # A release that is unsigned, or signed for another purpose.
    folder = deployer.attest("good", os.path.join(deployer.folder, "planted"), key=Key("thief"))
    assert "not signed by" in asker.offers(folder)["refused"]
    for strange in ({"root": "/"}, {"path": "/etc/shadow"}):
        assert "refused" in asker.asks("read", **strange)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    forward = subprocess.Popen(
        [*machine.ssh("-N", "-L", f"{port}:127.0.0.1:9180", user="deploy", identity=asker.identity)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert through(port) == b"", "a port was forwarded"
    finally:
        forward.kill()
    for option in (f"-R{port}:127.0.0.1:22", "-w0:0"):
        done = asker.ssh("-o", "ExitOnForwardFailure=yes", "-N", option)
        assert done.returncode == 255, done
    assert (started(machine), deployer.systems()) == before


def through(port: int) -> bytes:
    """The response of a forwarded port, once it accepts a connection."""
    for _ in range(60):
        with socket.socket() as client:
            client.settimeout(30)
            try:
                client.connect(("127.0.0.1", port))
                client.sendall(b"GET /the/readyz HTTP/1.0\r\n\r\n")
                return client.recv(100)
            except ConnectionResetError:
                return b""
            except OSError:
                pass
        subprocess.run(["sleep", "1"], check=True)
    raise AssertionError("ssh did not listen")
