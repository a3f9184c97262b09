"""The data that `nix run .#vm-test` passes to the tests."""

import json
import os

with open(os.environ["VM_TEST_FACTS"], encoding="utf-8") as file:
    FACTS = json.load(file)
WORDS = FACTS["words"]  # the name of each instance, with its word
SSH_PORT = FACTS["sshPort"]
MAX_EXPOSURE = FACTS["maxExposure"]
CERTIFICATE = os.environ["VM_TEST_CERTIFICATE"]
TABLE = os.environ["VM_TEST_TABLE"]
RELEASES = os.environ["VM_TEST_RELEASES"]
CONTAINER = os.environ["VM_TEST_CONTAINER"]
LOCK = os.environ["VM_TEST_LOCK"]
