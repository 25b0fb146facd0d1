"""What is suggested makes an expectation hold, breaks none, and says everything else it changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from random import Random

import pytest
import yaml
from fabric_files import vrf, write_fabric
from worlds import endpoint

from cloison.loading.how import How
from cloison.verbs.suggesting import edited, suggestions
from cloison.views.world import World
from fabric.diagnostics import InputError
from fabric.file.expect.expectation_spec import Expectation
from fabric.values.inventory import Endpoint
from sim.diff.diff import Change, Diff, diff
from sim.diff.suggested.closing import FEW, inside
from sim.diff.suggested.file_edits import FileEdit, policy_objects
from sim.diff.suggested.search import Search, Suggested, suggested
from sim.proof.prove import Proof, prove

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
SMALL = TOPOLOGIES / "small.yaml"
HOW = How(drawn="forgotten")


def quiet(_: str) -> None:
    """Nobody listens."""


@cache
def proof_of(path: Path) -> Proof:
    return prove(World.of_fabric(path, HOW))


def failing(proof: Proof) -> list[int]:
    return [outcome.claim.number for outcome in proof.outcomes if not outcome.holds]


def judge(path: Path, found: Suggested, before: tuple[FileEdit, ...] = ()) -> None:
    """Every suggestion, read and proven by itself."""
    was = edited(path, HOW, before) if before else World.of_fabric(path, HOW)
    broken = set(failing(prove(was)))
    for each in found.found:
        now = edited(path, HOW, (*before, *each.edits))
        still = set(failing(prove(now)))
        assert found.claim.number not in still and still <= broken
        changes = diff(was, now).changes
        assert changes
        if not each.beside:
            kinds = {"allow": {"gained"}, "deny": {"lost"}, "only": {"gained", "lost"}}
            assert {change.kind for change in changes} <= kinds[found.claim.kind]


@pytest.mark.slices(3)
@pytest.mark.parametrize(
    ("name", "least"),
    [("missing-egress-rule", 1), ("too-wide-ipblock", 2), ("zone0-hole", 1)],
)
def test_broken_topologies_are_mended(name: str, least: int) -> None:
    path = TOPOLOGIES / "broken" / f"{name}.yaml"
    _, found = suggestions(path, HOW, quiet)
    assert len(found) == 1
    judge(path, found[0])
    assert sum(not each.beside for each in found[0].found) >= least
    ranks = [(len(each.beside), len(each.edits)) for each in found[0].found]
    assert ranks == sorted(ranks)


@pytest.mark.slices(4)
def test_what_changes_something_else_says_what() -> None:
    path = TOPOLOGIES / "broken" / "wrong-rt-import.yaml"
    _, found = suggestions(path, HOW, quiet)
    assert len(found) == 3
    for one in found:
        judge(path, one)
        assert one.found[0].edits[0].row()["remove"] is True
        assert any("training/@node/* -> zone2/inet" in line for line in one.found[0].beside)


def test_a_block_leaves_out_parts_of_itself_and_never_all() -> None:
    def end(*prefixes: str) -> Endpoint:
        return endpoint(0, "acme/web/a", 0, *prefixes)

    assert inside([end("10.0.0.1/32")], "10.0.0.0/31") == ["10.0.0.1/32"]
    assert inside([end("10.0.0.1/32")], "10.0.0.1/32") == []
    assert inside([end("10.0.0.1/32", "fd00::1/128")], "fd00::/64") == ["fd00::1/128"]
    assert inside([end("10.0.0.0/8")], "10.0.0.0/24") == []
    many = [end(f"10.0.0.{number}/32") for number in range(FEW + 1)]
    assert len(inside(many[:FEW], "10.0.0.0/8")) == FEW and inside(many, "10.0.0.0/8") == []


def test_of_what_holds_nothing_is_suggested() -> None:
    _, found = suggestions(SMALL, HOW, quiet)
    assert found == []


def breakages(path: Path) -> Iterator[FileEdit]:
    """Single edits of rules, selectors, leaks and peerings."""
    world = World.of_fabric(path, HOW)
    for _, policy in policy_objects(world.network):
        for key, word in (("ingress", "from"), ("egress", "to")):
            for number, rule in enumerate(policy.spec.get(key) or ()):
                at = ("spec", key, number)
                yield policy.edit(at, "remove", None, "")
                for peer, _ in enumerate(rule.get(word) or ()):
                    anyone = {"namespaceSelector": {}}
                    yield policy.edit((*at, word, peer), "set", anyone, "")
                for port, _ in enumerate(rule.get("ports") or ()):
                    yield policy.edit((*at, "ports", port), "set", {"port": 9}, "")
        nobody = {"matchLabels": {"no": "body"}}
        yield policy.edit(("spec", "podSelector"), "set", nobody, "")
    for number, _ in enumerate(world.network.spec.leaks):
        yield FileEdit(("leaks", number), "remove", None, "")
        yield FileEdit(("leaks", number, "ports"), "set", ["9/tcp"], "")


@cache
def seeded(path: Path) -> list[tuple[FileEdit, int]]:
    """Those that make an expectation fail, with the first that does."""
    out = []
    for edit in breakages(path):
        try:
            wrong = failing(prove(edited(path, HOW, [edit])))
        except InputError:
            continue
        out += [(edit, wrong[0])] if wrong else []
    Random(7).shuffle(out)
    return out


@pytest.mark.slices(6)
@pytest.mark.parametrize("number", range(12))
def test_single_breakages_are_mended_and_nothing_else_changes(number: int) -> None:
    """On small; bench/bench_suggest.py counts them on larger ones."""
    edit, claim = seeded(SMALL)[number % len(seeded(SMALL))]
    broken = edited(SMALL, HOW, [edit])
    found = suggested(broken, claim, lambda more: edited(SMALL, HOW, [edit, *more]), quiet)
    judge(SMALL, found, (edit,))
    assert found.found and not found.found[0].beside, edit.row()


@pytest.mark.slices(4)
def test_as_many_edits_as_are_needed_go_together(tmp_path: Path) -> None:
    """Sender and taker both refuse: a rule for each."""
    router = ("inference", "NetworkPolicy/serving/router")
    edits = [
        FileEdit(("spec", "egress", 0), "remove", None, "", None, *router),
        FileEdit(
            ("spec", "ingress", 0),
            "remove",
            None,
            "",
            None,
            "inference",
            "NetworkPolicy/serving/llm",
        ),
    ]
    demo = TOPOLOGIES / "demo.yaml"
    broken = edited(demo, HOW, edits)
    number = next(
        o.claim.number
        for o in prove(broken).outcomes
        if "router -> inference/serving/llm" in o.claim.text
    )
    found = suggested(broken, number, lambda more: edited(demo, HOW, [*edits, *more]), quiet)
    assert found.found and len(found.found[0].edits) == 2
    judge(demo, found, tuple(edits))


def is_meant(world: World, kind: str, text: str, found: Diff, one: Change) -> bool:
    """Whether a change is what an expectation alone asks for."""
    line = Expectation.model_validate({kind: text})
    spec = world.network.spec.model_copy(update={"expect": [line]})
    asked = World(replace(world.network, spec=spec))
    return Search(asked, 0, lambda edits: asked, quiet).meant(found, one)


def test_addresses_of_the_outside_are_those_that_are_written() -> None:
    demo = TOPOLOGIES / "demo.yaml"
    world = World.of_fabric(demo, HOW)
    policy = dict(policy_objects(world.network))["inference/edge/gateway"]
    broken = edited(demo, HOW, [policy.edit(("spec", "ingress", 0), "remove", None, "")])
    found = diff(broken, world)
    change = next(c for c in found.changes if c.row.source.name == "zone2/inet")
    addresses = change.row.source.addresses
    assert change.kind == "gained" and len(addresses) > 1
    to = f"{change.row.target.name}:443/tcp"
    assert is_meant(world, "allow", f"zone2/inet -> {to}", found, change)
    assert is_meant(world, "allow", f"0.0.0.0/0, ::/0 -> {to}", found, change)
    assert not is_meant(world, "allow", f"0.0.0.0/0 -> {to}", found, change)
    assert not is_meant(world, "allow", f"192.0.2.0/24 -> {to}", found, change)


def test_what_is_meant_is_said_by_kind_ports_and_ends() -> None:
    """Whoever else gains or loses, or on other ports, or the other way, is told."""
    world = World.of_fabric(SMALL, HOW)
    policy = dict(policy_objects(world.network))["acme/catalog/db"]
    peers = ("spec", "ingress", 0, "from", 0)
    wide = edited(SMALL, HOW, [policy.edit(peers, "set", {"namespaceSelector": {}}, "")])
    opened, closed = diff(world, wide), diff(wide, world)
    change = next(c for c in opened.changes if c.row.source.name == "acme/web/front")
    back = next(c for c in closed.changes if c.row.source.name == "acme/web/front")
    ends = "acme/web/front -> acme/catalog/db"

    meant = partial(is_meant, world)
    assert meant("allow", ends, opened, change) and meant("deny", ends, closed, back)
    assert meant("only", ends, opened, change)
    assert not meant("deny", ends, opened, change) and not meant("allow", ends, closed, back)
    assert not meant("allow", f"{ends}:1/tcp", opened, change)
    assert meant("allow", f"{ends}:5432/tcp", opened, change)
    wider = [{"protocol": "TCP", "port": 5432, "endPort": 5500}]
    more = diff(world, edited(SMALL, HOW, [policy.edit((*peers[:3], "ports"), "set", wider, "")]))
    assert all(meant("allow", "acme/* -> acme/*:5433-5500/tcp", more, c) for c in more.changes)
    assert not any(meant("allow", "acme/* -> acme/*:5440/tcp", more, c) for c in more.changes)
    assert meant("allow", "acme/web/* -> acme/*", opened, change)
    assert not meant("allow", "acme/catalog/api -> acme/catalog/db", opened, change)
    assert not meant("allow", "acme/web/front -> acme/catalog/api", opened, change)


def failing_under(folder: Path, *expect: dict[str, object]) -> Path:
    """Pods of two tenants on hosts behind DPUs with one uplink: without it nobody is reached."""
    site = {"clos": "none", "nodes": {}, "cables": []}
    site["nodes"] = {
        "leaf1": {"role": "leaf"},
        **{f"d{n}": {"role": "dpu", "host": f"host{n}"} for n in (1, 2)},
    }
    site["cables"] = ["d1 -- leaf1", "d2 -- leaf1"]
    tenants = {"red": vrf("10.1.0.0/16")}
    pods = {"red": ["lab/a@host1=10.1.0.10", "lab/b@host2=10.1.0.75"]}
    return write_fabric(folder, tenants, pods, sites={"s": site}, expect=list(expect))


def test_what_fails_under_a_failure_alone_is_told(tmp_path: Path) -> None:
    line = {"allow": "red/lab/a -> red/lab/b", "hold_under": ["any-1-link"]}
    _, (found,) = suggestions(failing_under(tmp_path, line), HOW, quiet)
    assert found.under_failure and not found.found and not found.tried


def test_a_line_holds_under_its_failures_too(tmp_path: Path) -> None:
    """Opening what is shut does not help against the one cable."""
    line = {"allow": "red/lab/a -> red/lab/b:80/tcp", "hold_under": ["any-1-link"]}
    path = failing_under(tmp_path, line)
    shut = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "shut", "namespace": "lab"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }
    manifest = tmp_path / "red.yaml"
    manifest.write_text(f"{manifest.read_text()}\n---\n{yaml.safe_dump(shut)}")
    _, (found,) = suggestions(path, HOW, quiet)
    assert found.tried and not found.found and not found.under_failure


def test_what_was_unknown_does_not_fail_by_a_suggestion(tmp_path: Path) -> None:
    """Both lines are about pods that an object of a kind that is not evaluated may select: opening
    what the first asks for is told to be unknown, and nothing is opened that the second denies."""
    shut = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "shut", "namespace": "lab"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }
    other = {
        "apiVersion": "crd.projectcalico.org/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "x", "namespace": "lab"},
        "spec": {},
    }

    def found(*expect: dict[str, object]) -> Suggested:
        path = failing_under(tmp_path, *expect)
        manifest = tmp_path / "red.yaml"
        manifest.write_text(f"{manifest.read_text()}\n---\n{yaml.safe_dump_all([shut, other])}")
        return next(one for one in suggestions(path, HOW, quiet)[1] if one.claim.number == 0)

    line = {"allow": "red/lab/a -> red/lab/b:80/tcp"}
    assert found(line).found and all(each.unknown for each in found(line).found)
    against = {"deny": "red/lab/a -> red/lab/b:79-81/tcp"}
    assert not found(line, against).found
