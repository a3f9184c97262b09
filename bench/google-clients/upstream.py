"""A faulty Google on a socket: a token server and BigQuery in one, which follow a script and record the requests."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# The size at which an endless body is cut off, so that no client fills the machine.
ENDLESS = 256_000_000


@dataclass
class Request:
    """A request; `nth` counts the earlier ones to the same kind of server."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    nth: int

    def is_for_token(self) -> bool:
        return self.path.startswith(("/token", "/computeMetadata"))


@dataclass
class Reply:
    """A response. A body that is an iterator is sent in chunks, until it ends or the client disconnects."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0


class Hang:
    """No response, on an open connection."""


class Close:
    """The end of the connection."""


class HangInBody:
    """The head of a response, the beginning of its body, and nothing more."""


Script = Callable[[Request], "Reply | Hang | Close | HangInBody"]


def endless() -> Iterator[bytes]:
    yield b'{"a": "'
    chunk = b"x" * 1_000_000
    for _ in range(ENDLESS // len(chunk)):
        yield chunk
    yield b'"}'


class Upstream:
    """Serves until its block ends; with a certificate, over TLS."""

    def __init__(self, script: Script, certificate: Path | None = None) -> None:
        self.seen: list[Request] = []
        self._script, self._lock, self._ended = script, threading.Lock(), threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def tokens(self) -> list[Request]:
        return [request for request in self.seen if request.is_for_token()]

    def queries(self) -> list[Request]:
        return [request for request in self.seen if not request.is_for_token()]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                upstream._answer(self)

            do_POST = do_GET

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        length = int(handler.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(handler.command, handler.path, headers, handler.rfile.read(length), 0)
        with self._lock:
            request.nth = sum(other.is_for_token() == request.is_for_token() for other in self.seen)
            self.seen.append(request)
        reply = self._script(request)
        try:
            self._send(handler, reply)
        except OSError:
            pass  # The client disconnected.

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply | Hang | Close | HangInBody) -> None:
        if isinstance(reply, Close):
            return
        if isinstance(reply, Hang):
            self._ended.wait()
            return
        if isinstance(reply, HangInBody):
            handler.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"access')
            self._ended.wait()
            return
        time.sleep(reply.after)
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("connection", "close")
        if isinstance(reply.body, Iterator):
            handler.send_header("transfer-encoding", "chunked")
            handler.end_headers()
            for part in reply.body:
                handler.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            handler.wfile.write(b"0\r\n\r\n")
            return
        html = isinstance(reply.body, str)
        body = reply.body.encode() if html else json.dumps(reply.body).encode()
        handler.send_header("content-type", "text/html" if html else "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
