"""Releases, good and bad, brought to the machine by the deploy command while visitors ask for pages."""

import os
import subprocess
import time

from deployer import kill, until
from load import Load
from machine import wait
from visitor import ask, connect, pages
from words import all_ready, started, version


def deployed_under_load(machine, name, paths=None):
    """Deploys the release while visitors ask; gives how it ended, what it said, and the load."""
    deployer = machine.deployer
    deployer.attested(name)
    expected = pages()
    # Fewer visitors than for a restart: an emulated machine has to deploy beside them.
    with Load(connect, {path: expected[path] for path in paths or expected}, threads=3) as load:
        wait("the load to begin", lambda: load.reached(100))
        code, said = deployer.deploy(name)
        served = load.good
        # What a release does after its end would show here.
        wait("more requests", lambda: load.reached(served + 200))
    print(f"# {load.good} good, {len(load.failures)} failed")
    return code, said, load


def a_good_release_is_deployed_without_a_lost_request(machine):
    before = machine.deployer.systems()[0]
    old = version(machine)
    code, said, load = deployed_under_load(machine, "good")
    assert code == 0, said
    assert not load.failures, load.failures[:10]
    current, default = machine.deployer.systems()
    assert current == default != before, (current, default, before)
    assert version(machine) != old, "the new release does not run"
    assert machine.deployer.deploy("good", "--verify")[0] == 0


def the_same_release_again_changes_nothing(machine):
    before = started(machine)
    code, said = machine.deployer.deploy("good")
    assert code == 0 and "has this release already" in said, said
    assert started(machine) == before


def a_dry_run_changes_nothing(machine):
    before = started(machine), machine.deployer.systems()
    code, said = machine.deployer.deploy("booted", "--dry-run")
    assert code == 0 and "would" in said and "wordtally-the.service" in said, said
    assert (started(machine), machine.deployer.systems()) == before


def an_altered_release_reaches_no_host(machine):
    before = started(machine), machine.deployer.systems()
    folder = machine.deployer.attested("booted") + "-altered"
    subprocess.run(["cp", "-r", machine.deployer.attested("booted"), folder], check=True)
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    with open(f"{folder}/release.json", encoding="utf-8") as file:
        text = file.read()
    with open(f"{folder}/release.json", "w", encoding="utf-8") as file:
        file.write(text.replace('"hamlet": 994', '"hamlet": 993').replace('"hamlet":994', '"hamlet":993'))
    code, said = machine.deployer.deploy("booted", folder=folder)
    assert code != 0 and "not deployed" in said and "copying" not in said, said
    os.remove(f"{folder}/provenance.sigstore.json")
    code, said = machine.deployer.deploy("booted", folder=folder)
    assert code != 0 and "not deployed" in said and "copying" not in said, said
    assert (started(machine), machine.deployer.systems()) == before


def refused_before_any_visitor(machine, name, why):
    """The release never serves: what runs is not touched, and nobody notices."""
    before = started(machine), machine.deployer.systems()
    code, said, load = deployed_under_load(machine, name)
    assert code != 0 and why in said, said
    assert not load.failures, load.failures[:10]
    assert (started(machine), machine.deployer.systems()) == before
    left = machine.run("ls /run/systemd/system | grep preflight || true")
    assert left == "", left


def a_release_that_answers_wrongly_meets_no_visitor(machine):
    refused_before_any_visitor(machine, "wrong", "love: hamlet has")


def a_release_that_never_gets_ready_meets_no_visitor(machine):
    refused_before_any_visitor(machine, "unready", "romeo: not ready: the table, dataset or project does not exist")


def put_back(machine, name, paths=None):
    before = machine.deployer.systems()
    code, said, load = deployed_under_load(machine, name, paths)
    assert code != 0 and "rolled back" in said, said
    assert machine.deployer.systems() == before
    all_ready(machine)
    for path in pages():
        assert ask(path)[0] == 200, path
    return said, load


def a_release_with_a_wrong_front_door_is_put_back(machine):
    # Each word is right on its socket, and only a visitor sees that one address leads to another word.
    said, load = put_back(machine, "front-door", ["/the/", "/love/", "/romeo/"])
    assert "/tis/: hamlet has" in said, said
    assert not load.failures, load.failures[:10]


def a_second_deployment_is_refused_while_one_is_under_way(machine):
    first = machine.deployer.start("booted")
    until(first, "preflight")
    code, said = machine.deployer.deploy("wrong")
    assert code != 0 and "another deployment is under way" in said, said
    rest = first.communicate(timeout=900)[0]
    assert first.returncode == 0, rest
    assert machine.deployer.deploy("good")[0] == 0


def a_deployment_whose_runner_dies_is_put_back(machine):
    before = machine.deployer.systems()
    process = machine.deployer.start("booted")
    until(process, "readiness")
    end = kill(process) + 300
    wait("the new system", lambda: machine.deployer.systems()[0] != before[0] or time.monotonic() > end)
    wait("the old system", lambda: machine.deployer.systems() == before, patience=300)
    all_ready(machine)


def a_release_that_breaks_the_network_is_put_back(machine):
    said, load = put_back(machine, "network")
    assert "unreachable" in said and "nobody confirmed it" in said, said
    assert load.failures, "the network was not broken"


BEHAVIOURS = [
    a_good_release_is_deployed_without_a_lost_request,
    the_same_release_again_changes_nothing,
    a_dry_run_changes_nothing,
    an_altered_release_reaches_no_host,
    a_release_that_answers_wrongly_meets_no_visitor,
    a_release_that_never_gets_ready_meets_no_visitor,
    a_release_with_a_wrong_front_door_is_put_back,
    a_second_deployment_is_refused_while_one_is_under_way,
    a_deployment_whose_runner_dies_is_put_back,
    a_release_that_breaks_the_network_is_put_back,
]
