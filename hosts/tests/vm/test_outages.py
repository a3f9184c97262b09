"""The release that repairs a host can always be deployed: a gate refuses only a release that makes things worse."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from client import ask, connect, pages
from deployer import Deployer, figures, nothing_left, refused_before_any_client
from given import WORDS
from load import Load
from machine import Machine, wait
from words import UNITS, all_ready, ready, started, version

IAM = "/etc/bigquery-standin/iam-0.json"
ROTATED = os.path.join(os.path.dirname(__file__), "rotated-iam.json")
REFUSED = "not ready: the credential is missing or was refused\n"


def test_a_secret_that_bigquery_does_not_know_meets_no_client(machine: Machine, deployer: Deployer) -> None:
    """The stand-in knows the old key, and the release has the new one, which is tried before anything is activated."""
    refused_before_any_client(machine, deployer, "rotated", "the credential is missing or was refused")


def test_a_secret_that_no_identity_opens_meets_no_client(machine: Machine, deployer: Deployer) -> None:
    refused_before_any_client(machine, deployer, "unopened", "bigquery.json")


def test_a_revoked_key_is_repaired_by_a_release(machine: Machine, deployer: Deployer) -> None:
    """The words are down because of it, and a release that only brings the new key is accepted."""
    deployer.attested("rotated")
    expected, before = pages(), deployer.systems()
    with open(ROTATED, encoding="utf-8") as file:
        other = shlex.quote(file.read())
    machine.run(f"rm {IAM} && printf %s {other} >{IAM} && systemctl reload bigquery-standin.service")
    machine.run(f"systemctl restart {' '.join(UNITS)}")
    wait("the refusal", lambda: ready(machine) == REFUSED)
    assert ask("/the/")[0] == 503
    with Load(connect, expected, threads=3) as load:
        code, said = deployer.deploy("rotated")
        assert code == 0, said
        figures(load, "until it is repaired: ")
        with Load(connect, expected, threads=1) as after:
            wait("more requests", lambda: after.reached(200))
        assert not after.failures, after.failures[:10]
    figures(after, "from then on: ")
    assert deployer.systems()[0] != before[0]
    all_ready(machine)
    nothing_left(machine, deployer)
    # The old key is tried too; the stand-in knows it again once its release runs.
    assert deployer.deploy("good", "--force", "the stand-in learns the old key by it")[0] == 0
    all_ready(machine)
    assert pages() == expected


def running(deployer: Deployer, release: str) -> None:
    """Deploys what a test starts from, whichever tests ran before it."""
    code, said = deployer.deploy(release)
    assert code == 0, said


@contextmanager
def outage(machine: Machine) -> Iterator[None]:
    """Nothing reaches BigQuery, not even a new process."""
    rule = "chain input { type filter hook input priority -300; tcp dport 9050 reject with tcp reset; }"
    machine.run(f"nft 'table inet outage {{ {rule}; }}'")
    try:
        yield
    finally:
        machine.run("nft delete table inet outage")


def test_an_unrelated_fix_is_deployed_in_an_outage(machine: Machine, deployer: Deployer) -> None:
    """Only nginx changes, so no word is tried or restarted. The words go on with the answers they have."""
    deployer.attested("reverse-proxy-only")
    running(deployer, "booted")
    before, expected = started(machine), pages()
    assert ask("/fixed")[0] == 404
    with outage(machine), Load(connect, expected, threads=3) as load:
        code, said = deployer.deploy("reverse-proxy-only")
        served = load.good
        wait("more requests", lambda: load.reached(served + 200))
    figures(load)
    assert code == 0 and f"{next(iter(WORDS))} is unchanged" in said, said
    assert not load.failures, load.failures[:10]
    assert ask("/fixed")[0] == 204
    assert started(machine) == before, "a word was restarted"
    nothing_left(machine, deployer)


def test_in_an_outage_what_would_stop_a_word_needs_a_reason(machine: Machine, deployer: Deployer) -> None:
    """A word would lose its answer in a restart, which makes things worse, so the release is refused; `--force` is logged."""
    deployer.attested("booted")
    running(deployer, "good")
    expected, old = pages(), version(machine)
    with outage(machine):
        with Load(connect, expected, threads=3) as load:
            code, said = deployer.deploy("booted")
        figures(load, "refused: ")
        assert code == 1 and "refused: " in said, said
        assert not load.failures, load.failures[:10]
        code, said = deployer.deploy("booted", "--force", "it is tried")
        assert code == 0 and "forced: it is tried" in said, said
    all_ready(machine)
    assert version(machine) != old and pages() == expected
    assert deployer.report("log")["deployments"][-1]["force"] == "it is tried"
    nothing_left(machine, deployer)


def test_going_back_works_in_an_outage(machine: Machine, deployer: Deployer) -> None:
    """Even when no word is ready."""
    running(deployer, "good")
    running(deployer, "booted")
    expected, before = pages(), deployer.systems()
    with outage(machine):
        machine.run(f"systemctl restart {' '.join(UNITS)}")
        wait("the outage", lambda: ready(machine) not in ("ready\n", ""))
        with Load(connect, expected, threads=3) as load:
            code, said = deployer.asks("rollback")
        figures(load, "words without an answer: ")
        assert code == 0 and "excused" in said, said
        assert deployer.systems()[0] != before[0]
    all_ready(machine)
    with Load(connect, expected, threads=3) as after:
        wait("more requests", lambda: after.reached(200))
    figures(after, "after the outage: ")
    assert not after.failures, after.failures[:10]
    nothing_left(machine, deployer)
    # And forward again.
    assert deployer.deploy("good")[0] == 0
