"""The manifests under test: of production's words, of words that are difficult to quote, and with other values for the
platforms."""

import os
from pathlib import Path

import pytest

import manifests

WRITTEN = Path(os.environ["MANIFESTS"])


@pytest.fixture(scope="session")
def production() -> manifests.Manifests:
    return manifests.load(WRITTEN)


@pytest.fixture(scope="session")
def other() -> manifests.Manifests:
    return manifests.load(WRITTEN / "other")


@pytest.fixture(scope="session", params=[".", "nasty", "other"])
def either(request: pytest.FixtureRequest) -> manifests.Manifests:
    return manifests.load(WRITTEN / request.param)
