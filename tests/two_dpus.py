"""Two DPUs behind one leaf, all configured, and a pod on each host: what is changed of them."""

from __future__ import annotations

from pathlib import Path

import cloison

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
ENDS = ("web/web/front-1", "web/web/front-2", "web/@node/gpu1", "red/bf2/pf0hpf_if")


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new))


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
