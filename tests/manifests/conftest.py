"""The manifests to hold against what they must be: of production's words, and of words that are hard to write down."""

import os
from pathlib import Path

import manifests
import pytest

WRITTEN = Path(os.environ["MANIFESTS"])


@pytest.fixture(scope="session")
def production():
    return manifests.load(WRITTEN)


@pytest.fixture(scope="session", params=["production", "nasty"])
def either(request):
    return manifests.load(WRITTEN if request.param == "production" else WRITTEN / "nasty")
