"""Starts nginx with somebody else's configuration and ours in it, before real instances: nginx.py CONFIGURATION SCRATCH

Then breaks the configuration in each way that has been a fault of ours, or is near one, and sees it found.
"""

import contextlib
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time

SITE, WORDS_HOST = "www.example.test", "words.example.test"
WORDS = {"the": "the", "love": "love", "romeo": "Romeo", "tis": "'Tis"}
START = 30


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


PLAIN, TLS, INTERNAL, APP = free_ports(4)


def moved(text, scratch, instances):
    """The configuration with places that this build may use; nothing else of it is changed."""
    for old, new in [
        (r"listen \[::0\]:.*", ""),
        (r"listen 0\.0\.0\.0:80 ", f"listen 127.0.0.1:{PLAIN} "),
        (r"listen 0\.0\.0\.0:443 ", f"listen 127.0.0.1:{TLS} "),
        (r"127\.0\.0\.1:9180 ", f"127.0.0.1:{INTERNAL} "),
        (r"127\.0\.0\.1:8090\b", f"127.0.0.1:{APP}"),
        (r"(ssl_(?:trusted_)?certificate) [^;]*", rf"\1 {scratch}/certificate.pem"),
        (r"ssl_certificate_key [^;]*", f"ssl_certificate_key {scratch}/key.pem"),
        (r"/var/lib/acme/acme-challenge\b", f"{scratch}/challenges"),
        (r"/var/cache/nginx/", f"{scratch}/"),
        (r"(?m)^\s*pid .*", f"pid {scratch}/pid;"),
    ]:
        text, count = re.subn(old, new, text)
        assert count, f"the configuration has no {old}"
    for name, address in instances.items():
        text, count = re.subn(
            rf"(upstream wordtally-{name} {{[^}}]*}})",
            lambda upstream, address=address: re.sub(r"server \S+ ", f"server {address} ", upstream[1]),
            text,
        )
        assert count == 1, name
    # Where Nix builds as root, nginx's workers would be somebody who may not enter the build's folder.
    return "user root;\n" + text if os.geteuid() == 0 else text


def ask(port, host, path, tls=None, headers=None):
    """Status, header fields and text."""
    if tls:
        connection = http.client.HTTPSConnection(host, port, timeout=20, context=tls)
        connection._create_connection = lambda _, *rest: socket.create_connection(("127.0.0.1", port), *rest)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host, "Accept": "text/plain"} | (headers or {}))
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def faults(scratch):
    """What the running nginx answers otherwise than it should."""
    found = []
    tls = ssl.create_default_context(cafile=scratch / "certificate.pem")

    def expect(what, got, wanted):
        if got != wanted:
            found.append(f"{what}: {got}")

    for name in WORDS:
        status, headers, _ = ask(TLS, WORDS_HOST, f"/{name}/", tls, {"Accept-Encoding": "gzip"})
        expect(f"/{name}/", status, 200)
        expect(f"the coding of /{name}/", headers["Content-Encoding"], None)
        expect(f"the Server of /{name}/", headers["Server"], "nginx")
        expect(f"the internal /{name}/metrics", ask(INTERNAL, "internal", f"/{name}/metrics")[0], 200)
    expect("what is cached", list((scratch / "site").glob("*")), [])
    challenge = ask(PLAIN, WORDS_HOST, "/.well-known/acme-challenge/tried")
    expect("the challenge", (challenge[0], challenge[2]), (200, b"proof\n"))
    status, headers, _ = ask(PLAIN, WORDS_HOST, "/the/")
    expect("the redirect", (status, headers["Location"]), (301, f"https://{WORDS_HOST}/the/"))

    for host in (SITE, "127.0.0.1", "nobody.example.test"):
        status, headers, _ = ask(PLAIN, host, "/page")
        expect(f"{host} on port 80", (status, headers["Location"]), (301, f"https://{host}/page"))
    status, _, text = ask(TLS, SITE, "/", tls)
    expect("the owner's site", (status, text), (200, b"the owner's site\n"))
    status, _, text = ask(TLS, SITE, "/app/", tls)
    expect("the owner's application", (status, text), (200, f"https://{SITE}\n".encode()))
    return found


