"""Releases, good and bad, brought to the machine by the deploy command while clients ask for pages."""

import os
import re
import signal
import subprocess

from client import connect, pages
from deployer import Deployer, kill, until
from load import Load
from machine import Machine, wait
from words import all_ready, started, version


def deployed_under_load(deployer: Deployer, name: str, paths: list[str] | None = None) -> tuple[int, str, Load]:
    """Deploys the release while clients ask; gives how it ended, what it said, and the load."""
    deployer.attested(name)
    expected = pages()
    # Fewer clients than for a restart: an emulated machine has to deploy beside them.
    with Load(connect, {path: expected[path] for path in paths or expected}, threads=3) as load:
        wait("the load to begin", lambda: load.reached(100))
        code, said = deployer.deploy(name)
        served = load.good
        # What a release does after its end would show here.
        wait("more requests", lambda: load.reached(served + 200))
    print(f"# {load.good} good, {len(load.failures)} failed")
    return code, said, load


def test_a_good_release_is_deployed_without_a_lost_request(machine: Machine, deployer: Deployer) -> None:
    before = deployer.systems()[0]
    old = version(machine)
    code, said, load = deployed_under_load(deployer, "good")
    assert code == 0, said
    assert not load.failures, load.failures[:10]
    current, default = deployer.systems()
    assert current == default != before, (current, default, before)
    assert version(machine) != old, "the new release does not run"
    assert deployer.deploy("good", "--verify")[0] == 0


def test_the_same_release_again_changes_nothing(machine: Machine, deployer: Deployer) -> None:
    before = started(machine)
    code, said = deployer.deploy("good")
    assert code == 0 and "has this release already" in said, said
    assert started(machine) == before


def test_a_dry_run_changes_nothing(machine: Machine, deployer: Deployer) -> None:
    before = started(machine), deployer.systems()
    code, said = deployer.deploy("booted", "--dry-run")
    assert code == 0 and "would" in said and "wordtally-the.service" in said, said
    assert (started(machine), deployer.systems()) == before


def test_an_altered_release_reaches_no_host(machine: Machine, deployer: Deployer) -> None:
    before = started(machine), deployer.systems()
    release = deployer.attested("booted")
    altered, unsigned = f"{release}-altered", f"{release}-unsigned"
    for folder in (altered, unsigned):
        subprocess.run(["cp", "-r", "--no-preserve=mode", release, folder], check=True)
    with open(f"{altered}/release.json", encoding="utf-8") as file:
        text = file.read()
    with open(f"{altered}/release.json", "w", encoding="utf-8") as file:
        file.write(re.sub(r'("hamlet": ?)\d+', r"\g<1>1", text))
    os.remove(f"{unsigned}/provenance.sigstore.json")
    for folder, why in (
        (altered, "release.json is not what was signed"),
        (unsigned, "provenance.sigstore.json cannot be read"),
    ):
        code, said = deployer.deploy("booted", folder=folder)
        assert code != 0 and "not trusted" in said and "copying" not in said and why in said, said
    assert (started(machine), deployer.systems()) == before


def refused_before_any_client(machine: Machine, deployer: Deployer, name: str, why: str) -> None:
    """The release never serves: what runs is not touched, and nobody notices."""
    before = started(machine), deployer.systems()
    code, said, load = deployed_under_load(deployer, name)
    assert code != 0 and why in said, said
    assert not load.failures, load.failures[:10]
    assert (started(machine), deployer.systems()) == before
    left = machine.run("ls /run/systemd/system | grep preflight || true")
    assert left == "", left


def test_a_release_that_answers_wrongly_meets_no_client(machine: Machine, deployer: Deployer) -> None:
    refused_before_any_client(machine, deployer, "wrong", "love: hamlet has")


def test_a_release_that_never_gets_ready_meets_no_client(machine: Machine, deployer: Deployer) -> None:
    refused_before_any_client(
        machine, deployer, "unready", "romeo: not ready: the table, dataset or project does not exist"
    )


def rolled_back(machine: Machine, deployer: Deployer, name: str, paths: list[str] | None = None) -> tuple[str, Load]:
    before, expected = deployer.systems(), pages()
    code, said, load = deployed_under_load(deployer, name, paths)
    assert code != 0 and "deploy: mock-prod: rolled back: " in said, said
    is_as_before(machine, deployer, before, expected)
    return said, load


def is_as_before(machine: Machine, deployer: Deployer, systems: list[str], expected: dict[str, str]) -> None:
    assert deployer.systems() == systems
    all_ready(machine)
    assert pages() == expected


def test_a_release_with_a_wrong_reverse_proxy_is_rolled_back(machine: Machine, deployer: Deployer) -> None:
    # Each word is right on its socket, and only a client sees that one address leads to another word.
    said, load = rolled_back(machine, deployer, "reverse-proxy", ["/the/", "/love/", "/romeo/"])
    assert "/tis/: hamlet has" in said, said
    assert not load.failures, load.failures[:10]


def test_a_release_with_a_unit_that_fails_is_rolled_back(machine: Machine, deployer: Deployer) -> None:
    said, load = rolled_back(machine, deployer, "failing")
    assert "failed: failing.service" in said and "rolled back: its activation ended with 4" in said, said
    assert not load.failures, load.failures[:10]


def test_a_second_deployment_is_refused_while_one_is_under_way(deployer: Deployer) -> None:
    first = deployer.start("booted")
    until(first, "preflight")
    code, said = deployer.deploy("wrong")
    assert code != 0 and "another deployment is under way" in said, said
    rest = first.communicate(timeout=900)[0]
    assert first.returncode == 0, rest
    assert deployer.deploy("good")[0] == 0


def test_a_deployment_whose_runner_dies_is_rolled_back(machine: Machine, deployer: Deployer) -> None:
    before, expected = deployer.systems(), pages()
    process = deployer.start("booted")
    until(process, "readiness")
    kill(process)
    assert deployer.systems()[0] != before[0], "it was not activated when its runner died"
    wait("the end of its deployment", lambda: not deployer.under_way(), patience=300)
    is_as_before(machine, deployer, before, expected)


def test_an_interrupted_deployment_is_rolled_back(machine: Machine, deployer: Deployer) -> None:
    before, expected = deployer.systems(), pages()
    process = deployer.start("booted")
    until(process, "activating")
    # As a terminal's Ctrl-C, which all of its processes get.
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=900)[0]
    assert process.returncode == 1 and "deploy: mock-prod: rolled back: it was interrupted\n" in said, said
    is_as_before(machine, deployer, before, expected)


def test_a_release_that_breaks_the_network_is_rolled_back(machine: Machine, deployer: Deployer) -> None:
    said, load = rolled_back(machine, deployer, "network")
    assert "unreachable" in said and "nobody confirmed it" in said, said
    assert load.failures, "the network was not broken"
