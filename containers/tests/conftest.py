"""Builds the images from the Containerfile once, with the profile in $PROFILE, or with `dev`, for speed, if it is not set."""

import os
from collections.abc import Iterator
from pathlib import Path

import bases
import pytest
from engine import CREATED, ROOT, Engine, run

os.environ.setdefault("PROFILE", "dev")
os.environ.setdefault("REVISION", run("git", "rev-parse", "HEAD"))
os.environ["CREATED"] = CREATED
IMAGE, STANDIN = "localhost/wordtally", "localhost/wordtally-standin"
# The stages that compile.
PROGRAM, STANDIN_PROGRAM = f"{IMAGE}-program", f"{STANDIN}-program"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        bases.bring(engine)
        run("cargo", "fetch", "--locked")
        yield engine
        # Images of this source stay; those of older sources are removed.
        engine("image", "prune", "--force")


@pytest.fixture(scope="session")
def arguments() -> list[str]:
    return [f"--build-arg={name}={os.environ[name]}" for name in ["PROFILE", "REVISION", "CREATED"]]


@pytest.fixture(scope="session")
def images(engine: Engine, arguments: list[str]) -> None:
    engine.build(PROGRAM, "--target=program", *arguments)
    engine.build(STANDIN_PROGRAM, "--target=standin-program", *arguments)
    engine.build(STANDIN, "--target=standin", *arguments)
    engine.build(IMAGE, *arguments)


@pytest.fixture(scope="session")
def standin_program(engine: Engine, images: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine.extract(STANDIN, "/bin/wordtally", tmp_path_factory.mktemp("standin") / "wordtally")


@pytest.fixture(scope="session")
def version() -> str:
    (line,) = [line for line in (ROOT / "Cargo.toml").read_text().splitlines() if line.startswith("version = ")]
    return line.split('"')[1]