def tried(text, scratch):
    """What is wrong with a configuration, in nginx's own words if it does not take it."""
    configuration = scratch / "nginx.conf"
    configuration.write_text(text)
    command = ["nginx", "-e", "stderr", "-c", str(configuration)]
    test = subprocess.run([*command, "-t"], capture_output=True, text=True)
    # What it only warns of, it may leave out.
    if test.returncode or "[warn]" in test.stderr:
        return [test.stderr]
    shutil.rmtree(scratch / "site", ignore_errors=True)
    with (scratch / "nginx.log").open("w") as log:
        nginx = subprocess.Popen(command, stderr=log)
    try:
        wait(PLAIN)
        return faults(scratch)
    finally:
        nginx.terminate()
        nginx.wait()


def wait(port):
    end = time.monotonic() + START
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@contextlib.contextmanager
def demo():
    """The address of each word's instance."""
    flags = [f"--word={word}" for word in WORDS.values()]
    process = subprocess.Popen(
        ["wordtally", "demo", "--listen", "127.0.0.1:0", *flags], stdout=subprocess.PIPE, text=True
    )
    try:
        found = {}
        for line in process.stdout:
            if match := re.fullmatch(r"  http://([^/]+)/  (.+)\n", line):
                found[match[2]] = match[1]
            if line.startswith("All of them"):
                break
        yield {name: found[word] for name, word in WORDS.items()}
    finally:
        process.terminate()
        process.wait()


def prepare(scratch):
    """A certificate for both names, and the answer to a challenge."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    names = ["-subj", "/CN=test", "-addext", f"subjectAltName=DNS:{SITE},DNS:{WORDS_HOST}"]
    files = ["-keyout", str(scratch / "key.pem"), "-out", str(scratch / "certificate.pem")]
    subprocess.run(["openssl", "req", "-x509", *curve, *names, *files], check=True, stderr=subprocess.DEVNULL)
    challenge = scratch / "challenges/.well-known/acme-challenge/tried"
    challenge.parent.mkdir(parents=True)
    challenge.write_text("proof\n")


def replaced(old, new, text, every=False):
    changed, count = re.subn(old, new, text, count=0 if every else 1)
    assert count, f"nothing to break: {old}"
    return changed


def server(name, tls):
    """The words' server of a port, up to its own lines."""
    port = f"{TLS} ssl" if tls else PLAIN
    return rf"(listen 127\.0\.0\.1:{port} ;\s*server_name {re.escape(name)} ;)"


def planted():
    """Each fault: what it looks like, and how the configuration gets it."""
    headers = r"(proxy_set_header Host words\.example\.test;)"
    location = r"location \^~ /\.well-known/acme-challenge/ \{[^}]*\}"
    return {
        "/the/: 400": lambda text: replaced(headers, r"\1 proxy_set_header Host $host;", text, every=True),
        "a duplicate default server": lambda text: replaced(
            server(WORDS_HOST, True), lambda found: found[1].replace(" ;", " default_server ;", 1), text
        ),
        '"worker_processes" directive is duplicate': lambda text: text + "\nworker_processes auto;",
        '"worker_connections" directive is duplicate': lambda text: replaced(
            r"events \{", "events { worker_connections 8192;", text
        ),
        '"proxy_temp_path" directive is duplicate': lambda text: replaced(r"(proxy_temp_path [^;]*;)", r"\1 \1", text),
        "the challenge: (301": lambda text: replaced(server(WORDS_HOST, False) + r"([^§]*?)" + location, r"\1\2", text),
        "the coding of /the/: gzip": lambda text: replaced(r"gzip off;", "", text, every=True),
        "what is cached: [": lambda text: replaced(r"proxy_cache off;", "", text, every=True),
        "the Server of /the/: nginx/": lambda text: replaced(
            r"server_tokens off;", "", text.replace("server_tokens on;", ""), every=True
        ),
        "the owner's application": lambda text: replaced(
            r"(location /app/ \{[^}]*?)include [^;]*;", r"\1proxy_set_header Host words;", text
        ),
    }


def main():
    text, scratch = pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2]).resolve()
    prepare(scratch)
    with demo() as instances:
        text = moved(text, scratch, instances)
        if found := tried(text, scratch):
            sys.exit("\n".join(["somebody else's machine is not served:", *found]))
        faults_planted = planted()
        for fault, change in faults_planted.items():
            found = tried(change(text), scratch)
            if not any(fault in line for line in found):
                sys.exit(f"a planted fault is not found: {fault}; instead: {found}")
    print(f"{len(WORDS)} words beside the owner's site, {len(faults_planted)} planted faults found")


main()
