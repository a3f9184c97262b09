#!/usr/bin/env python3
"""Brings a signed release to a host: copy, preflight, activation, checks from outside, and only then the boot default.
Whatever fails, or is lost on the way, leaves the host with the system that it had."""

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import time

import page
from host import Host, Refused, Unreachable

CONFIRMATION = 120  # seconds in which the host waits for a word from outside
DEADLINE = 2400  # seconds for the whole, a rollback included: more than the host's own unit may take
FINAL = ("committed", "refused", "rolled back", "not rolled back", "lost")


class Failed(Exception):
    """One sentence for whoever deploys."""


def arguments():
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__, allow_abbrev=False)
    parser.add_argument("host", metavar="HOST", help="name in the release: dev, mock-prod or prod")
    parser.add_argument("--attested", default="attested", metavar="DIR", help="what `attest` wrote (default: attested)")
    parser.add_argument("--commit", metavar="SHA", help="commit that the release must be of (default: any)")
    parser.add_argument(
        "--key",
        metavar="FILE",
        default=os.environ.get("COSIGN_PUBLIC_KEY"),
        help="public key that must have signed it (default: $COSIGN_PUBLIC_KEY, then this flake's)",
    )
    parser.add_argument(
        "--identity",
        metavar="FILE",
        default=os.environ.get("DEPLOY_IDENTITY"),
        help="private key to log in with (default: $DEPLOY_IDENTITY, then SSH's own)",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--dry-run", action="store_true", help="copy it and say what its activation would do")
    instead.add_argument("--verify", action="store_true", help="only check that the host runs it and answers")
    instead.add_argument("--stop", action="store_true", help="stop the host's words until the next deployment")
    return parser.parse_args()


def say(host, text):
    print(f"{host}: {text}", flush=True)


def signed(given):
    """Refuses a release that is unsigned or altered; gives what it says."""
    command = ["verify-release", given.attested]
    if not given.verify and not given.stop:
        # What is sent must be in this store, unaltered.
        command += ["--host", given.host]
    for name in ("commit", "key"):
        if value := getattr(given, name):
            command += [f"--{name}", value]
    if subprocess.run(command, stdin=subprocess.DEVNULL, timeout=900).returncode != 0:
        raise Failed("this release is not trusted")
    with open(os.path.join(given.attested, "release.json"), encoding="utf-8") as file:
        return json.load(file)


def check_host(name, host, release):
    """That the host runs this release, now and after a restart, and each word the release's one program."""
    entry = release["hosts"][name]
    systems = host.on_host("systems").split()
    if systems != [entry["system"]] * 2:
        raise Failed(f"runs {', and after a restart '.join(systems)}, and not {entry['system']}")
    program = f"{release['package']}/bin/wordtally"
    running = host.on_host("programs", *entry["deployment"]["listen"]).split()
    if running != [program] * len(entry["deployment"]["listen"]):
        raise Failed(f"its words run {', '.join(sorted(set(running))) or 'nothing'}, and not all {program}")
    say(name, f"on the host: {len(running)} words run {program}")


def check_pages(name, deployment):
    """Every word's page, as a client asks for it."""
    for word, url in sorted(deployment["pages"].items()):
        corpora = page.check(url, deployment["expectedCounts"].get(word, {}), deployment["certificateAuthority"])
        say(name, f"from outside: {url} lists {corpora} corpora")


class Deployment:
    def __init__(self, name, host, system, deployment):
        self.name = name
        self.host = host
        self.system = system
        self.deployment = deployment
        self.id = secrets.token_hex(8)
        self.seen = 1  # lines of the host's log
        self.interrupted = False

    def begin(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.interrupt)
        try:
            self.host.on_host("begin", self.id, self.system, str(CONFIRMATION), given=json.dumps(self.deployment))
        except Refused as error:
            raise Failed(f"not begun: {error}") from None
        except Unreachable as error:
            # It may have begun.
            say(self.name, f"unreachable: {error}")

    def progress(self):
        """The state, its reason where it failed; prints what is new of the host's log."""
        lines = self.host.on_host("log", self.id, str(self.seen)).splitlines()
        self.seen += len(lines)
        for line in lines:
            say(self.name, line)
        state, *reason = self.host.on_host("state", self.id).splitlines()
        return state, " ".join(reason)

    def watch(self):
        """Goes along until the host says how it ended: what happened is its word, never a guess from here."""
        deadline = time.monotonic() + DEADLINE
        last, answered, told = None, False, False
        while time.monotonic() < deadline:
            try:
                state, reason = self.progress()
                if state != last:
                    say(self.name, state)
                if state in FINAL:
                    # Once more: the log may have grown between the two questions.
                    self.progress()
                    return state, reason
                if self.interrupted and not told:
                    say(self.name, "interrupted: it is rolled back")
                    self.host.on_host("abort", self.id, given="it was interrupted")
                    told = True
                elif state == "unconfirmed" and not answered:
                    self.answer()
                    answered = True
            except Unreachable as error:
                state = "unreachable"
                if state != last:
                    say(self.name, f"unreachable, and rolls back by itself if it stays so: {error}")
            last = state
            time.sleep(1)
        return "unreachable", f"no end was seen within {DEADLINE} s"

    def answer(self):
        """Asks from outside, and tells the host whether the new system stays."""
        try:
            check_pages(self.name, self.deployment)
        except page.Wrong as error:
            self.host.on_host("abort", self.id, given=str(error))
            return
        if not self.interrupted:
            self.host.on_host("confirm", self.id)

    def interrupt(self, *_):
        """Ctrl-C or a cancelled job: the host goes back, and the end is still waited for."""
        self.interrupted = True


def promote(given, host, system, deployment):
    say(given.host, f"copying {system}")
    host.copy(system, host.tool)
    systems = host.on_host("systems").split()

    if given.dry_run:
        say(given.host, f"runs {systems[0]}")
        print(host.on_host("dry-run", system, timeout=300), end="", flush=True)
        say(given.host, "dry run: nothing was changed")
        return
    if systems == [system] * 2:
        try:
            check_pages(given.host, deployment)
            say(given.host, "has this release already")
            return
        except page.Wrong as error:
            say(given.host, f"has this release already, and is brought to it again: {error}")

    one = Deployment(given.host, host, system, deployment)
    one.begin()
    state, reason = one.watch()
    if state != "committed":
        raise Failed(f"{state}: {reason}")
    say(given.host, f"runs {system}, now and after a restart")


def run(given):
    release = signed(given)
    if given.host not in release["hosts"]:
        raise Failed(f"the release has no such host: it has {', '.join(sorted(release['hosts']))}")
    entry = release["hosts"][given.host]
    host = Host(entry["deployment"], os.environ["ON_HOST"], given.identity)
    if given.stop:
        host.on_host("stop", *entry["deployment"]["listen"], timeout=120)
        say(given.host, "its words are stopped until the next deployment or restart")
    elif given.verify:
        check_host(given.host, host, release)
        check_pages(given.host, entry["deployment"])
    else:
        promote(given, host, entry["system"], entry["deployment"])


def main():
    given = arguments()
    try:
        run(given)
    except (Failed, Refused, Unreachable, page.Wrong) as error:
        sys.exit(f"deploy: {given.host}: {error}")
    except KeyboardInterrupt:
        sys.exit(f"deploy: {given.host}: interrupted before anything was changed")
    except subprocess.TimeoutExpired as error:
        sys.exit(f"deploy: {given.host}: {error.cmd[0]} took longer than {error.timeout:.0f} s")


main()
