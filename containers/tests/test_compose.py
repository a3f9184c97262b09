"""Tests compose.yaml as its page uses it, and what the page says about each container."""

import contextlib
import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine import PROGRAMS, ROOT, Engine, run

PAGE = ROOT / "docs/how-to/run-with-containers.md"
WORDS = {"the": "the", "love": "love", "romeo": "Romeo"}
BIGQUERY = "http://10.97.150.2:9050"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def get(url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def wait(what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"gave up after {seconds} s: {what}"
        time.sleep(0.2)


class Site:
    """The running containers of compose.yaml."""

    def __init__(self, engine: Engine, port: int) -> None:
        self.engine = engine
        self.port = str(port)
        self.url = f"http://127.0.0.1:{port}"

    def compose(self, *arguments: str) -> str:
        return self.engine.compose(*arguments, PORT=self.port)

    def container(self, service: str) -> str:
        found = self.engine("ps", "--all", "--quiet", f"--filter=label=com.docker.compose.service={service}")
        (container,) = found.splitlines()
        return container

    def inspect(self, service: str) -> Any:
        (found,) = json.loads(self.engine("inspect", self.container(service)))
        return found

    def status(self, service: str) -> dict[str, str]:
        """The kernel's status of the service's first process."""
        pid = self.inspect(service)["State"]["Pid"]
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def row(self, name: str) -> str:
        """The first row of a word's CSV, or nothing."""
        status, body = get(f"{self.url}/{name}/", Accept="text/csv")
        return body.splitlines()[1] if status == 200 else ""

    def all_answer(self) -> bool:
        return all(self.row(name) for name in WORDS)


@pytest.fixture(scope="module")
def site(engine: Engine, images: None) -> Iterator[Site]:
    site = Site(engine, free_port())
    try:
        site.compose("up", "--build", "--detach")
        wait("each word answers", site.all_answer)
        yield site
    finally:
        site.compose("down", "--volumes", "--timeout", "20")


def check(file: Path) -> dict[str, Any]:
    """It conforms to Compose's schema, and defines each service, network and volume that it names, as Compose requires."""
    run(PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    for name, service in content["services"].items():
        assert set(service.get("depends_on", [])) <= set(content["services"]), name
        assert set(service.get("networks", [])) <= set(content["networks"]), name
        sources = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert {source for source in sources if source[0] not in "./"} <= set(content["volumes"]), name
    return content


def test_the_file_is_of_composes_schema() -> None:
    check(ROOT / "compose.yaml")


def without(text: str, key: str, indent: int) -> str:
    """The text without comments, the key and everything below the key."""
    left, count = re.subn(rf"^ {{{indent}}}{key}:.*\n(?: {{{indent + 1},}}.*\n)*", "", text, flags=re.MULTILINE)
    assert count == 1, key
    return left


def test_the_file_asks_bigquery_itself_after_the_edits_of_its_page(tmp_path: Path) -> None:
    page = PAGE.read_text().split("## Ask BigQuery itself")[1].split("\n## ")[0]
    [(old, new)] = re.findall(r"replace `(.*?)` by `(.*?)`", page)
    for named in ["`keys`", "`bigquery`", "`depends_on`", "`x-word`", "`BIGQUERY_ENDPOINT: …`", "`internal: true`"]:
        assert named in page, named
    text = (ROOT / "compose.yaml").read_text()
    services, networks = text.split("\nnetworks:\n")
    for key in ["keys", "bigquery", "depends_on", "BIGQUERY_ENDPOINT"]:
        services = without(services, key, 2)
    text = f"{services}\nnetworks:\n{without(networks, 'internal', 4)}"
    assert text.count(f"- {old}\n") == 1
    (edited := tmp_path / "compose.yaml").write_text(text.replace(old, new))
    content = check(edited)
    assert {*WORDS, "index", "reverse-proxy"} == set(content["services"])
    assert not content["networks"]["bigquery"].get("internal")
    for name in WORDS:
        service = content["services"][name]
        assert new in service["volumes"] and "BIGQUERY_ENDPOINT" not in service["environment"], service


def test_each_word_is_served_at_its_name_in_each_format(site: Site) -> None:
    rows = {name: site.row(name) for name in WORDS}
    assert len(set(rows.values())) == len(WORDS), rows
    assert "<html" in get(f"{site.url}/love/", Accept="text/html")[1]
    assert json.loads(get(f"{site.url}/romeo/", Accept="application/json")[1])["word"] == "Romeo"
    # Follows the redirects.
    assert "<html" in get(f"{site.url}/romeo", Accept="text/html")[1]


def test_the_reverse_proxy_serves_pages_and_what_describes_them_and_nothing_else(site: Site) -> None:
    assert get(f"{site.url}/healthz") == (200, "ok\n")
    for file in ["openapi.json", "schema.json"]:
        status, body = get(f"{site.url}/the/{file}")
        assert status == 200 and json.loads(body), (file, status, body)
    for path in ["/the/metrics", "/the/readyz", "/the/healthz", "/a.b/", "/index", "/index/"]:
        status, body = get(site.url + path)
        assert status == 404 and "listed at /" in body, (path, status, body)
    # Without a socket, nginx cannot tell whether the word is down or does not exist.
    for path in ["/hamlet/", "/hamlet/counts.csv", "/the/../run/"]:
        status, body = get(site.url + path)
        assert status == 503 and "listed at /" in body, (path, status, body)
    for path in ["/", "/the/"]:
        request = urllib.request.Request(site.url + path, method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request, timeout=10):
            pass
        assert (refused.value.code, refused.value.headers["Allow"]) == (405, "GET, HEAD")


def test_a_word_that_an_editor_adds_to_the_site_file_is_found(site: Site) -> None:
    """An editor that replaces the file with a new one, as vim and sed do."""
    file = ROOT / "containers/site/site.json"
    before = file.read_text()
    added = json.loads(before)
    added["words"].append({"word": "hamlet", "url": "/hamlet/", "address": "unix:/run/wordtally/hamlet.sock"})
    with contextlib.ExitStack() as stack:
        stack.callback(file.write_text, before)
        (new := file.with_suffix(".new")).write_text(json.dumps(added))
        new.replace(file)
        wait("the index has read the file", lambda: "/hamlet/" in get(f"{site.url}/", Accept="application/json")[1])


def test_the_index_has_each_word_with_its_total(site: Site) -> None:
    def totals() -> dict[str, Any]:
        words = json.loads(get(f"{site.url}/", Accept="application/json")[1] or "{}").get("words", [])
        return {word["word"]: word.get("total_words") for word in words}

    wait("the index has heard of each", lambda: set(totals()) == set(WORDS.values()) and all(totals().values()))
    assert "<html" in get(f"{site.url}/", Accept="text/html")[1]


@pytest.mark.parametrize("service", [*WORDS, "index", "bigquery", "reverse-proxy"])
def test_each_container_is_confined(site: Site, service: str) -> None:
    status = site.status(service)
    assert status["Uid"].split() == ["65532"] * 4
    assert status["Gid"].split() == ["65532"] * 4
    assert {int(status[name], 16) for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]} == {0}
    assert status["NoNewPrivs"] == "1"
    found = site.inspect(service)
    assert found["HostConfig"]["ReadonlyRootfs"]
    assert found["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


@pytest.mark.parametrize("name", WORDS)
def test_a_word_has_the_memory_of_a_unit_and_probes_itself(site: Site, name: str) -> None:
    found = site.inspect(name)
    assert found["HostConfig"]["Memory"] == 128 * 2**20
    pid = found["State"]["Pid"]
    # Version 1 of cgroups has a separate hierarchy for memory; version 2 has one for everything.
    groups = dict(line.split(":", 2)[1:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    first = Path(f"/sys/fs/cgroup/memory{groups.get('memory')}/memory.limit_in_bytes")
    limit = first if "memory" in groups else Path(f"/sys/fs/cgroup{groups['']}/memory.max")
    assert int(limit.read_text()) == 128 * 2**20
    site.engine("healthcheck", "run", site.container(name))


def test_the_words_alone_have_the_key(site: Site) -> None:
    key = "/run/credentials/bigquery.json"
    pid = site.inspect("the")["State"]["Pid"]
    file = Path(f"/proc/{pid}/root{key}")
    assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o600, 65532)
    assert "PRIVATE KEY" in file.read_text()
    for service in ["index", "bigquery", "reverse-proxy"]:
        pid = site.inspect(service)["State"]["Pid"]
        assert not Path(f"/proc/{pid}/root{key}").exists(), service
    for service in [*WORDS, "index", "bigquery", "reverse-proxy", "keys"]:
        assert "PRIVATE KEY" not in json.dumps(site.inspect(service)), service
        assert "PRIVATE KEY" not in site.engine("logs", site.container(service)), service


def test_a_word_reaches_the_stand_in_and_nothing_else(site: Site) -> None:
    """None of the routes in its namespace leads out."""
    pid = site.inspect("the")["State"]["Pid"]
    routes = run("nsenter", f"--net=/proc/{pid}/ns/net", "ip", "route").splitlines()
    assert [route.split()[0] for route in routes] == ["10.97.150.0/24"], routes


def test_the_stand_in_answers_no_one_without_a_token(site: Site) -> None:
    status, body = get(f"{BIGQUERY}/bigquery/v2/projects/compose/jobs")
    assert status == 401 and "UNAUTHENTICATED" in body, body


def test_the_words_survive_a_restart_of_the_stand_in_and_the_key(site: Site) -> None:
    key = ["exec", site.container("love"), "/bin/wordtally", "check"]
    site.engine(*key)
    before = site.inspect("keys")["State"]["StartedAt"]
    site.compose("restart", "keys", "bigquery", "love")
    wait("the word answers again", lambda: bool(site.row("love")))
    after = site.inspect("keys")["State"]
    assert after["StartedAt"] != before and after["ExitCode"] == 0, after
    ready = ["exec", site.container("love"), "/bin/wordtally", "probe", "unix:/run/wordtally/love.sock:/readyz"]
    site.engine(*ready)


def test_a_word_drains_and_ends_with_success(site: Site) -> None:
    site.compose("stop", "romeo")
    assert site.inspect("romeo")["State"]["ExitCode"] == 0
    assert get(f"{site.url}/romeo/")[0] == 503
    site.compose("start", "romeo")
    wait("the word answers again", lambda: bool(site.row("romeo")))


def commands() -> list[tuple[str, str]]:
    """Each command about the containers, with its output; `…` matches any text. The images have their own tests."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"^```console elsewhere\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], ""))
            else:
                command, printed = found[-1]
                found[-1] = (command, f"{printed}{line}\n")
    return [(command, printed) for command, printed in found if command.startswith(("docker compose", "curl"))]


def test_the_commands_of_the_page_print_what_it_says(engine: Engine, images: None) -> None:
    port = str(free_port())
    path = f"{engine.folder}:/usr/sbin:/usr/bin:/bin"
    found = commands()
    assert len(found) > 5
    try:
        for command, expected in found:
            printed = run("bash", "-c", command.replace("127.0.0.1:8080", f"127.0.0.1:{port}"), PORT=port, PATH=path)
            pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
            assert not expected or re.fullmatch(pattern, printed, re.DOTALL), f"{command}\n{printed}"
    finally:
        engine.compose("down", "--volumes")
