"""cosign with a pair of keys, and neither a transparency log nor a service of Sigstore's."""

import base64
import json
import os
import pathlib
import tempfile

from common import Refused, parsed, read, run

HERE = pathlib.Path(__file__).parent
# No service to sign with, and no authority to fetch.
SIGN = ["--yes", f"--signing-config={HERE / 'no-log.json'}", f"--trusted-root={HERE / 'no-authorities.json'}"]
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
PLACEHOLDER = "release/cosign.pub is a placeholder: make a key pair as docs/how-to/release-it.md says, or name a public key by --key"


def registry(insecure):
    return ["--allow-http-registry"] if insecure else []


class Signer:
    """The private key: a file, and its password by standard input."""

    def __init__(self):
        self.key = os.environ.get("COSIGN_KEY")
        if not self.key:
            raise Refused("$COSIGN_KEY names no file: docs/how-to/release-it.md says how to make the key pair")
        read(".", self.key)
        file = os.environ.get("COSIGN_PASSWORD_FILE")
        self.password = read(".", file).rstrip(b"\r\n") if file else b""

    def _run(self, verb, *arguments):
        return run("cosign", verb, f"--key={self.key}", *arguments, given=self.password)

    def public_key(self):
        return self._run("public-key")

    def bundle(self, statement):
        """Signs an in-toto statement; gives Sigstore's bundle."""
        with tempfile.TemporaryDirectory() as folder:
            file, bundle = pathlib.Path(folder, "statement"), pathlib.Path(folder, "bundle")
            file.write_bytes(statement)
            self._run("attest-blob", *SIGN, f"--statement={file}", f"--bundle={bundle}")
            return bundle.read_bytes()

    def image(self, image, insecure):
        self._run("sign", *SIGN, *registry(insecure), image)

    def attach(self, image, insecure, kind, predicate):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "predicate")
            file.write_bytes(predicate)
            self._run("attest", *SIGN, *registry(insecure), f"--type={kind}", f"--predicate={file}", image)


class Key:
    """A public key."""

    # There is no log to ask whether a signature is in it.
    NO_LOG = "--insecure-ignore-tlog"

    def __init__(self, file=None, content=None):
        self.name = str(file or HERE / "cosign.pub")
        content = content or read(".", self.name)
        if b"-----BEGIN PUBLIC KEY-----" not in content:
            raise Refused(f"{file} is no public key in PEM" if file else PLACEHOLDER)
        self.content = content

    def _verify(self, verb, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "key")
            file.write_bytes(self.content)
            return run("cosign", verb, f"--key={file}", self.NO_LOG, *arguments)

    def statement(self, bundle, name):
        """The statement in a bundle, as bytes, when this key signed it."""
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "bundle")
            file.write_bytes(bundle)
            try:
                # What the statement's subjects are is compared by the caller, each with a sentence of its own.
                self._verify(
                    "verify-blob-attestation", "--check-claims=false", "--type=slsaprovenance1", f"--bundle={file}"
                )
            except Refused as refusal:
                raise Refused(f"{name} is no provenance signed by {self.name}: {refusal}") from None
        return base64.b64decode(parsed(bundle, name)["dsseEnvelope"]["payload"])

    def image(self, image, insecure):
        """Whether the image itself is signed: cosign takes an attestation for a signature, too."""
        try:
            signatures = json.loads(self._verify("verify", "--output=json", *registry(insecure), image))
        except Refused as refusal:
            raise Refused(f"{image} is not signed by {self.name}: {refusal}") from None
        if not any(signature["critical"]["type"] == SIGNATURE for signature in signatures):
            raise Refused(f"{image} is not signed by {self.name}: it has attestations only")

    def attestations(self, image, insecure, kind):
        """The statements of a kind that this key signed for an image."""
        try:
            lines = self._verify("verify-attestation", f"--type={kind}", *registry(insecure), image).splitlines()
        except Refused as refusal:
            raise Refused(f"{image} has no {kind} attestation signed by {self.name}: {refusal}") from None
        return [json.loads(base64.b64decode(json.loads(line)["payload"])) for line in lines]
