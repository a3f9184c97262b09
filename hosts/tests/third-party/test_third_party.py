"""Boots a third-party host, to which the words were added, and tests it from outside.

`nix run .#third-party-test` provides the machine.
"""

import http.client
import json
import os
import re
import socket
import ssl
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from machine import Machine, wait

SITE, WORDS_HOST = "www.example.test", "words.example.test"
# A known count of each word.
WORDS = {"the": ("hamlet", 989), "love": ("hamlet", 67), "romeo": ("romeoandjuliet", 114), "tis": ("hamlet", 25)}
PLAIN, TLS = 8080, 8445
PROMETHEUS = "curl -sS --fail --max-time 60 http://127.0.0.1:9095"


# Status, header fields and text.
Response = tuple[int, http.client.HTTPMessage, str]
# As Python's `ssl` returns it, with values of several types.
Certificate = dict[str, Any]


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    with Machine(os.environ["THIRD_PARTY_MACHINE"], 2223) as machine:
        machine.boot()
        yield machine


class Resolved(http.client.HTTPSConnection):
    """Connects over TLS to the machine, with a name that cannot be resolved outside it."""

    def __init__(self, host: str, context: ssl.SSLContext) -> None:
        super().__init__(host, TLS, timeout=60, context=context)
        self.context = context

    def connect(self) -> None:
        connection = socket.create_connection(("127.0.0.1", TLS), self.timeout)
        self.sock = self.context.wrap_socket(connection, server_hostname=self.host)


class Client:
    """Sends requests with a name that only the machine knows, and trusts only its ACME authority."""

    def __init__(self, machine: Machine) -> None:
        root = wait("the authority's root", lambda: machine.run("cat /run/pebble/root.pem", check=False), pause=5)
        self.context = ssl.create_default_context(cadata=root)
        wait("both certificates", self.trusts, pause=5)

    def trusts(self) -> list[Certificate] | None:
        try:
            return [self.certificate(host) for host in (SITE, WORDS_HOST)]
        except OSError:
            return None

    def certificate(self, host: str) -> Certificate:
        with socket.create_connection(("127.0.0.1", TLS), timeout=60) as connection:
            with self.context.wrap_socket(connection, server_hostname=host) as tls:
                found = tls.getpeercert()
                assert found
                return found

    def tls(self, host: str, path: str) -> Response:
        return answer(Resolved(host, self.context), host, path)

    def plain(self, host: str, path: str) -> Response:
        return answer(http.client.HTTPConnection("127.0.0.1", PLAIN, timeout=60), host, path)


@pytest.fixture
def client(machine: Machine) -> Client:
    return Client(machine)


def answer(connection: http.client.HTTPConnection, host: str, path: str) -> Response:
    try:
        connection.request("GET", path, headers={"Host": host, "Accept": "text/plain"})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def asked(machine: Machine, path: str) -> Any:
    return json.loads(machine.run(f"{PROMETHEUS}{path}"))["data"]


def query(machine: Machine, expression: str) -> Any:
    return asked(machine, f"/api/v1/query?query={urllib.parse.quote(expression)}")["result"]


def test_both_certificates_are_of_the_acme_authority(client: Client) -> None:
    for host in (SITE, WORDS_HOST):
        certificate = client.certificate(host)
        issuer = dict(pair for [pair] in certificate["issuer"])["commonName"]
        names = [name for _, name in certificate["subjectAltName"]]
        assert issuer.startswith("Pebble Intermediate CA") and names == [host], (issuer, names)


def served(client: Client, name: str) -> Response | None:
    got = client.tls(WORDS_HOST, f"/{name}/")
    return got if got[0] == 200 else None


def test_every_word_answers_over_tls(client: Client) -> None:
    for name, (corpus, count) in WORDS.items():
        status, headers, text = wait(f"/{name}/", lambda: served(client, name))
        assert re.search(rf"\| {corpus} +\| +{count} \|", text), (name, text)
        assert headers["Strict-Transport-Security"] and headers["Server"] == "nginx", headers.items()


def test_the_identity_is_a_token_and_no_file_is_given(machine: Machine) -> None:
    for name in WORDS:
        log = machine.run(f"journalctl -b -u wordtally-{name}.service -o cat --grep 'found the credential'")
        assert "workload-identity.json" in log, (name, log)
        assert "LoadCredential" not in machine.run(f"systemctl cat wordtally-{name}.service"), name


