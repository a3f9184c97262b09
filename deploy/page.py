"""Asks pages from outside, as a client does."""

import http.client
import json
import ssl
import urllib.error
import urllib.request


class Wrong(Exception):
    """The page is not what it must be; the text says how."""


def check(url, known, certificate_authority=None, timeout=20):
    """Asks for a word's page and compares it with the expected counts, by corpus. Gives how many corpora it lists."""
    context = ssl.create_default_context(cafile=certificate_authority) if url.startswith("https:") else None
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    # No proxy: the host itself is asked.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=timeout) as response:
            page = json.loads(response.read(16 * 2**20))
    except urllib.error.HTTPError as error:
        raise Wrong(f"{url} answers {error.code}: {error.read(200).decode(errors='replace').strip()}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Wrong(f"{url}: {error or type(error).__name__}") from None
    try:
        got = {entry["corpus"]: entry["total_words"] for entry in page["counts"]}
    except (KeyError, TypeError):
        raise Wrong(f"{url} is not a word's page") from None
    wrong = [
        f"{corpus} has {got.get(corpus, 'nothing')} and not {count}"
        for corpus, count in known.items()
        if got.get(corpus) != count
    ]
    if wrong:
        raise Wrong(f"{url}: {', '.join(wrong)}")
    return len(got)
