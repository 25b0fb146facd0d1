"""Lines that say what is now: each holds when it is asked as one of the file, and none is missing
where nobody meets."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

import cloison
from cloison.cli import main
from cloison.views.lines_to_keep import MOST_UNSAID, text
from fabric.building.network import Network
from fabric.file.expectation_spec import Expectation
from sim.names.chosen import chosen
from sim.proof.current_lines import CurrentLines, current_lines
from sim.proof.reachability import Reach, reachability

TOPOLOGIES = Path(__file__).parents[3] / "topologies"
WORLDS = ("small", "demo", "namespaces", "cilium", "broken/zone0-hole")


def said(name: str) -> tuple[Reach, CurrentLines]:
    world = cloison.world(TOPOLOGIES / f"{name}.yaml")
    reach = reachability(world)
    return reach, current_lines(reach, lambda _: None)


@pytest.mark.parametrize("name", WORLDS)
def test_every_line_holds_as_a_line_of_the_file(name: str) -> None:
    """The law: what is written may be kept."""
    path = TOPOLOGIES / f"{name}.yaml"
    _, found = said(name)
    assert found.lines
    lines = [{line.kind: line.text} for line in found.lines]
    wanted = [Expectation.model_validate(line) for line in lines]
    spec = cloison.load(path).model_copy(update={"expect": wanted})
    proof = cloison.prove(spec)
    outcomes = [row["verdict"] for row in proof.expectations.rows]
    assert outcomes == ["holds"] * len(lines)


@pytest.mark.parametrize("name", WORLDS)
def test_whoever_meets_nobody_is_denied_by_a_line(name: str) -> None:
    """Against the pairs one by one: of two tenants that meet nowhere, and of two namespaces."""
    reach, found = said(name)
    network = reach.network
    passing = np.asarray(reach.sets.any(axis=1))[reach.pairs.some]
    pairs = zip(reach.pairs.src[passing].tolist(), reach.pairs.dst[passing].tolist(), strict=True)
    met = {frozenset((a, b)) for a, b in pairs}
    denied: set[frozenset[int]] = set()
    for line in found.lines:
        if line.kind == "deny":
            a, b = ({e.index for e in chosen(network, end)} for end in line.text.split(" <-> "))
            denied |= {frozenset((x, y)) for x in a for y in b}
    assert denied.isdisjoint(met)
    parts: dict[str, set[int]] = {}
    for e in network.endpoints:
        part = e.namespace if e.kind == "pod" else e.kind
        parts.setdefault(f"{e.tenant}/{part}", set()).add(e.index)
    for one, mine in parts.items():
        for other, theirs in parts.items():
            both = {frozenset((x, y)) for x in mine for y in theirs}
            if one < other and both.isdisjoint(met) and said_at_all(network, both):
                assert both <= denied, (one, other)


def said_at_all(network: Network, pairs: set[frozenset[int]]) -> bool:
    """Whether a part shares an IP version with the other one."""
    ends = network.endpoints
    return all(
        {p.version for p in ends[a].prefixes} & {p.version for p in ends[b].prefixes}
        for a, b in (tuple(pair) for pair in pairs if len(pair) == 2)
    )


def test_tenants_that_meet_are_read_first() -> None:
    """A hole stands where somebody looks."""
    whole, broken = said("demo")[1], said("broken/zone0-hole")[1]
    new = {*map(str, broken.crossing)} - {*map(str, whole.crossing)}
    assert any("zone0" in line for line in new)
    page = text(broken)
    assert page.index("read these first") < page.index("who meets nobody")
    assert len(re.findall(r"^  # .* pairs meet$", page, re.MULTILINE)) <= 2 * MOST_UNSAID


def test_what_is_not_evaluated_leaves_no_line(tmp_path: Path) -> None:
    """An object that may decide otherwise: nothing of its cluster is said."""
    (tmp_path / "site.yaml").write_text(
        "cloison: 1\nname: x\nsites: { s: { hosts_per_pair: 2, borders: 0 } }\ntenants:\n"
        "  a: { vrfs: { main: { prefixes: [10.0.0.0/16] } }, manifests: [a.yaml] }\n"
        "  b: { vrfs: { main: { prefixes: [10.1.0.0/16] } }, manifests: [b.yaml] }\n"
    )
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: { name: NAME, namespace: web }\n"
        "spec: { containers: [ { name: c, image: i } ] }\n---\n"
    )
    (tmp_path / "a.yaml").write_text(pod.replace("NAME", "one") + pod.replace("NAME", "two"))
    (tmp_path / "b.yaml").write_text(pod.replace("NAME", "one"))
    site = str(tmp_path / "site.yaml")
    done = CliRunner().invoke(main, ["expect", site, "--from-current"])
    wanted = yaml.safe_load(done.stdout)["expect"]
    assert {"deny": "a/* <-> b/*"} in wanted and {"allow": "a/web/one -> a/web/two"} in wanted
    with (tmp_path / "b.yaml").open("a") as file:
        file.write("apiVersion: x.io/v1\nkind: Firewall\nmetadata: { name: f, namespace: web }\n")
    done = CliRunner().invoke(main, ["expect", site, "--from-current"])
    wanted = yaml.safe_load(done.stdout)["expect"]
    assert {"deny": "a/* <-> b/*"} not in wanted and {"allow": "a/web/one -> a/web/two"} in wanted
    assert "unknown" in done.stdout
