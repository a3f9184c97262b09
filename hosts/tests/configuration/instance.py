"""One instance on a socket that outlives it, like a socket of systemd, with its own stand-in."""

import os
import pathlib
import signal
import socket
import subprocess
import sys

from proxy import free_ports, listens, wait

ACCOUNT, PROJECT, DATA = "test@test.iam.gserviceaccount.com", "test", "bigquery-public-data.samples"

# A passed socket is file descriptor 3 of the process whose ID is LISTEN_PID.
PASS = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp("wordtally", ["wordtally", "serve"])
"""


class Instance:
    def __init__(self, scratch: pathlib.Path) -> None:
        self.scratch = scratch
        self.path = scratch / "instance.sock"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(self.path))
        self.socket.listen(4096)
        [self.standin_port] = free_ports(1)
        self.standin: subprocess.Popen[bytes] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        account = ["--email", ACCOUNT, "--project", PROJECT, "--job-user", PROJECT, "--data-viewer", DATA]
        files = ["--out", str(scratch / "key.json"), "--public", str(scratch / "iam.json")]
        token = ["--token-uri", f"http://127.0.0.1:{self.standin_port}/token"]
        subprocess.run(["wordtally", "standin", "keygen", *account, *files, *token], check=True)

    @property
    def address(self) -> str:
        return f"unix:{self.path}"

    def start_standin(self, known: bool = True) -> None:
        """It knows the instance's account, or no account."""
        if self.standin:
            self.standin.terminate()
            self.standin.wait()
        iam = ["--iam", str(self.scratch / "iam.json")] if known else []
        listen = ["--listen", f"127.0.0.1:{self.standin_port}"]
        self.standin = subprocess.Popen(["wordtally", "standin", "serve", *listen, *iam])
        wait("the stand-in", lambda: listens(self.standin_port))

    def start(self) -> None:
        given = {
            "WORD": "the",
            "BIGQUERY_ENDPOINT": f"http://127.0.0.1:{self.standin_port}",
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.scratch / "key.json"),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "LISTEN_FDS": "1",
        }
        passed = self.socket.fileno()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PASS, str(passed)],
            env=os.environ | given,
            pass_fds=[passed],
            stderr=subprocess.DEVNULL,
        )

    def end(self) -> None:
        assert self.process
        # On a busy machine the program may not have begun, and the signal would kill it.
        wait("its handler of SIGTERM", lambda: handles(self.process, signal.SIGTERM))
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        self.process = None

    def close(self) -> None:
        for process in (self.process, self.standin):
            if process:
                process.kill()
                process.wait()
        self.socket.close()


def handles(process: "subprocess.Popen[bytes] | None", number: signal.Signals) -> bool:
    """Whether a process has a handler for the signal."""
    assert process
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    [caught] = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (number - 1) & 1)
