"""Mock production as a client reaches it: over TLS, through the reverse proxy."""

import http.client
import ssl

from given import CERTIFICATE, WORDS

PORT = 8443
TLS = ssl.create_default_context(cafile=CERTIFICATE)


def connect() -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("localhost", PORT, timeout=60, context=TLS)


def ask(path: str, accept: str = "text/plain") -> tuple[int, str]:
    connection = connect()
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def answers(path: str) -> bool:
    try:
        return ask(path)[0] == 200
    except OSError:
        return False


def pages() -> dict[str, str]:
    """Each path with its present response, which every request of a load must get."""
    return {f"/{name}/": ask(f"/{name}/")[1] for name in WORDS}
