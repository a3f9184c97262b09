"""The machine that is deployed to, over SSH. Each command is a connection of its own, so that it shows what a new
client of that machine would meet, and none waits without end."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path


class Unreachable(Exception):
    """SSH itself failed: whether the command ran is not known."""


class Refused(Exception):
    """The command ran and failed; the text is what it said."""


class Host:
    """`deployment` is the host's `wordtally.deployment`; `tool` is the program on-host as a store path."""

    def __init__(self, deployment, tool, identity=None):
        self.tool = tool
        self.address = deployment["address"]
        self.options = ["-p", str(deployment["port"]), "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
        self.options += ["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3", "-o", "LogLevel=ERROR"]
        # One connection a command, also where the user's own configuration shares them.
        self.options += ["-o", "ControlPath=none"]
        if identity:
            # SSH uses no key that others may read, and a runner's file variable is one.
            self.identity = tempfile.NamedTemporaryFile(prefix="wordtally-identity-")
            try:
                self.identity.write(Path(identity).read_bytes())
            except OSError as error:
                raise Refused(f"the login key {identity} cannot be read: {error.strerror}") from None
            self.identity.flush()
            self.options += ["-i", self.identity.name, "-o", "IdentitiesOnly=yes"]
        self.known_hosts = tempfile.NamedTemporaryFile("w", prefix="wordtally-known-hosts-", encoding="utf-8")
        if deployment["hostKey"]:
            # The alias keeps the port and a second name out of the comparison.
            self.known_hosts.write(f"wordtally {deployment['hostKey']}\n")
            self.known_hosts.flush()
            self.options += ["-o", "StrictHostKeyChecking=yes", "-o", "HostKeyAlias=wordtally"]
        else:
            self.options += ["-o", "StrictHostKeyChecking=no"]
        self.options += ["-o", f"UserKnownHostsFile={self.known_hosts.name}"]

    def run(self, *command, given="", timeout=30):
        """Output of a command on the host."""
        try:
            done = subprocess.run(
                ["ssh", *self.options, f"root@{self.address}", shlex.join(command)],
                input=given,
                capture_output=True,
                text=True,
                timeout=timeout,
                # A terminal's Ctrl-C is for the deployment, which then tells the host.
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            raise Unreachable(f"{self.address} did not answer within {timeout} s") from None
        if done.returncode == 255 or done.returncode < 0:
            raise Unreachable(done.stderr.strip() or f"{self.address} is not reached by SSH")
        if done.returncode != 0:
            raise Refused(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
        return done.stdout

    def on_host(self, *command, **keywords):
        return self.run(f"{self.tool}/bin/on-host", *command, **keywords)

    def copy(self, *paths):
        """Copies the closures of store paths; the host's Nix compares each with its hash."""
        done = subprocess.run(
            ["nix", "--extra-experimental-features", "nix-command", "copy", "--substitute-on-destination"]
            + ["--to", f"ssh://root@{self.address}", *paths],
            env=os.environ | {"NIX_SSHOPTS": shlex.join(self.options)},
            stdin=subprocess.DEVNULL,
            timeout=1800,
        )
        if done.returncode != 0:
            raise Refused("the closure was not copied, as said above")
