"""Tests the image that the Containerfile builds with the tests of the image that Nix builds."""

import json
import os
import sys
import tarfile
from pathlib import Path

import pytest
from conftest import IMAGE, PROGRAM
from engine import ROOT, Engine, run

NIX_TESTS = ROOT / "nix/checks/image"


def save(engine: Engine, to: Path) -> Path:
    engine("save", "--format=docker-archive", "--output", to, IMAGE)
    return to


@pytest.fixture(scope="session")
def archive(engine: Engine, images: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(engine, tmp_path_factory.mktemp("archive") / "image.tar")


def test_it_has_the_files_the_user_and_the_configuration_of_the_image_that_nix_builds(
    engine: Engine, archive: Path, arguments: list[str], version: str, tmp_path: Path
) -> None:
    engine.build(IMAGE, *arguments)
    run(
        sys.executable,
        NIX_TESTS / "check_image.py",
        archive,
        save(engine, tmp_path / "again.tar"),
        "--binary",
        engine.extract(PROGRAM, "/image/bin/wordtally", tmp_path / "wordtally"),
        "--certificates",
        engine.extract(PROGRAM, "/etc/ssl/certs/ca-certificates.crt", tmp_path / "certificates"),
        f"--created={os.environ['CREATED']}",
        f"--revision={os.environ['REVISION']}",
        f"--version={version}",
        # Every builder of Containerfiles sets it.
        "--environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    )


def test_it_runs_as_strictly_as_the_image_that_nix_builds(archive: Path, standin_program: Path, tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    run("skopeo", "--insecure-policy", "copy", "--quiet", f"docker-archive:{archive}", f"oci:{layout}")
    run(sys.executable, NIX_TESTS / "run_container.py", layout, WORDTALLY=str(standin_program))


def test_the_program_is_static_and_knows_its_commit(engine: Engine, images: None, tmp_path: Path) -> None:
    program = engine.extract(PROGRAM, "/image/bin/wordtally", tmp_path / "wordtally")
    headers = run("readelf", "--program-headers", "--wide", program)
    assert "INTERP" not in headers, headers
    assert os.environ["REVISION"].encode() in program.read_bytes()
    refused = run("sh", "-c", f"{program} standin serve 2>&1 || echo exit $?")
    assert "exit 2" in refused, "what ships has the stand-in"


def layers(archive: Path) -> list[str]:
    """The digests of an archive's layers."""
    with tarfile.open(archive) as files:

        def content(name: str) -> bytes:
            member = files.extractfile(name)
            assert member
            return member.read()

        [image] = json.loads(content("manifest.json"))
        digests: list[str] = json.loads(content(image["Config"]))["rootfs"]["diff_ids"]
        return digests


@pytest.mark.skipif("REPRODUCE" not in os.environ, reason="compiles a second time: REPRODUCE=1")
def test_a_second_compilation_gives_the_same_bytes(
    engine: Engine, archive: Path, arguments: list[str], tmp_path: Path
) -> None:
    """The bytes of all files; the image's history differs, because Podman writes the names of its intermediate images into it."""
    engine.build(IMAGE, "--no-cache", *arguments)
    assert layers(save(engine, tmp_path / "anew.tar")) == layers(archive)
