"""Instances that have an answer, an old one or none, open to other origins or not."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from instance import Index, Instance

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "standin/clients/python"))
from standin import DATASET, PROJECT, Standin  # noqa: E402

# A page of another origin that may read the responses.
ORIGIN = "https://a.example"
# Nothing listens there.
NOWHERE = "http://127.0.0.1:9"
KEY = "reader.json"


def begun(folder: Path) -> Standin:
    standin = Standin(folder)
    standin.account("reader", "--job-user", PROJECT, "--data-viewer", DATASET)
    standin.start()
    return standin


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    standin = begun(tmp_path_factory.mktemp("standin"))
    yield standin
    standin.stop()


@pytest.fixture(scope="session")
def key(standin: Standin) -> Path:
    return standin.folder / KEY


@pytest.fixture(scope="session")
def serving(standin: Standin, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("serving"), standin.url, key) as instance:
        assert instance.status() == 200
        yield instance


@pytest.fixture(scope="session")
def open_to_each(standin: Standin, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("each"), standin.url, key, "--cors-origin", "*") as instance:
        yield instance


@pytest.fixture(scope="session")
def open_to_one(standin: Standin, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("one"), standin.url, key, "--cors-origin", ORIGIN) as instance:
        yield instance


@pytest.fixture(scope="session")
def index(serving: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The list of a word that is served and one that is not."""
    folder = tmp_path_factory.mktemp("index")
    site = folder / "site.json"
    words = [
        {"word": "Romeo", "url": "/romeo/", "address": f"127.0.0.1:{serving.port}"},
        {"word": "love", "url": "/love/"},
    ]
    site.write_text(json.dumps({"index": "/", "words": words}))
    with Index(folder, site) as index:
        assert index.status() == 200
        yield index


@pytest.fixture(scope="session")
def failing(key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """It never has an answer."""
    folder = tmp_path_factory.mktemp("failing")
    unknown = folder / "key.json"
    unknown.write_text(json.dumps(json.loads(key.read_text()) | {"token_uri": f"{NOWHERE}/token"}))
    with Instance(folder, NOWHERE, unknown) as instance:
        assert instance.status() == 503
        yield instance


@pytest.fixture(scope="session")
def stale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Its answer is older than its TTL, because its stand-in has stopped."""
    standin = begun(tmp_path_factory.mktemp("gone"))
    with Instance(standin.folder, standin.url, standin.folder / KEY, "--ttl", "1s", "--max-stale", "1h") as instance:
        assert instance.status() == 200
        standin.stop()
        time.sleep(2.5)
        yield instance
