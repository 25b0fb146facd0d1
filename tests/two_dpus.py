"""Two DPUs behind one leaf, all configured, and a pod on each host: what is changed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cloison
from fabric.building.network import Network

RUNNING = Path(__file__).parent / "fabric" / "errors" / "running"
TWO = """\
cloison: 1
name: two
devices: { from: configs }
sites:
  s:
    clos: none
    nodes:
      bf1: { role: dpu, host: gpu1 }
      bf2: { role: dpu, host: gpu2 }
      leaf1: { role: leaf }
    cables: [ "bf1:p0 -- leaf1:swp1", "bf2:p0 -- leaf1:swp2" ]
tenants:
  web: { manifests: [pods/good.yaml] }
"""


def site_of(transit: str, cables: Sequence[str], asn: Mapping[str, int] | None = None) -> str:
    """The two DPUs, with those leaves and spines that `cables` name, in transit where patterns
    say so; of who is in transit `asn` says the numbers, where anybody does."""
    ends = {end.partition(":")[0] for cable in cables for end in cable.split(" -- ")}
    rows = [f"bf{n}: {{ role: dpu, host: gpu{n} }}" for n in (1, 2)]
    for role in ("leaf", "spine"):
        for name in sorted(end for end in ends if end.startswith(role)):
            number = f", asn: {asn[name]}" if asn and name in asn else ""
            rows.append(f"{name}: {{ role: {role}{number} }}")
    return (
        f"cloison: 1\nname: two\ndevices: {{ from: configs, transit: [{transit}] }}\n"
        "sites:\n  s:\n    clos: none\n    nodes:\n"
        + "".join(f"      {row}\n" for row in rows)
        + "    cables:\n"
        + "".join(f"      - {cable}\n" for cable in cables)
        + "tenants:\n  web: { manifests: [pods/good.yaml] }\n"
    )


ENDS = ("web/web/front-1", "web/web/front-2", "web/@node/gpu1", "red/bf2/pf0hpf_if")


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new))


@dataclass(frozen=True, slots=True)
class Asked:
    """The verdict on a packet, and the network that it was asked of."""

    verdict: str
    network: Network

    @property
    def kinds(self) -> set[str]:
        """The kinds of what is not known of the world."""
        return {record.kind for record in self.network.not_evaluated}


def asked(
    site: Path, source: str = ENDS[0], target: str = ENDS[1], **at: str | Sequence[str]
) -> Asked:
    """What is said of a packet to port 80, from one pod to the other unless it is said."""
    world = cloison.world(site, at=at)
    return Asked(cloison.explain(world, source, f"{target}:80").verdict, world.network)


def verdicts(path: Path) -> dict[tuple[str, str], str]:
    """What is said of every two ends, at one port."""
    world = cloison.world(path)
    names = {e.name for e in world.network.endpoints}
    return {
        (a, b): cloison.explain(world, a, f"{b}:80").verdict
        for a in ENDS
        for b in ENDS
        if a != b and {a, b} <= names
    }


Edits = list[tuple[str, str, str]]
"""Of the configuration of a device: what stands there, and what shall."""


def changed(site: Path, edits: Edits) -> Path:
    """The site with these edits, and without any that were made before."""
    for device in ("bf1", "bf2", "leaf1"):
        text = (RUNNING / "configs" / f"{device}.yaml").read_text()
        for _, old, new in (edit for edit in edits if edit[0] == device):
            assert old in text, old
            text = text.replace(old, new)
        (site.parent / "configs" / f"{device}.yaml").write_text(text)
    return site
