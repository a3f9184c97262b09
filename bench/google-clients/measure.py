#!/usr/bin/env python3
"""Measures three BigQuery clients beside each other, runs the same faults on each, and writes results.md.

    python3 bench/google-clients/measure.py --standin FILE

FILE is wordtally with the stand-in: result/bin/wordtally of `nix build .#bigquery-standin`, or the program that
`cargo build --release` builds. Needs cargo and openssl.
"""

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import faults
from faults import LIBRARY_FAULTS, OTHER_FAULTS, Fault, always, answer, google, granted
from upstream import Reply, Request, Upstream

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))
from peers import StandIn  # noqa: E402

CLIENTS = {
    "pair": "gcp-bigquery-client, yup-oauth2",
    "v2": "google-cloud-bigquery-v2, google-cloud-auth",
    "bigquery": "google-cloud-bigquery, google-cloud-auth",
}
FLAGS = os.environ | {"RUSTFLAGS": "-C target-feature=+crt-static"}


def host() -> str:
    told = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    return told.split("host: ")[1].split()[0]


@dataclass
class Client:
    """One client's program, and the cost of its build."""

    name: str
    program: Path
    cpu_seconds: float
    linked: int
    built: int

    def run(self, *arguments: object, **environment: str) -> tuple[list[str], dict[str, int]]:
        """The outcome of each query, and the figures."""
        clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            [str(part) for part in (self.program, *arguments)],
            env=clean | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode != 0:
            return [f"does not start: {done.stderr.strip().splitlines()[-1]}"], {}
        *came, figures = done.stdout.splitlines()
        return came, json.loads(figures)


