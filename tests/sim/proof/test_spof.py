"""Single points of failure against a twin that builds every world from the file and asks pair by
pair."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from fabric_files import network_of
from failing_fabrics import KINDS, MEMBERS, failing, plain, racks, stand_in
from hairpin_fabric import hairpin

from cloison.cli import main
from sim.proof.reachability import Reach, reachability
from sim.proof.spof import spof
from sim.world import World

ROOT = Path(__file__).parents[3]
Pair = tuple[int, int, int]


def access(reach: Reach) -> dict[Pair, set[int]]:
    """The atoms that get from one endpoint to another, by pair and family."""
    columns = reach.pairs.src, reach.pairs.dst, reach.pairs.version, reach.pairs.some
    rows = zip(*(c.tolist() for c in columns), strict=True)
    return {(a, b, v): set(reach.sets[some].nonzero()[0].tolist()) for a, b, v, some in rows}


@pytest.mark.parametrize("make", [plain, racks, stand_in, hairpin])
def test_what_is_lost_is_what_pairs_lose(tmp_path: Path, make: object) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    network = network_of(path)
    before = access(reachability(World(network)))
    wanted: Counter[tuple[str, str, str]] = Counter()
    for kind in KINDS:
        for name in failing(network, kind):
            after = access(reachability(World(network_of(path, down=[name]))))
            gone = {
                e.index
                for e in network.endpoints
                if network.fabric.nodes[e.vtep].name in MEMBERS.get(name, [name])
                and not e.name.startswith("zone")
            }
            for (src, dst, version), atoms in before.items():
                if not gone & {src, dst} and atoms - after.get((src, dst, version), set()):
                    ends = (network.endpoints[e].tenant for e in (src, dst))
                    wanted[name, *ends] += 1
    found = spof(World(network), lambda what: None)
    assert {(x.failure, x.source, x.target): x.pairs for x in found.lost} == wanted
    assert found.tried == sum(len(failing(network, kind)) for kind in KINDS)
    for lost in found.lost:
        after = access(reachability(World(network_of(path, down=[lost.failure]))))
        pair = lost.src, lost.dst, lost.version
        assert before[pair] - after.get(pair, set())
        assert lost.ports


def test_the_verb_names_the_only_border(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["spof", str(hairpin(tmp_path)), "-o", "json"])
    assert done.exit_code == 1, done.output
    told = json.loads(done.stdout)
    assert (told["verdict"], told["points"]) == ("fails", ["border1"])
    assert {(r["source"], r["destination"]) for r in told["rows"]} == {
        ("red", "zone2"),
        ("zone2", "blue"),
    }
    assert all(r["kind"] == "node" and r["ports"] == "443/tcp" for r in told["rows"])


def test_nothing_is_lost_where_everything_is_double() -> None:
    done = CliRunner().invoke(main, ["spof", str(ROOT / "topologies" / "small.yaml")])
    assert done.exit_code == 0, done.output
    assert done.output.endswith("No single failure takes access from anybody else; 20 tried.\n")
