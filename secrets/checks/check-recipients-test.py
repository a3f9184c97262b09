"""Breaks a folder of secrets in every way that check-recipients.py must see."""

import base64
import hashlib
import importlib.util
import pathlib
import tempfile
import unittest

spec = importlib.util.spec_from_file_location(
    "check_recipients", pathlib.Path(__file__).with_name("check-recipients.py")
)
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)


def ssh_key(kind, fill):
    """A public key whose tag is worked out here by RFC 4253's wire format, apart from the code under test."""
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


def age(*stanzas):
    lines = ["age-encryption.org/v1", *stanzas, "--- " + "E" * 43, ""]
    return "\n".join(lines).encode() + b"\x00\xff\n--- body"


def armored(content):
    text = base64.b64encode(content)
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return b"\n".join([check.ARMOR_BEGIN, *lines, check.ARMOR_END, b""])


def faults(rules, files):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        return list(check.faults(rules, folder))


class Recipients(unittest.TestCase):
    def one(self, keys, content, *parts, **rule):
        """One file has one fault, whose sentence has these parts; or none, where there are no parts."""
        found = faults({"a/b.age": {"publicKeys": keys, **rule}}, {"a/b.age": content, "keys.nix": b"{ }"})
        self.assertEqual(len(found), 1 if parts else 0, found)
        for part in ("a/b.age",) + parts if parts else ():
            self.assertIn(part, found[0])

    def test_what_is_right_passes(self):
        self.one([HOST], age(HOST_STANZA))
        self.one([OPERATOR + " name@desk", HOST], age(HOST_STANZA, OPERATOR_STANZA))
        self.one([HOST, NATIVE], age(GREASE, NATIVE_STANZA, HOST_STANZA))
        self.one([HOST], armored(age(HOST_STANZA)), armor=True)

    def test_a_real_tag_is_known(self):
        # From a file that age itself wrote for this key.
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMNuLT3rlxoRj1Uv8PcX8gPVpJzSRPrtRWp/yW//RWOh"
        self.assertEqual(check.recipient(key), ("ssh-ed25519", "zvQQhw"))

    def test_plain_text_is_refused(self):
        self.one([HOST], b'{"private_key": "x"}', "is not encrypted")
        self.one([HOST], b"", "is not encrypted")

    def test_a_missing_recipient_is_refused(self):
        self.one([HOST, OPERATOR], age(HOST_STANZA), "is not encrypted to", OPERATOR)
        self.one([HOST, NATIVE], age(HOST_STANZA), "1 more X25519")
        self.one([NATIVE, NATIVE[:-1] + "p"], age(NATIVE_STANZA), "1 more X25519")

    def test_a_foreign_recipient_is_refused(self):
        self.one([HOST], age(HOST_STANZA, STRANGER_STANZA), "secrets.nix does not list", STRANGER_STANZA.split()[2])
        self.one([HOST], age(HOST_STANZA, NATIVE_STANZA), "X25519", "does not list")
        self.one([HOST], age(HOST_STANZA, "-> scrypt AAAA 18\nBBBB"), "scrypt", "does not list")
        self.one([HOST], age(HOST_STANZA, HOST_STANZA), "does not list")

    def test_another_recipient_is_both(self):
        found = faults({"b.age": {"publicKeys": [HOST]}}, {"b.age": age(STRANGER_STANZA)})
        self.assertEqual(len(found), 2, found)

    def test_a_broken_header_is_refused(self):
        whole = age(HOST_STANZA)
        self.one([HOST], whole[:60], "broken age header")
        self.one([HOST], whole[: whole.index(b"---") + 20], "broken age header")
        self.one([HOST], whole[: whole.index(b"\x00")], "broken age header")
        self.one([HOST], age(HOST_STANZA, "-> \xff"), "broken age header")
        self.one([HOST], age("no stanza!", HOST_STANZA), "broken age header")

    def test_armor_is_as_the_list_says(self):
        self.one([HOST], armored(age(HOST_STANZA)), "is armored")
        self.one([HOST], age(HOST_STANZA), "is not armored", armor=True)
        self.one([HOST], armored(age(HOST_STANZA))[:-20], "cut off", armor=True)
        self.one([HOST], armored(age(HOST_STANZA)).replace(b"\nY", b"\n!"), "not base64", armor=True)
        self.one([HOST], armored(b"plain"), "is not encrypted", armor=True)
        self.one([HOST], armored(age(STRANGER_STANZA, HOST_STANZA)), "does not list", armor=True)

    def test_the_list_and_the_folder_agree(self):
        rules = {"b.age": {"publicKeys": [HOST]}}
        whole = {"b.age": age(HOST_STANZA)}
        self.assertEqual(faults(rules, whole), [])
        (found,) = faults(rules, whole | {"left-over.json": b"{}"})
        self.assertIn("left-over.json is not listed", found)
        (found,) = faults(rules, whole | {"c.age": age(HOST_STANZA)})
        self.assertIn("c.age is not listed", found)
        (found,) = faults(rules | {"c.age": rules["b.age"]}, whole)
        self.assertIn("c.age is listed in secrets.nix but is not there", found)

    def test_a_key_that_is_none_is_refused(self):
        self.one(["ecdsa-sha2-nistp256 AAAA"], age(HOST_STANZA), "no key that age encrypts to")
        self.one(["ssh-ed25519 ???"], age(HOST_STANZA), "not base64")
        self.one([HOST.replace("ssh-ed25519", "ssh-rsa")], age(HOST_STANZA), "not of the kind ssh-rsa")
        self.one(["age1short"], age(HOST_STANZA), "no key that age encrypts to")
        self.one([], age(), "empty list of recipients")


unittest.main()
