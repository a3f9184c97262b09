"""Breaks a folder of secrets in every way that check_recipients.py must find."""

import base64
import hashlib
import pathlib
import tempfile

import check_recipients
from check_recipients import Rule


def ssh_key(kind: str, fill: int) -> tuple[str, str]:
    """A public key whose tag is calculated from RFC 4253's wire format, independently of the code under test."""
    fields = [kind.encode(), bytes([fill]) * 32] + ([bytes([fill]) * 256] if kind == "ssh-rsa" else [])
    wire = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    tag = base64.b64encode(hashlib.sha256(wire).digest()[:4]).decode().rstrip("=")
    return f"{kind} {base64.b64encode(wire).decode()}", f"-> {kind} {tag} {'A' * 43}\n{'B' * 43}"


HOST, HOST_STANZA = ssh_key("ssh-ed25519", 1)
OPERATOR, OPERATOR_STANZA = ssh_key("ssh-rsa", 2)
STRANGER, STRANGER_STANZA = ssh_key("ssh-ed25519", 3)
NATIVE = "age1" + "q" * 58
NATIVE_STANZA = f"-> X25519 {'C' * 43}\n{'D' * 43}"
GREASE = "-> Tz-grease x\nAAAA"


def age(*stanzas: str) -> bytes:
    lines = ["age-encryption.org/v1", *stanzas, "--- " + "E" * 43, ""]
    return "\n".join(lines).encode() + b"\x00\xff\n--- body"


def armored(content: bytes) -> bytes:
    text = base64.b64encode(content)
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return b"\n".join([check_recipients.ARMOR_BEGIN, *lines, check_recipients.ARMOR_END, b""])


def faults(rules: dict[str, Rule], files: dict[str, bytes]) -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        return list(check_recipients.faults(rules, folder))


def one(keys: list[str], content: bytes, *parts: str, armor: bool = False) -> None:
    """Checks that one file has one fault, whose sentence has these parts, or none if there are no parts."""
    found = faults({"a/b.age": {"publicKeys": keys, "armor": armor}}, {"a/b.age": content, "keys.nix": b"{ }"})
    assert len(found) == (1 if parts else 0), found
    for part in ("a/b.age",) + parts if parts else ():
        assert part in found[0]


def test_what_is_right_passes() -> None:
    one([HOST], age(HOST_STANZA))
    one([OPERATOR + " name@desk", HOST], age(HOST_STANZA, OPERATOR_STANZA))
    one([HOST, NATIVE], age(GREASE, NATIVE_STANZA, HOST_STANZA))
    one([HOST], armored(age(HOST_STANZA)), armor=True)


def test_a_real_tag_is_known() -> None:
    # From a file that age itself wrote for this key.
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMNuLT3rlxoRj1Uv8PcX8gPVpJzSRPrtRWp/yW//RWOh"
    assert check_recipients.recipient(key) == ("ssh-ed25519", "zvQQhw")


def test_plain_text_is_refused() -> None:
    one([HOST], b'{"private_key": "x"}', "is not encrypted")
    one([HOST], b"", "is not encrypted")


def test_a_missing_recipient_is_refused() -> None:
    one([HOST, OPERATOR], age(HOST_STANZA), "is not encrypted to", OPERATOR)
    one([HOST, NATIVE], age(HOST_STANZA), "1 more X25519")
    one([NATIVE, NATIVE[:-1] + "p"], age(NATIVE_STANZA), "1 more X25519")


def test_a_foreign_recipient_is_refused() -> None:
    one([HOST], age(HOST_STANZA, STRANGER_STANZA), "secrets.nix does not list", STRANGER_STANZA.split()[2])
    one([HOST], age(HOST_STANZA, NATIVE_STANZA), "X25519", "does not list")
    one([HOST], age(HOST_STANZA, "-> scrypt AAAA 18\nBBBB"), "scrypt", "does not list")
    one([HOST], age(HOST_STANZA, HOST_STANZA), "does not list")


def test_another_recipient_is_both() -> None:
    found = faults({"b.age": {"publicKeys": [HOST]}}, {"b.age": age(STRANGER_STANZA)})
    assert len(found) == 2, found


def test_a_broken_header_is_refused() -> None:
    whole = age(HOST_STANZA)
    one([HOST], whole[:60], "broken age header")
    one([HOST], whole[: whole.index(b"---") + 20], "broken age header")
    one([HOST], whole[: whole.index(b"\x00")], "broken age header")
    one([HOST], age(HOST_STANZA, "-> \xff"), "broken age header")
    one([HOST], age("no stanza!", HOST_STANZA), "broken age header")


def test_armor_is_as_the_list_says() -> None:
    one([HOST], armored(age(HOST_STANZA)), "is armored")
    one([HOST], age(HOST_STANZA), "is not armored", armor=True)
    one([HOST], armored(age(HOST_STANZA))[:-20], "truncated", armor=True)
    one([HOST], armored(age(HOST_STANZA)).replace(b"\nY", b"\n!"), "not base64", armor=True)
    one([HOST], armored(b"plain"), "is not encrypted", armor=True)
    one([HOST], armored(age(STRANGER_STANZA, HOST_STANZA)), "does not list", armor=True)


def test_the_list_and_the_folder_agree() -> None:
    rules: dict[str, Rule] = {"b.age": {"publicKeys": [HOST]}}
    whole = {"b.age": age(HOST_STANZA)}
    assert faults(rules, whole) == []
    (found,) = faults(rules, whole | {"left-over.json": b"{}"})
    assert "left-over.json is not listed" in found
    (found,) = faults(rules, whole | {"c.age": age(HOST_STANZA)})
    assert "c.age is not listed" in found
    (found,) = faults(rules | {"c.age": rules["b.age"]}, whole)
    assert "c.age is listed in secrets.nix but does not exist" in found


def test_an_invalid_key_is_refused() -> None:
    one(["ecdsa-sha2-nistp256 AAAA"], age(HOST_STANZA), "not a key that age encrypts to")
    one(["ssh-ed25519 ???"], age(HOST_STANZA), "not base64")
    one([HOST.replace("ssh-ed25519", "ssh-rsa")], age(HOST_STANZA), "does not encode a key of the type ssh-rsa")
    one(["age1short"], age(HOST_STANZA), "not a key that age encrypts to")
    one([], age(), "empty list of recipients")