def test_the_owners_site_answers_as_before(client: Client) -> None:
    # Also for a bare address, and for an unknown name.
    for host in (SITE, "127.0.0.1", "nobody.example.test"):
        status, headers, _ = client.plain(host, "/page")
        assert status == 301 and headers["Location"] == f"https://{host}/page", (host, status, headers.items())
    status, _, text = client.tls(SITE, "/")
    assert (status, text) == (200, "the owner's site\n"), (status, text)
    status, _, text = client.tls(SITE, "/app/")
    assert (status, text) == (200, f"https://{SITE}\n"), (status, text)
    assert client.tls(SITE, "/the/")[0] == 404


def test_the_plain_port_redirects_and_answers_challenges(machine: Machine, client: Client) -> None:
    status, headers, _ = client.plain(WORDS_HOST, "/the/")
    assert (status, headers["Location"]) == (301, f"https://{WORDS_HOST}/the/")
    folder = "/var/lib/acme/acme-challenge/.well-known/acme-challenge"
    machine.run(f"echo proof >{folder}/tried && chmod 644 {folder}/tried")
    assert client.plain(WORDS_HOST, "/.well-known/acme-challenge/tried")[::2] == (200, "proof\n")
    machine.run(f"rm {folder}/tried")


def test_prometheus_has_the_owners_jobs_and_ours(machine: Machine) -> None:
    jobs = {"node": 1, "site": 1, "wordtally": len(WORDS), "wordtally-page": len(WORDS)}

    def all_up() -> bool:
        up = {sample["metric"]["job"]: sample["value"][1] for sample in query(machine, "sum by (job) (up)")}
        return up == {job: str(count) for job, count in jobs.items()}

    wait("all targets", all_up, pause=5)
    for job, count in (("site", 1), ("wordtally-page", len(WORDS))):
        succeed = f'sum(probe_success{{job="{job}"}}) == {count}'
        wait(f"the probes of {job}", lambda: query(machine, succeed), pause=5)
    groups = {group["name"]: group["interval"] for group in asked(machine, "/api/v1/rules")["groups"]}
    # The owner's rules have Prometheus's default interval, ours have our own.
    assert groups["owner"] == 60 and groups["wordtally-the"] == 15 and groups["wordtally-slo"] == 30, groups


def test_the_owners_settings_are_as_they_were(machine: Machine) -> None:
    configuration = asked(machine, "/api/v1/status/config")["yaml"]
    assert re.search(r"scrape_interval: 20s\n  scrape_timeout: 5s\n", configuration), configuration[:500]
    assert "site: example" in configuration
    flags = asked(machine, "/api/v1/status/flags")
    assert flags["storage.tsdb.retention.time"] in ("400d", "57w1d"), flags["storage.tsdb.retention.time"]
    modules = machine.run("curl -sS --fail http://127.0.0.1:9115/config")
    assert "site:" in modules and "page:" not in modules, modules
    workers = machine.run("pgrep -c -P $(systemctl show -P MainPID nginx.service) -f 'worker process'")
    assert workers == "2\n", workers


def test_a_renewed_certificate_is_served_without_a_restart(machine: Machine, client: Client) -> None:
    before = client.certificate(WORDS_HOST)["serialNumber"]
    main = machine.run("systemctl show -P MainPID nginx.service")
    # As if it were about to expire: removes the record of the old order.
    machine.run("find /var/lib/acme/.lego/words.example.test -name domainhash.txt -delete")
    machine.run(f"systemctl start acme-order-renew-{WORDS_HOST}.service")
    wait("the new certificate", lambda: client.certificate(WORDS_HOST)["serialNumber"] != before)
    assert machine.run("systemctl show -P MainPID nginx.service") == main


def test_no_unit_has_failed(machine: Machine) -> None:
    failed = machine.run("systemctl list-units --failed --plain --no-legend").split("\n")
    ours = [
        line.split()[0]
        for line in failed
        if re.match(r"(wordtally|bigquery|nginx|acme|prometheus|pebble|workload)", line)
    ]
    assert not ours, ours
