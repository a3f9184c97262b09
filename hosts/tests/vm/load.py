"""Requests over many connections; each response is compared with the expected one. No request is sent twice."""

import http.client
import threading
from collections.abc import Callable
from typing import Self

Connect = Callable[[], http.client.HTTPConnection]


class Load:
    """`threads` clients request the paths in turn, each over its own connection, which it keeps, until `stop`."""

    def __init__(self, connect: Connect, expected: dict[str, str], threads: int = 8) -> None:
        self.connect = connect
        self.expected = expected  # path -> the text of its expected response
        self.good = 0
        self.failures: list[str] = []
        self.lock = threading.Lock()
        self.enough = threading.Event()
        self.clients = [threading.Thread(target=self.ask_until_stopped, args=(index,)) for index in range(threads)]

    def __enter__(self) -> Self:
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        for client in self.clients:
            client.join()

    def ask_until_stopped(self, index: int) -> None:
        paths = sorted(self.expected)
        connection: http.client.HTTPConnection | None = None
        turn = index
        while not self.enough.is_set():
            path = paths[turn % len(paths)]
            turn += 1
            try:
                connection = connection or self.connect()
                connection.request("GET", path, headers={"Accept": "text/plain"})
                response = connection.getresponse()
                body = response.read().decode(errors="replace")
                fault = None
                if response.status != 200 or body != self.expected[path]:
                    fault = f"{path}: {response.status} {body[:80]!r}"
                if response.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                fault = f"{path}: {error!r}"
                connection = None
            with self.lock:
                if fault is None:
                    self.good += 1
                else:
                    self.failures.append(fault)

    def reached(self, count: int) -> bool:
        with self.lock:
            return self.good + len(self.failures) >= count
