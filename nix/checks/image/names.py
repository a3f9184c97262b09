"""The files with which the container resolves names, and a name server that knows one name."""

import socketserver
import struct
import threading
from pathlib import Path
from typing import Self

# NixOS's own line, in which modules that a static program cannot load come before those that it has.
NSSWITCH = "hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n"
SERVER = "127.0.0.153"
IN_HOSTS, IN_DNS, NOWHERE = "in-hosts.test", "in-dns.test", "nowhere.test"

ANSWERED, NO_SUCH_NAME = 0x8180, 0x8183  # flags of a response: recursion, and the response code
A = 1


class Answer(socketserver.BaseRequestHandler):
    """Responds with the IPv4 address of one name."""

    def handle(self) -> None:
        query, server = self.request
        end = query.index(0, 12) + 5  # the name ends with an empty label; its type and class follow
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += query[at] + 1
        (kind,) = struct.unpack(">H", query[end - 4 : end - 2])
        known = ".".join(labels).lower() == IN_DNS
        address = known and kind == A
        flags = ANSWERED if known else NO_SUCH_NAME
        reply = query[:2] + struct.pack(">5H", flags, 1, int(address), 0, 0) + query[12:end]
        if address:
            reply += b"\xc0\x0c" + struct.pack(">HHIH", A, 1, 1, 4) + bytes([127, 0, 0, 1])
        server.sendto(reply, self.client_address)


class NameServer:
    """Listens on the port for DNS, at an address of the loopback."""

    def __enter__(self) -> Self:
        self.server = socketserver.ThreadingUDPServer((SERVER, 53), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def files(folder: Path, nsswitch: str | None) -> dict[str, Path]:
    """The container's files for resolving names, by their paths in it."""
    written = {
        "/etc/hosts": f"127.0.0.1 {IN_HOSTS}\n",
        "/etc/resolv.conf": f"nameserver {SERVER}\noptions timeout:2 attempts:1\n",
        "/etc/nsswitch.conf": nsswitch,
    }
    found = {}
    for path, text in written.items():
        if text is not None:
            file = folder / path.rsplit("/", 1)[1]
            file.write_text(text)
            found[path] = file
    return found
