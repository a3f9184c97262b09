"""Tests the launcher of vm-dev: its ports, its output, and that nothing remains afterwards."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

PORTS = ("2221", "8081", "8082")


def free() -> str:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return str(held.getsockname()[1])


class Launcher:
    def __init__(self, given: dict[str, str] | None = None, folder: str = "XDG_RUNTIME_DIR") -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.quit = pathlib.Path(tempfile.mkdtemp()) / "quit"
        # The builder's own ports may be taken.
        chosen = {f"WORDTALLY_PORT_{port}": free() for port in PORTS} | (given or {})
        environment = {name: value for name, value in os.environ.items() if name not in ("XDG_RUNTIME_DIR", "TMPDIR")}
        environment |= chosen | {folder: str(self.folder), "QUIT": str(self.quit)}
        self.ports = [chosen[f"WORDTALLY_PORT_{port}"] for port in PORTS]
        self.process = subprocess.Popen(
            [os.environ["LAUNCHER"]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def started(self) -> str:
        """Its output once the machine runs."""
        said = []
        assert self.process.stdout
        for line in self.process.stdout:
            said.append(line)
            if line.startswith("forwarded: "):
                break
        end = time.monotonic() + 30
        while not list(self.folder.glob("*/left-by-qemu")):
            assert time.monotonic() < end, said
            time.sleep(0.05)
        return "".join(said)

    def ended(self) -> tuple[int, str, str]:
        out, error = self.process.communicate(timeout=60)
        return self.process.returncode, out, error

    def left(self) -> list[pathlib.Path]:
        return list(self.folder.rglob("*"))


def test_chosen_ports_reach_qemu_the_greeting_and_the_ssh_line() -> None:
    launcher = Launcher()
    said = launcher.started()
    ssh, the, love = launcher.ports
    assert f"the: curl http://127.0.0.1:{the}/\n" in said, said
    assert f"love: curl http://127.0.0.1:{love}/\n" in said, said
    assert '$HOME `id` \\ "$(id)" \n' in said, said
    login = re.search(rf"ssh -i (\S+) -p {ssh} ", said)
    assert login and pathlib.Path(login[1]).is_file(), said
    assert f"kill {launcher.process.pid}\n" in said, said
    for port, guest in ((ssh, 22), (the, 8081), (love, 8082)):
        assert f"hostfwd=tcp:127.0.0.1:{port}-:{guest}" in said, said
    assert "forwarded: hostfwd=" in said and ",," not in said, said
    launcher.quit.touch()
    assert launcher.ended()[0] == 0
    assert launcher.left() == []


def test_nothing_is_left_after_a_signal() -> None:
    for folder in ("XDG_RUNTIME_DIR", "TMPDIR"):
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)):
            launcher = Launcher(folder=folder)
            launcher.started()
            launcher.process.send_signal(number)
            status, out, _ = launcher.ended()
            assert (status, out) == (code, "the machine ends\n"), (status, out)
            assert launcher.left() == []


def test_two_run_at_once() -> None:
    first, second = Launcher(), Launcher()
    keys = {key for launcher in (first, second) for key in re.findall(r"ssh -i (\S+)", launcher.started())}
    assert len(keys) == 2
    for launcher in (first, second):
        launcher.process.terminate()
        launcher.ended()


def test_a_release_key_reaches_the_machine() -> None:
    key = pathlib.Path(tempfile.mkdtemp()) / "of, this run.pub"
    key.write_text("the public half\n")
    launcher = Launcher({"WORDTALLY_RELEASE_KEY": str(key)})
    said = launcher.started()
    assert re.search(r"-fw_cfg name=opt/io.systemd.credentials/deploy-host.pub,file=[^, ]+/release.pub\b", said), said
    assert "\nthe public half\n" in said, said
    launcher.quit.touch()
    assert launcher.ended()[0] == 0

    without = Launcher()
    assert "deploy-host.pub" not in without.started()
    without.quit.touch()
    without.ended()
    assert refused({"WORDTALLY_RELEASE_KEY": "/nowhere"}) == (
        "vm-dev: WORDTALLY_RELEASE_KEY is '/nowhere': give the path of a public key, such as cosign.pub\n"
    )


def refused(given: dict[str, str]) -> str:
    launcher = Launcher(given)
    status, out, error = launcher.ended()
    assert (status, out, launcher.left()) == (1, "", []), (status, out, launcher.left())
    return error


def test_a_port_that_cannot_be_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert refused({"WORDTALLY_PORT_8081": str(port)}) == (
            f"vm-dev: port {port} is taken on this machine: stop the program that listens on it, or "
            f"choose another with WORDTALLY_PORT_8081, such as WORDTALLY_PORT_8081={port + 1}\n"
        )
    for bad in ("ssh", "0", "65536", "-1", "8 1", "08081"):
        assert refused({"WORDTALLY_PORT_8081": bad}) == (
            f"vm-dev: WORDTALLY_PORT_8081 is '{bad}': give a port from 1 to 65535, such as WORDTALLY_PORT_8081=9081\n"
        )
    port = free()
    assert refused({"WORDTALLY_PORT_8081": port, "WORDTALLY_PORT_8082": port}) == (
        f"vm-dev: port {port} is given twice: "
        f"choose another with WORDTALLY_PORT_8082, such as WORDTALLY_PORT_8082={int(port) + 1}\n"
    )
