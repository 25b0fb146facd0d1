"""Releases of FRR, a row each: what was seen of each when it ran our files, and the format that is
written for it. A release without a row takes the files of the row below it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """One row. `leaks_networks`: what `network` announces in a VRF is valid in another that has
    `import vrf` of it, and leads there (8.4 tracks its next hop 0.0.0.0, which nothing resolves).
    `other_vnis`: what it does with a route of another node that carries the VNI of another VRF
    than the one that imports it, where that is not what the route says."""

    name: str
    format: str
    leaks_networks: bool
    other_vnis: str = ""


FRR_8_4 = Release("8.4", "frr", False, "sends by a route of another VRF with its own VRF's VNI")
FRR_10_3 = Release("10.3", "frr10", True)
RELEASES = {release.name: release for release in (FRR_8_4, FRR_10_3)}