def crates(feature: str, edges: str) -> int:
    command = ["cargo", "tree", "--locked", "--features", feature, "--edges", edges, "--prefix", "none"]
    told = subprocess.run(
        [*command, "--target", host()], cwd=HERE, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    # Without the program itself, and each crate once.
    return len({line.removesuffix(" (*)") for line in told if line}) - 1


def build(name: str, folder: Path, keep: bool) -> Client:
    """Builds a program from scratch, linked as the flake links the service."""
    target, noted = folder / name, folder / f"{name}.json"
    program = target / host() / "release" / name
    if not (keep and noted.exists() and program.exists()):
        shutil.rmtree(target, ignore_errors=True)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            ["cargo", "build", "--release", "--locked", "--target", host(), "--features", name, "--bin", name],
            cwd=HERE,
            env=FLAGS | {"CARGO_TARGET_DIR": str(target)},
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        noted.write_text(json.dumps(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return Client(
        name,
        program,
        json.loads(noted.read_text()),
        crates(name, "normal,no-proc-macro"),
        crates(name, "normal,build"),
    )


class Credentials:
    """The files with which each client gets a token: the pair cannot ask any address except Google's for a user's
    token, and google-cloud-auth requests no token for a service account."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        key = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        self._key = subprocess.run(key, check=True, capture_output=True, text=True).stdout

    def of(self, client: Client, token_uri: str) -> Path:
        account = {
            "type": "service_account",
            "project_id": "bench",
            "private_key_id": "1",
            "private_key": self._key,
            "client_email": "bench@bench.iam.gserviceaccount.com",
            "token_uri": token_uri,
        }
        person = {
            "type": "authorized_user",
            "client_id": "the-client",
            "client_secret": "secret-client",
            "refresh_token": "secret-refresh",
            "token_uri": token_uri,
        }
        file = self._folder / f"{client.name}-credential.json"
        file.write_text(json.dumps(account if client.name == "pair" else person))
        return file


def shortly(came: list[str]) -> str:
    """Equal outcomes once, with their count."""
    counted: list[tuple[str, int]] = []
    for outcome in came:
        text = "1 row" + outcome[6:] if outcome.startswith("1 rows") else outcome
        text = text if len(text) <= 80 else text[:79] + "…"
        if counted and counted[-1][0] == text:
            counted[-1] = (text, counted[-1][1] + 1)
        else:
            counted.append((text, 1))
    return "; ".join(f"{number} × {text}" if number > 1 else text for text, number in counted)


def meet(fault: Fault, client: Client, credentials: Credentials) -> str:
    with Upstream(fault.script) as upstream:
        file = credentials.of(client, fault.token_uri or f"{upstream.url}/token")
        mode = ["together"] if fault.together else []
        came, figures = client.run(upstream.url, file, fault.asks, fault.seconds, *mode)
        told = shortly(came)
        if fault.told:
            told += f" ({fault.told(upstream)})"
        if fault.memory and figures:
            told += f" (peak {figures['peak_kb'] / 1000:,.0f} MB)"
    return told


def secrets(seen: list[Request]) -> str:
    if not seen:
        return "nothing"
    found = ["the access token" for request in seen if "secret-token" in request.headers.get("authorization", "")]
    found += ["the refresh token" for request in seen if b"secret-refresh" in request.body]
    found += ["the signed assertion" for request in seen if b"assertion=" in request.body]
    found += ["the query" for request in seen if b"word_count" in request.body]
    return "a request with " + (" and ".join(dict.fromkeys(found)) or "no secret")


def redirected(client: Client, credentials: Credentials, of_token: bool) -> str:
    """A redirect to another server: what that server receives."""
    with Upstream(google()) as other:
        away = always(Reply({}, 307, {"location": f"{other.url}/token" if of_token else f"{other.url}/queries"}))
        with Upstream(google(token=away) if of_token else google(query=away)) as upstream:
            came, _ = client.run(upstream.url, credentials.of(client, f"{upstream.url}/token"), 1, 5)
        return f"{shortly(came)}; the other server got {secrets(other.seen)}"


def same_server(client: Client, credentials: Credentials) -> str:
    """A redirect within the server: whether the token is sent again."""

    def script(request: Request) -> Reply:
        return Reply(answer()) if request.path == "/other" else Reply({}, 307, {"location": "/other"})

    with Upstream(google(query=script)) as upstream:
        came, _ = client.run(upstream.url, credentials.of(client, f"{upstream.url}/token"), 1, 5)
        followed = [request for request in upstream.queries() if request.path == "/other"]
        return f"{shortly(came)}; the other path got {secrets(followed)}"


def proxied(client: Client, credentials: Credentials) -> str:
    """A proxy that an environment variable names: what it receives."""
    with Upstream(lambda request: Reply(granted() if "token" in request.path else answer())) as proxy:
        with Upstream(google()) as upstream:
            file = credentials.of(client, f"{upstream.url}/token")
            came, _ = client.run(upstream.url, file, 1, 5, HTTP_PROXY=proxy.url, http_proxy=proxy.url)
        return f"{shortly(came)}; the proxy got {secrets(proxy.seen)}"


def authority(folder: Path) -> tuple[Path, Path]:
    """A certificate authority of our own, and a server's certificate with its key."""
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    ca, key, server, leaf = (folder / name for name in ("ca.pem", "ca.key", "server.pem", "leaf.pem"))
    subprocess.run([*request, "-subj", "/CN=Bench CA", "-keyout", key, "-out", ca], check=True, capture_output=True)
    extensions = ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
    issued = ["-subj", "/CN=localhost", *extensions, "-CA", str(ca), "-CAkey", str(key)]
    files = ["-keyout", str(server), "-out", str(leaf)]
    subprocess.run([*request, *issued, *files], check=True, capture_output=True)
    with server.open("ab") as file:
        file.write(leaf.read_bytes())
    return ca, server


def private_authority(client: Client, credentials: Credentials, folder: Path) -> str:
    ca, certificate = authority(folder)
    told = []
    for named in ({}, {"SSL_CERT_FILE": str(ca)}):
        with Upstream(google(), certificate) as upstream:
            came, _ = client.run(upstream.url, credentials.of(client, f"{upstream.url}/token"), 1, 5, **named)
            told.append(f"{'in SSL_CERT_FILE' if named else 'unknown'}: {shortly(came)}")
    return "; ".join(told)


def self_signed(client: Client, credentials: Credentials, pair: Client) -> str:
    """A service account's key: which server is asked for a token."""
    with Upstream(google()) as upstream:
        came, _ = client.run(upstream.url, credentials.of(pair, f"{upstream.url}/token"), 1, 5)
        return f"{shortly(came)} ({faults.tokens(upstream)})"


def performance(clients: list[Client], standin: StandIn, rounds: int, asks: int) -> dict[str, dict[str, float]]:
    """Every client queries the stand-in in every round; a different one goes first each time."""
    samples: dict[str, list[dict[str, int]]] = {client.name: [] for client in clients}
    answers: set[str] = set()
    for number in range(rounds):
        turn = number % len(clients)
        for client in clients[turn:] + clients[:turn]:
            source = standin.key if client.name == "pair" else "metadata"
            came, figures = client.run(standin.url, source, asks, 30, GCE_METADATA_HOST=f"127.0.0.1:{standin.port}")
            answers.add(shortly(came))
            if len(answers) > 1 or "error" in shortly(came):
                raise ValueError(f"{client.name}: {answers}")
            samples[client.name].append(figures)
    own = samples["pair"]
    return {
        name: {
            "rss": statistics.median(sample["rss_kb"] for sample in found) / 1000,
            "peak": statistics.median(sample["peak_kb"] for sample in found) / 1000,
            "cpu": statistics.median(sample["cpu_us"] for sample in found) / asks,
            "time": statistics.median(sample["median_us"] for sample in found) / 1000,
            "time_ratio": statistics.median(a["median_us"] / b["median_us"] for a, b in zip(found, own, strict=True)),
            "cpu_ratio": statistics.median(a["cpu_us"] / b["cpu_us"] for a, b in zip(found, own, strict=True)),
        }
        for name, found in samples.items()
    }


def figures(clients: list[Client], measured: dict[str, dict[str, float]]) -> Iterator[list[str]]:
    yield ["", *CLIENTS.values()]
    yield ["release binary, MB", *(f"{client.program.stat().st_size / 1e6:.2f}" for client in clients)]
    yield ["crates linked", *(str(client.linked) for client in clients)]
    yield ["crates built", *(str(client.built) for client in clients)]
    yield ["CPU seconds of a build from nothing", *(f"{client.cpu_seconds:.0f}" for client in clients)]
    for name, what in (("RSS after the first answer, MB", "rss"), ("peak RSS, MB", "peak")):
        yield [name, *(f"{measured[client.name][what]:.1f}" for client in clients)]
    yield ["CPU µs per answer", *(f"{measured[client.name]['cpu']:,.0f}" for client in clients)]
    yield ["— relative to the pair", *(f"{measured[client.name]['cpu_ratio']:.2f}" for client in clients)]
    yield ["median ms per answer", *(f"{measured[client.name]['time']:.2f}" for client in clients)]
    yield ["— relative to the pair", *(f"{measured[client.name]['time_ratio']:.2f}" for client in clients)]


def behaviour(clients: list[Client], folder: Path) -> Iterator[list[str]]:
    credentials = Credentials(folder)
    yield ["fault", *CLIENTS.values()]
    for fault in LIBRARY_FAULTS + OTHER_FAULTS:
        print(fault.name, flush=True)
        yield [fault.name, *(meet(fault, client, credentials) for client in clients)]
    yield ["BigQuery redirects to another server", *(redirected(c, credentials, False) for c in clients)]
    yield ["BigQuery redirects within itself", *(same_server(client, credentials) for client in clients)]
    yield ["the token server redirects to another", *(redirected(c, credentials, True) for c in clients)]
    yield ["HTTP_PROXY is set", *(proxied(client, credentials) for client in clients)]
    yield ["a private authority", *(private_authority(client, credentials, folder) for client in clients)]
    yield ["a service account's key", *(self_signed(client, credentials, clients[0]) for client in clients)]


def table(rows: Iterator[list[str]], column: str) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|---" + column * len(CLIENTS) + "|")
    return "\n".join(lines)


def versions() -> str:
    lock = (HERE / "Cargo.lock").read_text()
    wanted = (
        "gcp-bigquery-client",
        "yup-oauth2",
        "google-cloud-auth",
        "google-cloud-bigquery-v2",
        "google-cloud-bigquery",
    )
    found = [re.search(rf'^name = "{name}"\nversion = "(.+)"$', lock, re.M) for name in wanted]
    return ", ".join(f"{name} {match[1]}" for name, match in zip(wanted, found, strict=True) if match)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--standin", type=Path, required=True, help="the wordtally program with the stand-in")
    parser.add_argument(
        "--rounds", type=int, default=9, help="number of rounds in which each client is measured (default 9)"
    )
    parser.add_argument("--asks", type=int, default=100, help="number of queries in each round (default 100)")
    parser.add_argument(
        "--keep", action="store_true", help="keep the programs that an earlier run built, and their CPU times"
    )
    options = parser.parse_args()
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "google-clients"
    target.mkdir(parents=True, exist_ok=True)
    clients = [build(name, target, options.keep) for name in CLIENTS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with StandIn(options.standin.resolve(), folder) as standin:
            measured = performance(clients, standin, options.rounds, options.asks)
        told = table(figures(clients, measured), "|---:") + "\n\n" + table(behaviour(clients, folder), "|---")
    head = (
        f"# Three clients for BigQuery\n\nWritten by `bench/google-clients/measure.py`: {options.rounds} rounds of "
        f"{options.asks} answers, {time.strftime('%B %Y')}. {versions()}.\n"
    )
    (HERE / "results.md").write_text(f"{head}\n{told}\n")


if __name__ == "__main__":
    main()
