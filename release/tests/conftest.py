"""One release for all tests: $RELEASE is the folder that `nix build .#release` made.

Needs `deploy`, `deploy-host`, cosign, git, skopeo and docker-registry (or `registry`) on PATH, and the store with the
release's systems.
"""

import os
import pathlib
from collections.abc import Iterator

import pytest
from vouched import Release


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    release = Release(pathlib.Path(os.environ["RELEASE"]), tmp_path_factory.mktemp("release"))
    yield release
    release.registry.stop()
