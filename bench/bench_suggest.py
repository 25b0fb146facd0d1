"""Of single breakages of a topology, how many `suggest` mends so that nothing else changes.

`python -m bench.bench_suggest topologies/demo.yaml 100` breaks one rule, peer, port, selector, leak
or zone rule at a time, drawn with a fixed seed, and prints what became of each that made an
expectation fail: exact (the best suggestion changes nothing else), beside, none.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from cloison.loading.how import How
from cloison.verbs.suggesting import edited
from cloison.views.world import World
from fabric.diagnostics import InputError
from sim.diff.suggested.file_edits import FileEdit, policy_objects
from sim.diff.suggested.search import suggested
from sim.proof.prove import prove

HOW = How(drawn="forgotten")
SEED = 7


def breakages(world: World) -> Iterator[FileEdit]:
    """Every single edit that is tried."""
    for _, policy in policy_objects(world.network):
        for key, word in (("ingress", "from"), ("egress", "to")):
            for number, rule in enumerate(policy.spec.get(key) or ()):
                at = ("spec", key, number)
                yield policy.edit(at, "remove", None, "")
                for peer, _ in enumerate((rule or {}).get(word) or ()):
                    if len(rule[word]) > 1:
                        yield policy.edit((*at, word, peer), "remove", None, "")
                    anyone = {"namespaceSelector": {}}
                    yield policy.edit((*at, word, peer), "set", anyone, "")
                for port, _ in enumerate((rule or {}).get("ports") or ()):
                    yield policy.edit((*at, "ports", port), "set", {"port": 9}, "")
                if (rule or {}).get("ports"):
                    yield policy.edit((*at, "ports"), "remove", None, "")
        yield policy.edit(("spec", "podSelector"), "set", {"matchLabels": {"no": "body"}}, "")
    spec = world.network.spec
    for key in ("leaks", "peerings"):
        for number, _ in enumerate(getattr(spec, key)):
            yield FileEdit((key, number), "remove", None, "")
            yield FileEdit((key, number, "ports"), "set", ["9/tcp"], "")
    for zone in ("zone0", "zone1", "zone2"):
        for key in ("rules", "services"):
            for number, _ in enumerate(getattr(getattr(spec.zones, zone), key, ())):
                yield FileEdit(("zones", zone, key, number), "remove", None, "")
                yield FileEdit(("zones", zone, key, number, "ports"), "set", ["any"], "")


def mended(path: Path, edit: FileEdit) -> tuple[str, str] | None:
    """What became of one, and of which expectation; None where no expectation fails."""
    try:
        broken = edited(path, HOW, [edit])
    except InputError:
        return None
    wrong = [o.claim for o in prove(broken).outcomes if not o.holds]
    if not wrong:
        return None
    number = wrong[0].number
    found = suggested(broken, number, lambda more: edited(path, HOW, [edit, *more]), lambda _: None)
    if not found.found:
        return "none", str(found.claim)
    return ("beside" if found.found[0].beside else "exact"), str(found.claim)


def main(path: Path, most: int) -> None:
    """Print what became of each, and how many."""
    edits = [*breakages(World.of_fabric(path, HOW))]
    random.Random(SEED).shuffle(edits)
    counts, start = Counter[str](), time.process_time()
    for edit in edits:
        if counts.total() == most:
            break
        if (what := mended(path, edit)) is not None:
            counts[what[0]] += 1
            if what[0] != "exact":
                click.echo(f"{what[0]} {edit.row()} {what[1]}")
    each = (time.process_time() - start) / max(1, counts.total())
    click.echo(f"{path}: {dict(counts)} of {counts.total()}; {each:.1f} CPU s each")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
