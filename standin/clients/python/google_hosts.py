"""Redirects Google's own hosts to the stand-in, for clients that use them whatever a credential file says.

A proxy (HTTPS_PROXY) accepts connections to a few hosts, presents a throwaway certificate for them
(REQUESTS_CA_BUNDLE), and forwards what it reads. It refuses all other hosts.
"""

import socket
import socketserver
import ssl
import subprocess
import threading
import urllib.parse
from pathlib import Path

HOSTS = ["oauth2.googleapis.com", "iamcredentials.googleapis.com", "sts.googleapis.com"]
TIMEOUT = 20


class GoogleHosts(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        address = urllib.parse.urlsplit(url)
        assert address.hostname and address.port
        self.onward = (address.hostname, address.port)
        self.asked: list[str] = []
        self.certificate, key = folder / "tls.crt", folder / "tls.key"
        names = ",".join(f"DNS:{host}" for host in HOSTS)
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "1",
                "-subj",
                f"/CN={HOSTS[0]}",
                "-addext",
                f"subjectAltName={names}",
                "-keyout",
                key,
                "-out",
                self.certificate,
            ],
            check=True,
            capture_output=True,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate, key)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def environment(self) -> dict[str, str]:
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{self.server_address[1]}",
            "REQUESTS_CA_BUNDLE": str(self.certificate),
        }


class Connection(socketserver.StreamRequestHandler):
    timeout = TIMEOUT
    server: GoogleHosts

    def handle(self) -> None:
        method, host, _ = self.rfile.readline(1000).decode().split()
        while self.rfile.readline(1000).strip():
            pass
        if method != "CONNECT" or host.removesuffix(":443") not in HOSTS:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        self.server.asked.append(host.removesuffix(":443"))
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with (
            self.server.tls.wrap_socket(self.connection, server_side=True) as client,
            socket.create_connection(self.server.onward, TIMEOUT) as standin,
        ):
            back = threading.Thread(target=copy, args=(standin, client), daemon=True)
            back.start()
            copy(client, standin)
            back.join(TIMEOUT)


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side disconnected; the other notices by itself
