"""The image, in a container on the machine."""

from given import CONTAINER
from machine import Machine


def test_the_image_serves_in_a_container(machine: Machine) -> None:
    """By `nix run .#image-test`, whose store path the machine has from this one."""
    assert "ok   SIGTERM ends it" in machine.run(CONTAINER)
