"""What the configurations in a folder mean beside what is compiled: equal for all packets, or where
they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cloison.render.formats import FORMATS, written
from fabric.io.visible import visible

if TYPE_CHECKING:
    from sim.round_trip.read_back import Readback

SCHEMA = "cloison/read-back/1"
SHOWN = 20
"""Differences that are told in text; scripts get all."""
ASSUMED = (
    "neighbours that are no DPUs bring no routes",
    "the fabric carries what DPUs send each other",
)
"""What the comparison rests on."""


def told(found: Mapping[str, Readback], output: str) -> str:
    """The answer as text, or as rows for scripts."""
    if FORMATS[output].told == "text":
        return "".join(
            f"{visible(line)}\n" for name, one in found.items() for line in text(name, one)
        )
    rows = [row for name, one in found.items() for row in rows_of(name, one)]
    meta = {
        "formats": {
            name: {
                "equal": one.equal, "files": one.files, "packet_classes": one.classes,
                "vrf_instances": one.instances, "lines_ignored": one.ignored,
            }
            for name, one in found.items()
        },
        "assumed": list(ASSUMED),
    }  # fmt: skip
    return written(rows, schema=SCHEMA, output=output, title="Read back", meta=meta)


def rows_of(name: str, one: Readback) -> Iterator[dict[str, Any]]:
    """A row per difference, per thing that is not understood, and per choice of the underlay."""
    for what, found in (
        ("differs", one.differences),
        ("unknown", one.unknown),
        ("by_underlay", one.by_underlay),
    ):
        yield from ({"format": name, "what": what, "text": text} for text in found)


def text(name: str, one: Readback) -> Iterator[str]:
    """A verdict, what it rests on, and where it ends."""
    size = (
        f"{one.files:,} files, {one.instances:,} VRFs of DPUs, {one.classes:,} classes of packets"
    )
    if one.equal:
        yield f"{name}: means what is compiled, for all packets ({size})"
    elif one.differences:
        yield f"{name}: means something else in {len(one.differences):,} places ({size})"
    else:
        yield f"{name}: not known whether it means what is compiled ({size})"
    yield from some("", one.differences)
    yield from some("not understood: ", one.unknown)
    yield from some("not compared, as files do not say it; by the underlay ", one.by_underlay)
    yield f"  assumed: {'; '.join(ASSUMED)}"


def some(before: str, lines: tuple[str, ...]) -> Iterator[str]:
    """The first of some lines, and how many more there are."""
    yield from (f"  {before}{line}" for line in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  … and {len(lines) - SHOWN:,} more (--output json has all)"
