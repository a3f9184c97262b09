import os
import pathlib
from collections.abc import Iterator

import pytest
from proxy import demo, prepare


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("nginx")
    prepare(folder)
    return folder


@pytest.fixture(scope="session")
def instances() -> Iterator[dict[str, str]]:
    with demo() as addresses:
        yield addresses


@pytest.fixture(scope="session")
def generated() -> str:
    """What NixOS writes for the host."""
    return pathlib.Path(os.environ["NGINX"]).read_text()
