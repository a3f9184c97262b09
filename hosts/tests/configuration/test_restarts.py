"""An instance that stops, starts or closes its connection during requests."""

import contextlib
import http.client
import pathlib
import socketserver
import threading
import time

from instance import Instance
from proxy import TLS, WORDS_HOST, Asker, Resolved, ask, moved, nginx, trusting, unlimited


def test_no_request_is_lost_through_restarts(generated: str, scratch: pathlib.Path, instances: dict[str, str]) -> None:
    (folder := scratch / "restarts").mkdir()
    held = Instance(folder)
    held.start_standin()
    held.start()
    text = unlimited(moved(generated, scratch, instances | {"the": held.address}))
    faults: list[str] = []
    good = [0] * 8
    enough = threading.Event()

    def client(number: int) -> None:
        # Every second client sends cacheable requests, and each uses one connection if it can.
        fields = [("Accept", "text/plain" if number % 2 else "text/plain;q=0.9")]
        with contextlib.closing(Resolved(WORDS_HOST, TLS, trusting(scratch))) as connection:
            asker = Asker(connection, "/the/")
            while not enough.is_set():
                try:
                    status, _, body = asker.ask(fields)
                except (OSError, http.client.HTTPException) as error:
                    faults.append(repr(error))
                    return
                if status != 200 or not body.startswith(b"| corpus"):
                    faults.append(f"{status} {body[:80]!r}")
                good[number] += 1

    try:
        with nginx(text, scratch):
            wait_for_page = ask(TLS, WORDS_HOST, "/the/", trusting(scratch))
            assert wait_for_page[0] == 200
            clients = [threading.Thread(target=client, args=(number,)) for number in range(len(good))]
            for each in clients:
                each.start()
            for _ in range(5):
                time.sleep(0.3)
                held.end()
                held.start()
            time.sleep(0.5)
            enough.set()
            for each in clients:
                each.join()
    finally:
        enough.set()
        held.close()
    assert not faults, faults[:5]
    assert min(good) > 20, good


class ClosesEverySecond(socketserver.StreamRequestHandler):
    """Closes every second connection during its request, like an instance that is killed."""

    def handle(self) -> None:
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        taken.append(self.client_address)
        if len(taken) % 2 == 0:
            # As an instance responds to `Connection: close`: nginx keeps a connection that neither side closes.
            fields = b"Content-Length: 3\r\nCache-Control: no-store\r\nConnection: close\r\n"
            self.wfile.write(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\nyes")


taken: list[object] = []


class Closing(socketserver.ThreadingTCPServer):
    daemon_threads = True


def test_a_request_whose_connection_closes_is_sent_once_more(
    generated: str, scratch: pathlib.Path, instances: dict[str, str]
) -> None:
    with Closing(("127.0.0.1", 0), ClosesEverySecond) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        text = unlimited(moved(generated, scratch, instances | {"the": address}))
        with nginx(text, scratch), contextlib.closing(Resolved(WORDS_HOST, TLS, trusting(scratch))) as connection:
            asker = Asker(connection, "/the/")
            for _ in range(20):
                assert asker.ask()[::2] == (200, b"yes")
        server.shutdown()
    assert len(taken) == 40
