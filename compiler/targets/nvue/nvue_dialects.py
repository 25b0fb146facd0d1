"""What NVUE of HBN and of Cumulus Linux have otherwise, a row each.

| | HBN | Cumulus |
|---|---|---|
| ports of a rule | below `match ip`, one each | below `match ip tcp` and `udp`, also `first:last` |
| SCTP | by its number | no ports |
| state of connections | `match conntrack`, IPv4, TCP, UDP and ICMP | none between interfaces |
| interfaces | representors `pf0hpf_if`, `pf0vf0_if`, uplinks `p0_if` | `swp1` |

Sources: NVIDIA's templates for BlueField (bare-metal-manager-core, crates/agent: one rule for each
port, 10,000 rules of a security group); the guide to the DOCA HBN service; user guide and command
reference of Cumulus Linux 5.11; NVIDIA's OpenAPI of NVUE (rules have 16-bit numbers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """A row. `ranges`: a rule takes a range of ports; `sctp`: it takes ports of SCTP; `tracked`:
    rules may ask for the state of connections. `most_rules` is what a list may hold, as `source`
    says."""

    name: str
    title: str
    format: str
    version: str
    ranges: bool
    sctp: bool
    tracked: bool
    most_rules: int
    source: str

    def uplink(self, number: int, port: str) -> str:
        """The name of an uplink, which the fabric calls `port`."""
        return f"p{number}_if" if self.name == "hbn" else port

    def access(self, node: bool, number: int, taken: Sequence[str]) -> str:
        """The name of the interface to an endpoint, the number's of its kind at a device whose
        uplinks have the names that are taken: to the host itself (`node`) or to a pod."""
        if self.name != "hbn":
            free = (f"swp{n}" for n in range(101, 101 + number + 1 + len(taken)))
            return [name for name in free if name not in taken][number]
        return ("pf0hpf_if" if not number else f"pf{number}hpf_if") if node else f"pf0vf{number}_if"


HBN = Dialect(
    "hbn", "HBN", "nvue", "5.6.0", ranges=False, sctp=True, tracked=True, most_rules=10_000,
    source="NVIDIA bare-metal-manager-core: rules of a security group on a DPU",
)  # fmt: skip
CUMULUS = Dialect(
    "cumulus", "Cumulus Linux", "nvue-cumulus", "5.11.0", ranges=True, sctp=False, tracked=False,
    most_rules=65_535, source="NVUE: the numbers of rules",
)  # fmt: skip
