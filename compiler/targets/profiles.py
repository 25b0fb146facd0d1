"""What a DPU can hold: profiles with capacities, and where each figure comes from.

A capacity without a public source is `None` and is shown as "unknown"; it never fails a program.
`expansion` says how a target stores one entry: `ranges` keeps prefix and port lists in one entry
(DASH: lists are part of the key), `product` writes one rule per prefix and per single port (the
published NVUE templates of NVIDIA's bare-metal manager).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

DASH = "sonic-net/DASH program-scale requirements"
DASH_HLD = "sonic-net/DASH high-level design 1.4"
NICO = "NVIDIA bare-metal-manager-core, crates/agent nvue.rs"
HBN = "NVIDIA HBN 3.1 service configuration"


@dataclass(frozen=True, slots=True)
class Limit:
    """Capacity of one table per VTEP; `source` says who published it."""

    table: str
    capacity: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What one device holds; its name is that of its row in `compiler.targets.catalogue`. `fields`
    are the further fields of a packet that its rules match on (None: any)."""

    name: str
    title: str
    expansion: Literal["ranges", "product"]
    limits: tuple[Limit, ...]
    fields: frozenset[str] | None

    def unmatched(self, fields: Iterable[str]) -> list[str]:
        """Those that its rules do not match on."""
        return [] if self.fields is None else [f for f in fields if f not in self.fields]


def _dash(name: str, title: str, scale: int) -> Profile:
    return Profile(
        name,
        title,
        "ranges",
        (
            Limit("endpoints", 32 * scale, DASH),
            Limit("vnis", 1024 * scale, DASH_HLD),
            Limit("admitted_vteps", 4096, DASH_HLD),
            Limit("groups", 320 * scale, DASH),
            Limit("entries_per_group", 1000, DASH),
            Limit("entries", 320_000 * scale, DASH),
            Limit("prefixes", 32_000_000 * scale, DASH),
            Limit("routes", 3_200_000 * scale, DASH),
            Limit("mappings", 8_000_000 * scale, DASH),
            Limit("ecmp_width", None, "unknown"),
        ),
        frozenset(),
    )


DASH_200G = _dash("dash-200g", "DASH 200G DPU", 1)
DASH_400G = _dash("dash-400g", "DASH 400G DPU", 2)
DASH_800G = _dash("dash-800g", "DASH 800G DPU", 4)
HBN_NICO = Profile(
    "hbn-nico",
    "BlueField with HBN, rules written by NVIDIA's bare-metal manager",
    "product",
    (
        Limit("endpoints", None, "unknown"),
        Limit("vnis", None, "unknown"),
        Limit("admitted_vteps", None, "unknown"),
        Limit("groups", None, "unknown"),
        Limit("entries_per_group", 10_000, NICO),
        Limit("entries", 65_535, NICO),
        Limit("prefixes", None, "unknown"),
        Limit("routes", None, "unknown"),
        Limit("mappings", None, "unknown"),
        Limit("ecmp_width", 64, HBN),
    ),
    frozenset(),
)
