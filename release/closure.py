"""A name for all that a store path needs: docs/reference/release.md defines it, for who wants to compute it by hand."""

from common import Refused, run, sha256


def digest(path):
    """SHA-256 of the sorted lines "PATH HASH", by Nix's own books; the path must be in this store."""
    try:
        paths = run("nix-store", "--query", "--requisites", path).decode().split()
        hashes = run("nix-store", "--query", "--hash", *paths).decode().split()
    except Refused as refusal:
        raise Refused(f"{path} is not in this machine's store: {refusal}") from None
    lines = sorted(f"{path} {hash}\n" for path, hash in zip(paths, hashes, strict=True))
    return sha256("".join(lines).encode())
