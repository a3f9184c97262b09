"""Limits for one address, which HTTP/2 streams must not bypass."""

import collections
import contextlib
import pathlib
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator

import pytest
from proxy import TLS, WORDS_HOST, moved, nginx, trusting

# The defaults of the options.
CONNECTIONS, BURST = 32, 100
# HTTP/2's frame types, the flags of one, and a setting.
HEADERS, RST_STREAM, SETTINGS, GOAWAY = 1, 3, 4, 7
END_STREAM, END_HEADERS = 1, 4
MAX_CONCURRENT_STREAMS = 3


def curl(scratch: pathlib.Path, path: str, count: int, *flags: str) -> "subprocess.Popen[str]":
    """Sends `count` requests over one HTTP/2 connection, and prints the version and status of each response."""
    return subprocess.Popen(
        [
            *("curl", "--http2", "--silent", "--no-progress-meter", "--parallel", "--parallel-max", str(count), *flags),
            *("--cacert", str(scratch / "certificate.pem"), "--connect-to", f"{WORDS_HOST}:443:127.0.0.1:{TLS}"),
            *("--write-out", r"%{http_version} %{response_code}\n", "--output", "/dev/null"),
            f"https://{WORDS_HOST}{path}?[1-{count}]",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )


def answers(process: "subprocess.Popen[str]") -> collections.Counter[str]:
    return collections.Counter(process.communicate(timeout=30)[0].splitlines())


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of an instance that accepts requests and never responds."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_streams_are_counted_as_requests(generated: str, scratch: pathlib.Path, instances: dict[str, str]) -> None:
    with nginx(moved(generated, scratch, instances), scratch):
        begun = time.monotonic()
        # Below the limit of concurrent requests, so that only the rate is limited.
        found = answers(curl(scratch, "/the/", 400, "--parallel-max", str(CONNECTIONS // 2)))
        took = time.monotonic() - begun
    assert set(found) == {"2 200", "2 429"}, found
    assert BURST <= found["2 200"] <= BURST + 20 * took + 2, (found, took)


def test_streams_are_counted_as_connections(
    generated: str, scratch: pathlib.Path, instances: dict[str, str], silent: str
) -> None:
    with nginx(moved(generated, scratch, instances | {"the": silent}), scratch):
        found = answers(curl(scratch, "/the/", CONNECTIONS + 8, "--max-time", "2"))
    assert found == {"0 000": CONNECTIONS, "2 429": 8}


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def text(name: bytes, value: str) -> bytes:
    """A field whose name is in HPACK's table, with a literal value."""
    return name + bytes([len(value)]) + value.encode()


def read_frame(connection: ssl.SSLSocket) -> tuple[int, bytes]:
    with connection.makefile("rb", buffering=0) as file:

        def exactly(count: int) -> bytes:
            got = b""
            while len(got) < count:
                part = file.read(count - len(got))
                if not part:
                    raise EOFError
                got += part
            return got

        head = exactly(9)
        return head[3], exactly(int.from_bytes(head[:3], "big"))


def test_streams_that_are_reset_at_once_end_the_connection(
    generated: str, scratch: pathlib.Path, instances: dict[str, str]
) -> None:
    # With an `Accept` that is never cached.
    fields = b"\x82\x87" + text(b"\x04", "/the/") + text(b"\x01", WORDS_HOST) + text(b"\x0f\x04", "text/csv;q=1")
    tls = trusting(scratch)
    tls.set_alpn_protocols(["h2"])
    with nginx(moved(generated, scratch, instances), scratch):
        with tls.wrap_socket(
            socket.create_connection(("127.0.0.1", TLS), 10), server_hostname=WORDS_HOST
        ) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b""))
            kind, settings = read_frame(connection)
            assert kind == SETTINGS
            values = dict(struct.iter_unpack(">HI", settings))
            assert values[MAX_CONCURRENT_STREAMS] == CONNECTIONS
            with contextlib.suppress(OSError):
                for stream in range(1, 10_001, 2):
                    reset = frame(RST_STREAM, 0, stream, struct.pack(">I", 8))
                    connection.sendall(frame(HEADERS, END_STREAM | END_HEADERS, stream, fields) + reset)
            kinds = set()
            with contextlib.suppress(OSError, EOFError):
                while GOAWAY not in kinds:
                    kinds.add(read_frame(connection)[0])
    assert GOAWAY in kinds, kinds
