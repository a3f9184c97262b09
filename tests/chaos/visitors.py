"""Clients: some check every response, the others misbehave."""

import gzip
import random
import re
import socket
import struct
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable

from versions import FORMATS, Asked, Truth, Wrong

# The allowed statuses for an invalid request, and for a valid one while another head is awaited.
REFUSED = {400, 404, 405, 406, 413, 414, 431, 503}
Fields = dict[str, str]


class Closed(Exception):
    """No byte came: the connection was refused, or was idle for too long."""


class Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.received = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, request: bytes) -> None:
        try:
            self.socket.sendall(request)
        except OSError as error:
            raise Closed from error

    def half_close(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Closed from error

    def more(self, begun: bool, pause: float = 0) -> None:
        try:
            part = self.socket.recv(512 if pause else 65536)
        except OSError as error:
            if begun or isinstance(error, TimeoutError):
                raise Wrong(f"no whole answer: {error!r}, after {self.received[:200]!r}") from error
            raise Closed from error
        if not part:
            if begun:
                raise Wrong(f"cut after {len(self.received)} bytes")
            raise Closed
        self.received += part
        time.sleep(pause)

    def response(self, with_body: bool = True, pause: float = 0) -> tuple[int, Fields, bytes]:
        while b"\r\n\r\n" not in self.received:
            self.more(bool(self.received), pause)
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        found = re.fullmatch(r"HTTP/1\.[01] (\d{3}) .*", first)
        if not found:
            raise Wrong(f"a head that begins with {first!r}")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(found[1])
        length = int(fields.get("content-length", 0)) if with_body and status != 304 else 0
        while len(self.received) < length:
            self.more(True, pause)
        body, self.received = self.received[:length], self.received[length:]
        return status, fields, body


def get(path: str, fields: Fields | None = None, method: str = "GET") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: chaos",
        *(f"{name}: {value}" for name, value in (fields or {}).items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Visitors:
    """Threads of clients, until they are told to stop."""

    def __init__(self, port: int, truth: Truth, seed: int) -> None:
        self.port, self.truth, self.seed = port, truth, seed
        self.stop = threading.Event()
        # Ends the clients that hold connections, to check that the others are served.
        self.calm = threading.Event()
        self.count: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        acts: list[tuple[Callable[[random.Random], None], int, bool]] = [
            (self.checks, 4, False),
            (self.reads_slowly, 2, False),
            (self.holds, 2, True),
            (self.half_heads, 2, True),
            (self.resets, 1, True),
            (self.floods, 1, True),
            (self.sends_anything, 2, True),
        ]
        for act, how_many, bad in acts:
            for number in range(how_many):
                chance = random.Random(f"{self.seed} {act.__name__} {number}")
                self.threads.append(threading.Thread(target=self.run, args=[act, chance, bad], daemon=True))
        for thread in self.threads:
            thread.start()

    def join(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def run(self, act: Callable[[random.Random], None], chance: random.Random, bad: bool) -> None:
        while not self.stop.is_set():
            if bad and self.calm.is_set():
                time.sleep(0.2)
                continue
            try:
                act(chance)
            except (Closed, ConnectionError):
                self.count["connections closed before an answer"] += 1
                time.sleep(0.05)
            except Wrong as wrong:
                self.wrong.append(f"{act.__name__}: {str(wrong)[:400]}")
            except OSError as error:
                self.count[f"{act.__name__}: {error}"] += 1
                time.sleep(0.05)
            except Exception:
                self.wrong.append(f"{act.__name__}: {traceback.format_exc()}")

    def checks(self, chance: random.Random) -> None:
        """A good client: one connection, all kinds of requests, every response checked."""
        with Connection(self.port) as connection:
            for _ in range(chance.randint(1, 50)):
                if self.stop.is_set():
                    return
                self.one(connection, chance)
                time.sleep(chance.choice([0, 0, 0.01, 0.1]))

    def one(self, connection: Connection, chance: random.Random) -> None:
        what = chance.random()
        if what < 0.1:
            self.probe(connection, chance.choice(["/livez", "/healthz", "/readyz", "/metrics"]))
        elif what < 0.2:
            self.several(connection, chance)
        else:
            fields = self.wishes(chance)
            method = "HEAD" if what > 0.95 else "GET"
            asked = self.truth.ask()
            connection.send(get(chance.choice(["/", "/?utm=x"]), fields, method))
            status, got, body = connection.response(method == "GET")
            self.judge(fields, status, got, body, asked, method)
            if status == 200 and what < 0.4:
                fields["If-None-Match"] = chance.choice([got["etag"], f'"x", W/{got["etag"]}', '"x"'])
                asked = self.truth.ask()
                connection.send(get("/", fields))
                self.judge(fields, *connection.response(), asked, "GET")

    def several(self, connection: Connection, chance: random.Random) -> None:
        wishes = [self.wishes(chance) for _ in range(chance.randint(2, 8))]
        asked = self.truth.ask()
        connection.send(b"".join(get("/", fields) for fields in wishes))
        for fields in wishes:
            self.judge(fields, *connection.response(), asked, "GET")

    def wishes(self, chance: random.Random) -> Fields:
        fields = {"Accept": chance.choice([*FORMATS, "*/*", "text/*;q=0.5, application/json", "image/png"])}
        if chance.random() < 0.5:
            fields["Accept-Encoding"] = chance.choice(["gzip", "gzip, br;q=0.9", "br", "*", "gzip;q=0", "identity"])
        return fields

    def judge(self, asked_for: Fields, status: int, fields: Fields, body: bytes, asked: Asked, method: str) -> None:
        self.count[f"{status}"] += 1
        accept = asked_for["Accept"]
        if status == 503:
            if not int(fields.get("retry-after", "0")) > 0:
                raise Wrong("503 without Retry-After")
            return self.truth.no_answer(asked)
        if accept == "image/png":
            if status != 406:
                raise Wrong(f"{status} for what only takes image/png")
            return None
        if status == 304:
            if fields["etag"] not in asked_for.get("If-None-Match", ""):
                raise Wrong(f"304 for {asked_for} with the tag {fields['etag']}")
            return None
        if status != 200:
            raise Wrong(f"{status} for {asked_for}")
        if asked_for.get("If-None-Match", "").endswith(fields["etag"]):
            raise Wrong(f"200 for {asked_for}, which has it already")
        coding = fields.get("content-encoding")
        taken = asked_for.get("Accept-Encoding", "")
        if coding and (coding != "gzip" or not ("gzip" in taken or "*" in taken) or "gzip;q=0" in taken):
            raise Wrong(f"{coding} for {asked_for}")
        if method == "HEAD":
            return None
        if coding:
            self.count["in gzip"] += 1
            body = gzip.decompress(body)
        media_type = accept if accept in FORMATS else "text/html"
        if accept.startswith("text/*"):
            media_type = "application/json"
        self.truth.page(media_type, fields, body, asked)
        self.count["pages checked"] += 1
        return None

    def probe(self, connection: Connection, path: str) -> None:
        asked = self.truth.ask()
        connection.send(get(path))
        status, _, body = connection.response()
        self.count["probes"] += 1
        if path in ("/livez", "/healthz") and (status, body) != (200, b"ok\n"):
            raise Wrong(f"{path}: {status} {body!r}")
        if path == "/readyz":
            if status == 503:
                self.truth.no_answer(asked)
            elif status != 200:
                raise Wrong(f"{path}: {status}")
        if path == "/metrics" and not (status == 200 and body.endswith(b"# EOF\n")):
            raise Wrong(f"{path}: {status} {body[-100:]!r}")

    def reads_slowly(self, chance: random.Random) -> None:
        """Reads slowly, but not more slowly than allowed, and gets everything."""
        with Connection(self.port) as connection:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            asked = self.truth.ask()
            fields = {"Accept": chance.choice(list(FORMATS))}
            connection.send(get("/", fields))
            self.judge(fields, *connection.response(pause=0.1), asked, "GET")
            self.count["slow readers"] += 1

    def crowd(self, chance: random.Random, first: Callable[[Connection], None]) -> None:
        held = []
        try:
            for _ in range(chance.randint(10, 300)):
                held.append(Connection(self.port))
                first(held[-1])
        except (Closed, OSError):
            pass
        self.count["connections held"] += len(held)
        until = time.time() + chance.uniform(1, 15)
        while time.time() < until and not self.stop.is_set() and not self.calm.is_set():
            time.sleep(0.1)
        for connection in held:
            connection.socket.close()

    def holds(self, chance: random.Random) -> None:
        """Sends requests, and does not read."""
        ask = get("/", {"X-Padding": "x" * chance.choice([10, 8000])})

        def first(connection: Connection) -> None:
            connection.socket.setblocking(False)
            try:
                for _ in range(100):
                    connection.socket.send(ask)
            except BlockingIOError:
                pass

        self.crowd(chance, first)

    def half_heads(self, chance: random.Random) -> None:
        half = get("/", {"X-Padding": "x" * chance.choice([10, 15_000])})[:-2]
        self.crowd(chance, lambda connection: connection.send(half))

    def resets(self, chance: random.Random) -> None:
        with Connection(self.port) as connection:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.send(get("/") * chance.randint(0, 20))
            time.sleep(chance.choice([0, 0.001, 0.01]))
        self.count["resets"] += 1

    def floods(self, chance: random.Random) -> None:
        """Sends hundreds of requests at once, and reads all responses, which must be complete, correct and in order."""
        wishes = {"Accept": chance.choice(list(FORMATS))}
        how_many = chance.randint(50, 300)
        with Connection(self.port) as connection:
            asked = self.truth.ask()
            request = get("/", wishes)
            sender = threading.Thread(target=self.send_all, args=[connection, request * how_many], daemon=True)
            sender.start()
            for _ in range(how_many):
                self.judge(wishes, *connection.response(), asked, "GET")
            sender.join()
        self.count["floods"] += 1
        time.sleep(chance.uniform(0, 1))

    def send_all(self, connection: Connection, requests: bytes) -> None:
        try:
            connection.socket.sendall(requests)
        except OSError:
            pass

    def sends_anything(self, chance: random.Random) -> None:
        """Sends invalid requests, or valid ones that are not served here."""
        request = chance.choice(
            [
                chance.randbytes(chance.randint(1, 3000)),
                get("/", method="POST"),
                get("/", {"Content-Length": "5"}) + b"hello",
                get("/", {"Transfer-Encoding": "chunked"}) + b"5\r\nhello\r\n0\r\n\r\n",
                get("/" + "x" * 2000),
                get("/nothing"),
                get("/", {f"X-{number}": "x" for number in range(100)}),
                get("/", {"X-Padding": "x" * 20_000}),
                get("/", {"Accept": ", ".join(["a/b;q=0.1"] * 1000)}),
                b"GET / HTTP/1.1\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                get("/")[: chance.randint(1, 20)],
            ]
        )
        with Connection(self.port) as connection:
            self.count["bad requests"] += 1
            connection.send(request)
            if chance.random() < 0.5:
                connection.half_close()
            try:
                status, _, _ = connection.response()
            except Closed:
                return
            if status not in REFUSED:
                raise Wrong(f"{status} for {request[:200]!r}")
