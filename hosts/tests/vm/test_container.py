"""The image, in a container on the machine."""

from given import CONTAINER
from machine import Machine


def test_the_image_serves_in_a_container(machine: Machine) -> None:
    """Runs `nix run .#image-test`; the machine shares this machine's store."""
    assert "ok   SIGTERM ends it" in machine.run(CONTAINER)
