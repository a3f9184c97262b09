import os
import pathlib
from collections.abc import Iterator

import pytest
from proxy import demo, index, prepare


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("nginx")
    prepare(folder)
    return folder


@pytest.fixture(scope="session")
def instances(scratch: pathlib.Path) -> Iterator[dict[str, str]]:
    """The address of each word's instance, and of the index."""
    with demo() as addresses, index(scratch, addresses) as listed:
        yield addresses | {"index": listed}


@pytest.fixture(scope="session")
def generated() -> str:
    """The configuration that NixOS writes for the host."""
    return pathlib.Path(os.environ["NGINX"]).read_text()
