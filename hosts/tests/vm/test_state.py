"""The machine's state: what its units may do, what it reveals, and which units failed."""

import json
import os

from given import MAX_EXPOSURE
from machine import Machine
from words import INDEX, UNITS


def test_every_unit_is_confined(machine: Machine) -> None:
    for unit in [*UNITS, INDEX, "bigquery-standin.service"]:
        report = machine.run(f"systemd-analyze security --no-pager {unit} | tail -1")
        exposure = float(report.split(":")[1].split()[0])
        print(f"# {unit}: exposure {exposure}")
        assert exposure <= MAX_EXPOSURE, report
    assert "Max open files            8192" in machine.run(
        "cat /proc/$(systemctl show -p MainPID --value wordtally-the.service)/limits"
    )


def test_every_unit_executes_its_own_program_only(machine: Machine) -> None:
    for unit in [*UNITS, INDEX, "bigquery-standin.service"]:
        process = f"/proc/$(systemctl show -p MainPID --value {unit})"
        program = machine.run(f"readlink {process}/exe").strip()
        mounts = [line.split() for line in machine.run(f"cut -d ' ' -f 5,6 {process}/mountinfo").splitlines()]
        assert len(mounts) > 5, mounts
        # systemd's own mounts, for a file and a socket that it passes.
        executable = {
            path for path, options in mounts if "noexec" not in options.split(",") and not path.startswith("/run/host/")
        }
        assert executable == {program}, executable


def test_no_word_came_near_its_limit_of_memory(machine: Machine) -> None:
    for unit in [*UNITS, INDEX]:
        show = machine.run(f"systemctl show -p MemoryPeak,MemoryMax {unit}")
        memory = dict(line.split("=") for line in show.splitlines())
        peak, most = int(memory["MemoryPeak"]), int(memory["MemoryMax"])
        print(f"# {unit}: {peak / 2**20:.1f} of {most / 2**20:.0f} MiB at the most")
        assert peak < most * 3 / 4, show


def test_no_secret_is_in_the_journal_or_a_process(machine: Machine) -> None:
    """Neither in the log nor in a command line or an environment, of the machine's processes or of QEMU here."""
    key = json.loads(machine.run("cat /run/agenix/bigquery.json"))["private_key"]
    secrets = [line for line in key.splitlines() if not line.startswith("-----")]
    secrets += machine.run("grep -v -- ----- /run/agenix/tls.key").split()
    identity = machine.run("cat /run/credentials/@system/age.identity")
    secrets += [line for line in identity.splitlines() if not line.startswith("-----")]
    assert len(secrets) > 20, "the key was read"

    def found(places: dict[str, str]) -> list[tuple[str, str]]:
        return [(place, secret[:6]) for place, text in places.items() for secret in secrets if secret in text]

    here = b""
    for process in os.listdir("/proc"):
        for kind in ("cmdline", "environ"):
            try:
                with open(f"/proc/{process}/{kind}", "rb") as file:
                    here += file.read()
            except (OSError, ValueError):
                pass
    places = {
        "the journal": machine.run("journalctl -b -o export --no-pager | tr -d '\\0'"),
        "a process": machine.run(
            "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'", check=False
        ),
        "the console": machine.console(),
        "this machine's processes": here.decode(errors="replace"),
    }
    assert "wordtally" in places["a process"] and "answer refreshed" in places["the journal"], "the places were read"
    assert "age.identity" in places["this machine's processes"], "QEMU's command line was read"
    assert found({"planted": places["the journal"] + secrets[3]}), "a planted one is found"
    assert not found(places), found(places)


def test_nothing_failed(machine: Machine) -> None:
    failed = machine.run("systemctl list-units --failed --plain --no-legend -o json")
    # A machine cannot remount its root if that is not the file system that the configuration describes.
    names = [unit["unit"] for unit in json.loads(failed) if unit["unit"] != "systemd-remount-fs.service"]
    assert not names, names
