"""A Prometheus with a host's own jobs and rules, the instances that it watches, and a reverse proxy in front of them."""

import contextlib
import json
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Self

# One word has no instance, so that an alert fires.
UNSERVED = "'Tis"
START = 30


class Watched(contextlib.ExitStack):
    def __init__(self, prometheus: Path, blackbox: Path, scratch: Path) -> None:
        super().__init__()
        self.config = json.loads(prometheus.read_text())
        self.blackbox = json.loads(blackbox.read_text())
        self.scratch = scratch.resolve()

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def start(self) -> None:
        internal, public, exporter, prometheus = free_ports(4)
        names = {
            target["labels"]["word"]: target["labels"]["instance"] for target in self.job("wordtally")["static_configs"]
        }
        words = [word for word in names if word != UNSERVED]
        assert len(words) == len(names) - 1 > 0, names

        self.instances = instances = self.demo(words)
        self.reverse_proxy(internal, public, {names[word]: url for word, url in instances.items()})

        self.blackbox["modules"]["page"]["http"]["tls_config"]["ca_file"] = str(self.scratch / "certificate.pem")
        self.run("blackbox_exporter", exporter, "--config.file", self.write("blackbox.yml", self.blackbox))

        # Only the addresses and the intervals differ from the host's.
        for target in self.job("wordtally")["static_configs"]:
            target["targets"] = [f"127.0.0.1:{internal}"]
        page = self.job("wordtally-page")
        for target in page["static_configs"]:
            [url] = target["targets"]
            target["targets"] = [f"https://localhost:{public}{urllib.parse.urlsplit(url).path}"]
        page["relabel_configs"][-1]["replacement"] = f"127.0.0.1:{exporter}"
        for job in self.config["scrape_configs"]:
            job["scrape_interval"] = "1s"
            job["scrape_timeout"] = "1s"
        self.config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        for number, file in enumerate(self.config["rule_files"]):
            rules = json.loads(Path(file).read_text())
            for group in rules["groups"]:
                group["interval"] = "1s"
            self.config["rule_files"][number] = self.write(f"rules-{number}.yml", rules)
        data = f"--storage.tsdb.path={self.scratch / 'data'}"
        self.run("prometheus", prometheus, "--config.file", self.write("prometheus.yml", self.config), data)
        self.url = f"http://127.0.0.1:{prometheus}"
        wait(f"{self.url}/-/ready")

    def job(self, name: str) -> dict[str, Any]:
        [found] = [job for job in self.config["scrape_configs"] if job["job_name"] == name]
        assert isinstance(found, dict)
        return found

    def write(self, name: str, value: object) -> str:
        path = self.scratch / name
        path.write_text(json.dumps(value))
        return str(path)

    def run(self, program: str, port: int, *arguments: str) -> None:
        self.process([program, f"--web.listen-address=127.0.0.1:{port}", *arguments], self.scratch / f"{program}.log")

    def process(self, command: list[str], log: Path | None = None) -> "subprocess.Popen[str]":
        """Starts a process, with its output in the file or as text to read."""
        output = self.enter_context(log.open("w")) if log else subprocess.PIPE
        errors = output if log else None
        process = subprocess.Popen(command, stdout=output, stderr=errors, text=True)
        self.callback(process.wait)
        self.callback(process.terminate)
        return process

    def demo(self, words: list[str]) -> dict[str, str]:
        """The address of each word's instance."""
        flags = [f"--word={word}" for word in words]
        demo = self.process(["wordtally", "demo", "--listen", "127.0.0.1:0", *flags])
        assert demo.stdout
        instances = {}
        for line in demo.stdout:
            if match := re.fullmatch(r"  (http://\S+)  (.+)\n", line):
                instances[match[2]] = match[1]
            if line.startswith("All of them"):
                break
        assert instances.keys() == set(words), instances
        return instances

    def reverse_proxy(self, internal: int, public: int, instances: dict[str, str]) -> None:
        key, certificate = self.scratch / "key.pem", self.scratch / "certificate.pem"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run(["openssl", "req", "-x509", *curve, *name, *files], check=True, stderr=subprocess.DEVNULL)
        routes = "".join(f"location /{name}/ {{ proxy_pass {url}; }}" for name, url in instances.items())
        temp = "".join(
            f"{kind}_temp_path {self.scratch}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        configuration = self.scratch / "nginx.conf"
        configuration.write_text(
            f"""
            daemon off; pid {self.scratch}/nginx.pid; events {{ }}
            http {{
              access_log off; {temp}
              server {{ listen 127.0.0.1:{internal}; {routes} }}
              server {{
                listen 127.0.0.1:{public} ssl;
                ssl_certificate {certificate}; ssl_certificate_key {key};
                {routes}
              }}
            }}
            """
        )
        self.process(["nginx", "-e", "stderr", "-c", str(configuration)], self.scratch / "nginx.log")

    def ask(self, path: str, **parameters: str | list[str]) -> tuple[Any, str | None]:
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as answer:
                return json.load(answer)["data"], None
        except urllib.error.HTTPError as error:
            return None, json.load(error)["error"]

    def query(self, expr: str) -> tuple[list[dict[str, Any]], str | None]:
        data, error = self.ask("query", query=expr)
        return (data["result"], None) if data else ([], error)

    def metrics(self) -> set[str]:
        return set(self.ask("label/__name__/values")[0])

    def labels(self, metrics: set[str]) -> set[str]:
        """The labels of any of the metrics."""
        return set(self.ask("labels", **{"match[]": sorted(metrics)})[0]) if metrics else set()

    def values(self, label: str, selector: str) -> list[str]:
        found: list[str] = self.ask(f"label/{label}/values", **{"match[]": selector})[0]
        return found


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


def wait(url: str) -> None:
    end = time.monotonic() + START
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
