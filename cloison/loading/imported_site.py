"""Configurations of devices as a source: a folder of them is a world, as a fabric file is.

A path is one when a file in it begins as one of the formats does (`compiler.imports`): no manifest
and no fabric file does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cloison.loading.how import How
from fabric.diagnostics import Diagnostic, InputError
from fabric.io.reading import read_bytes
from fabric.kubernetes.files.folders import is_directory

if TYPE_CHECKING:
    from compiler.policy.ir import Policy
    from fabric.building.network import Network

SUFFIXES = (".yaml", ".yml", ".conf", ".cfg", ".nft", ".json", ".txt")


def is_site(path: Path) -> bool:
    """Whether a path holds configurations of devices."""
    if str(path) == "-":
        return False
    if not is_directory(path) and path.suffix not in SUFFIXES:
        return False
    from compiler.imports.config_folder import HEAD, by_device
    from compiler.imports.config_formats import CONFIG_FORMATS

    try:
        for _, files in by_device(path):
            for file in files:
                able = [row for row in CONFIG_FORMATS.values() if file.suffix in row.suffixes]
                if not able:
                    continue
                head = read_bytes(file)[:HEAD].decode("utf-8", "replace")
                if any(row.load().claims(head) for row in able):
                    return True
    except InputError:
        return False
    return False


def read_site(path: Path, how: How) -> tuple[Network, Policy]:
    """The world of the devices there. Raises `InputError` with everything that is wrong."""
    from compiler.imports.config_folder import read_folder
    from compiler.imports.sites.site import site
    from fabric.building.build import rebuild

    found = site(read_folder(path))
    network = found.network
    if not network.endpoints:
        message = f"what {path} says is of no VRF, so there is nobody to ask about"
        hint = (
            "rules say what passes a device, not who is behind it: give its configuration of "
            "routing (nvue, frr) too, or ask compare --state whether it holds what a file wants"
        )
        raise InputError(Diagnostic("C839", message, None, hint))
    if how.down or how.drained:
        network = rebuild(network, down=how.down, drained=how.drained)
    return network, found.policy
