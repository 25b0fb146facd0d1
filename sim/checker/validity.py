"""Valid: everything that a consistent certificate says is true of a network.

The certificate that the network deserves is computed (`expected`) and compared, field by field and
leaf by leaf. Since a proof has one certificate, there is nothing left to judge: regions that cover
less, more, or something else differ, and the first packet that shows it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from compiler.policy.ir import Policy
from fabric.building.network import Network
from sim.checker.document.packets import otherwise
from sim.checker.document.regions import read
from sim.checker.document.shared_rows import compact, numbered
from sim.checker.expected import expected

REGIONS = ("outcomes", "profiles", "maps", "sources")
SHOWN = 5


class Validity(NamedTuple):
    """`regions` (source × destination range × box) were compared. `packets` were decided: one of
    each cell, choice of ECMP, and atoms of source and destination addresses; of atoms that
    nothing tells apart one for all."""

    problems: list[str]
    regions: int
    packets: int

    def __bool__(self) -> bool:
        """Whether nothing differs; a tuple that is not empty would always be true."""
        return not self.problems


def validity(
    certificate: Any, network: Network, inputs: Iterable[Path], policy: Policy | None = None
) -> Validity:
    """How a consistent certificate differs from the network that it should be about."""
    try:
        wanted, paths = expected(network, inputs, policy)
    except OverflowError as error:
        return Validity([f"profiles: {error}"], 0, 0)
    found = numbered(wanted["maps"])
    sizes = np.array([len(wanted["profiles"][row[2]]) for row in found.rows], np.int64)
    rows = [int(sizes[of].sum()) for of in found.of]
    regions = sum(rows[number] for *_, number in wanted["sources"])
    return Validity(differences(certificate, wanted), regions, paths.visited)


def differences(certificate: Any, wanted: Any) -> list[str]:
    """How a consistent certificate differs from the one that a network deserves."""
    problems = [*_inputs(certificate["inputs"], wanted["inputs"])]
    if certificate.get("fields") != wanted.get("fields"):
        return [*problems, "fields: rules cut other fields of packets, or elsewhere"]
    if certificate["routing"] != wanted["routing"]:
        down = " and ".join(certificate["down"]) or "nothing"
        problems.append(f"routing, down: with {down} down there are other routes or next hops")
    if certificate.get("times") != wanted.get("times"):
        problems.append("times: the file is what the certificate is about at other times")
    if certificate.get("hairpins") != wanted.get("hairpins"):
        problems.append("hairpins: other VRFs permit them")
    for key in wanted:
        if key not in (*REGIONS, "inputs", "routing", "hairpins", "times"):
            problems += islice(_leaves(certificate[key], wanted[key], key), SHOWN)
    if _alike(certificate, wanted):
        return problems
    if certificate["endpoints"] == wanted["endpoints"]:
        problems += islice(otherwise(read(certificate), read(wanted)), SHOWN)
    if not problems:
        for key in REGIONS:
            problems += islice(_leaves(certificate[key], wanted[key], key), 1)
    return problems


def _alike(said: Any, true: Any) -> bool:
    """Whether regions are the same, letter by letter."""
    texts = (compact({key: found[key] for key in REGIONS}) for found in (said, true))
    return all(a == b for a, b in zip_longest(*texts))


def _inputs(said: Any, found: Any) -> Iterator[str]:
    """Files by path and content."""
    before, now = ({entry["path"]: entry["sha256"] for entry in files} for files in (said, found))
    yield from (f"inputs: {path} is not read" for path in before if path not in now)
    yield from (f"inputs: {path} is read and not listed" for path in now if path not in before)
    for path in before:
        if path in now and before[path] != now[path]:
            yield f"inputs: {path} has changed since"
    if sorted(before.items()) == sorted(now.items()) and said != found:
        yield "inputs: not in the order in which files are read, each once"


def _leaves(said: Any, true: Any, at: str) -> Iterator[str]:
    """Where two JSON values differ."""
    if isinstance(said, dict) and isinstance(true, dict) and said.keys() == true.keys():
        for key in true:
            yield from _leaves(said[key], true[key], f"{at}.{key}")
    elif isinstance(said, list) and isinstance(true, list):
        if len(said) != len(true):
            yield f"{at}: has {len(said):,} entries, it should have {len(true):,}"
        for place, pair in enumerate(zip(said, true, strict=False)):
            yield from _leaves(*pair, f"{at}[{place}]")
    elif type(said) is not type(true) or said != true:
        yield f"{at}: is {_short(said)}, it should be {_short(true)}"


def _short(value: Any) -> str:
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return shown if len(shown) <= 100 else f"{shown[:97]}..."
