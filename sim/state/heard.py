"""What the files in a folder say of nodes: JSON of FRR's `show …`, `ip -j route` and `nft -j`.

Rules that hold here:

1. A file is about the node whose folder it lies in, or whose name it begins with. What it says is
   told by what stands in it (`KINDS`).
2. A VRF is known by the name that dumps give it (`vrf10001`), or its own one, with a slash, a dash
   or an underline. One of another name stays: nobody wants what it has.
3. A file of a VRF says all of one family: who has no other file has not said anything of the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.io.dependencies import entries as inside
from fabric.io.reading import read_bytes
from fabric.io.strict_json import stream
from sim.state.facts import UNDERLAY, HeardNode
from sim.state.frr_json import is_evpn, is_rib, read_evpn, read_rib
from sim.state.iproute_json import is_kernel, read_kernel
from sim.state.nft_state import is_nft, read_nft

FOREIGN = ("it is of no node", "it is none of the kinds that are known")
"""Why files are passed over that say nothing that is asked; for any other reason they might."""
SUFFIX = ".json"
NOTHING_FIRST = re.compile(r"\{\s*,")


class StateFolder:
    """What the files in a folder say, node by node: no more than one node's is ever held. What
    nobody understands is in `passed` once its node was read, with why."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.vrfs = vrf_names(network)
        self.passed: list[tuple[Path, str]] = []
        self.paths: dict[int, list[Path]] = {}
        names = {node.name: node.index for node in network.fabric.nodes}
        for path, node in files(folder, names):
            if node is None:
                self.passed.append((path, FOREIGN[0]))
            else:
                self.paths.setdefault(node, []).append(path)

    def written(self) -> tuple[float, float] | None:
        """When the oldest and the newest file of a node was written, in seconds since 1970; None
        without one, and of what is there no more."""
        times = []
        for path in (path for paths in self.paths.values() for path in paths):
            with suppress(OSError):
                times.append(path.stat().st_mtime)
        return (min(times), max(times)) if times else None

    def node(self, node: int) -> HeardNode:
        """The facts about one."""
        out = HeardNode()
        for path in self.paths.get(node, ()):
            why = self._read(path, out)
            if why is not None:
                self.passed.append((path, why))
        return out

    def _read(self, path: Path, into: HeardNode) -> str | None:
        """Read a file; why it is passed over, None when it is not."""
        try:
            found = documents(read_bytes(path).decode("utf-8", "replace"))
        except InputError as error:
            return error.diagnostics[0].message
        except ValueError as error:
            return f"it is no JSON: {error}"
        return read(found, path, self.vrfs, into)


def documents(text: str) -> list[Any]:
    """What a file says: FRR before 9 writes a document per VRF, one behind the other, and now and
    then a comma before the first member of an object.

    >>> documents('{, "a": [1], "a": [2]} {}')
    [{'a': [1, 2]}, {}]
    """
    try:
        return list(stream(text, together))
    except ValueError:
        return list(stream(NOTHING_FIRST.sub("{", text), together))


def together(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which a key stands once: entries of a prefix that stands there for several VRFs
    are one list."""
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out and not (isinstance(value, list) and isinstance(out[key], list)):
            raise ValueError("an object has a key twice")
        out[key] = [*out[key], *value] if key in out else value
    return out


def read(found: list[Any], path: Path, vrfs: Mapping[str, str], into: HeardNode) -> str | None:
    """Read the documents of a file; why it is passed over, None when it is not."""
    if len(found) > 1 and all(isinstance(one, dict) for one in found):
        found = [{str(n): one for n, one in enumerate(found)}]
    for document in found:
        kind = next((kind for kind, is_one in KINDS.items() if is_one(document)), None)
        if kind is None:
            return FOREIGN[1] if document else "it is empty"
        into.files.setdefault((kind,), path)
        if (why := READERS[kind](document, path, vrfs, into)) is not None:
            return why
    return None if found else "it is empty"


def files(folder: Path, names: Mapping[str, int]) -> Iterator[tuple[Path, int | None]]:
    """JSON files with their nodes (rule 1), in order."""
    for name, is_folder, _ in sorted(inside(folder)):
        path = folder / name
        if is_folder:
            below_it = sorted(n for n, below, _ in inside(path) if not below and n.endswith(SUFFIX))
            yield from ((path / n, names.get(name)) for n in below_it)
        elif name.endswith(SUFFIX):
            parts = name.removesuffix(SUFFIX).split(".")
            starts = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
            yield path, next((names[start] for start in starts if start in names), None)


def vrf_names(network: Network) -> dict[str, str]:
    """Rule 2: what a VRF may be called, and its name; what may call two VRFs names none."""
    out = {UNDERLAY: UNDERLAY}
    for vrf in network.vrfs:
        ways = (vrf.name, vrf.name.replace("/", "-"), vrf.name.replace("/", "_"), f"vrf{vrf.vni}")
        for way in ways:
            out[way] = vrf.name if out.get(way, vrf.name) == vrf.name else way
    return out


Reader = Callable[[Any, Path, Mapping[str, str], HeardNode], str | None]
KINDS: Mapping[str, Callable[[Any], bool]] = {
    "rules": is_nft, "evpn": is_evpn, "rib": is_rib, "kernel": is_kernel,
}  # fmt: skip
READERS: Mapping[str, Reader] = {
    "rules": read_nft, "evpn": read_evpn, "rib": read_rib, "kernel": read_kernel,
}  # fmt: skip
