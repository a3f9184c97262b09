"""Reads units as systemd does, and compares them with the instances for which they were made."""

import json
import re
import sys

# The values of each key in each section.
Settings = dict[tuple[str, str], list[str]]

ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "s": " ",
    "\\": "\\",
    '"': '"',
    "'": "'",
}


def unquote(value: str) -> str:
    """One item in double quotes, by systemd.syntax(7): only C escapes have a meaning."""
    quoted = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', value)
    assert quoted, f"not one quoted item: {value}"

    def plain(match: re.Match[str]) -> str:
        code = match[1]
        return ESCAPES[code] if code in ESCAPES else chr(int(code[1:], 16))

    return re.sub(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|.)", plain, quoted[1])


def unspecify(value: str) -> str:
    """After unquoting, `%%` is a percent sign, and any other `%` would be a specifier."""
    assert not re.search(r"%(?!%)", value.replace("%%", "")), f"a specifier: {value}"
    return value.replace("%%", "%")


def settings(text: str) -> Settings:
    found: Settings = {}
    section = ""
    for line in text.split("\n"):
        # Comments occur only at the beginning of a line; a backslash at its end would join the next line.
        if not line or line[0] in "#;":
            continue
        assert not line.endswith("\\"), f"continues on the next line: {line}"
        if line.startswith("["):
            section = line
        else:
            key, value = line.split("=", 1)
            found.setdefault((section, key), []).append(value.strip())
    return found


def without(settings: Settings, others: Settings) -> dict[str, list[str]]:
    """The settings in the section [Service] of the first unit that the second does not have."""
    only = {}
    for (section, key), values in settings.items():
        left = [value for value in values if value not in others.get((section, key), [])]
        if section == "[Service]" and left:
            only[key] = left
    return only


given = json.load(open(sys.argv[1], encoding="utf-8"))
for case in given["cases"]:
    service, socket = settings(case["service"]), settings(case["socket"])
    name = case["name"]

    def one(unit: Settings, section: str, key: str) -> str:
        values = unit.get((f"[{section}]", key), [])
        assert len(values) == 1, f"{name}: {key} is set {len(values)} times"
        return values[0]

    variables = dict(unspecify(unquote(item)).split("=", 1) for item in service["[Service]", "Environment"])
    assert variables["WORD"] == case["word"], f"{name}: {variables['WORD']!r} is not {case['word']!r}"
    assert "PATH" not in variables, f"{name}: PATH is {variables.get('PATH')}"
    program = one(service, "Service", "ExecStart").split(" ")[0]
    # `+` makes them relative to the unit's own root: otherwise they would be the host's, and without effect.
    assert one(service, "Service", "ExecPaths") == f"+{program}", f"{name}: it may execute more than {program}"
    for path in ["/", "-/tmp", "/nix/store", "/etc", *case["extraReadOnlyPaths"]]:
        denied = re.sub("^(-?)", r"\1+", path)
        assert denied in service["[Service]", "NoExecPaths"], f"{name}: it may execute what is in {path}"
    assert one(service, "Service", "Type") == "notify-reload"
    assert one(service, "Service", "RefreshOnReload") == "credentials"
    assert one(service, "Service", "X-StopIfChanged") == "false"
    assert one(service, "Service", "DynamicUser") == "true"
    assert one(service, "Service", "LoadCredential") == f"bigquery.json:{case['credentialFile']}"
    for limit in ("MemoryMax", "TasksMax", "LimitNOFILE", "WatchdogSec", "TimeoutStartSec", "TimeoutStopSec"):
        assert one(service, "Service", limit) not in ("", "0", "infinity"), limit
    assert one(service, "Unit", "Requires") == f"wordtally-{name}.socket"
    assert one(service, "Install", "WantedBy") == "multi-user.target"
    assert one(socket, "Socket", "ListenStream") == case["listen"].removeprefix("unix:")
    assert one(socket, "Install", "WantedBy") == "sockets.target"
    print(f"{name}: {case['word']!r}")

for case in given["compared"]:
    changed, plain = map(settings, case["units"])
    for key, expected in (("added", without(changed, plain)), ("removed", without(plain, changed))):
        assert case[key] == expected, f"{key}: {expected}"
    # The first entry of a list may decide what kind of list it is.
    for key in case["added"].keys() - case["removed"].keys():
        before, after = plain.get(("[Service]", key), []), changed["[Service]", key]
        assert after[: len(before)] == before, f"{key} begins otherwise: {after}"
