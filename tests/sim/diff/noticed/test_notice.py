"""coverage by expectations is mutation of what users wrote: equal to doing it by hand, whole."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric_files import network_of
from hypothesis import given, settings
from hypothesis import strategies as st
from windowed import fabric

from compiler.policy.ir import L4, Everyone, Origin
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError, UndecidedError
from fabric.file.expect.expectation_spec import Expectation
from fabric.io.reading import rooted
from sim.blocks.update import update
from sim.diff.diff import diff
from sim.diff.noticed import notice
from sim.diff.noticed.notice import Coverage, ExpectationJudge, NoticedLine, coverage
from sim.diff.noticed.subjects import subjects
from sim.proof.crowded import pairs_within
from sim.proof.expectations.expect import check_claim, read_claims
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "q", "namespace": "n"},
    "spec": {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {"from": [{"podSelector": {}}], "ports": [{"port": 443}, {"port": 80}]},
            {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 8080}]},
        ],
        "egress": [{}],
    },
}
LINES = [
    {kind: f"{source} -> {target}{ports}"}
    for kind in ("allow", "deny")
    for source, target in (
        ("a/n/*", "a/n/*"),
        ("b/*", "a/n/q"),
        ("c/*", "a/n/*"),
        ("a/n/p", "b/*"),
        ("a/*", "zone2/inet"),
        ("a/*", "zone0/api"),
    )
    for ports in ("", ":80/tcp", ":443/tcp", ":5432/tcp", ":8080/tcp", ":53/udp")
]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Three tenants with a peering, leaks, zone rules and a policy."""
    path = fabric(tmp_path_factory.mktemp("n") / "f", {})
    manifest = path.parent / "a.yaml"
    manifest.write_text(f"{manifest.read_text()}\n---\n{yaml.safe_dump(POLICY)}")
    return network_of(path)


def expecting(network: Network, lines: list[dict[str, str]]) -> World:
    expect = [Expectation.model_validate(line) for line in lines]
    return World(replace(network, spec=network.spec.model_copy(update={"expect": expect})))


def asked(world: World, offers: bool = True) -> Coverage:
    return coverage(world, lambda _: None, offers)


def by_hand(world: World, origin: Origin, change: str) -> World:
    """All that has an origin taken out of the policy, or widened, and compiled from nothing."""
    policy, rules = world.policy_read, []
    for rule in policy.rules:
        if rule.origin != origin:
            rules.append(rule)
        elif change == "widened":
            rules.append(replace(rule, remote=(Everyone(),), l4=(L4(),)))
    return World(world.network, replace(policy, rules=tuple(rules)))


def holding(world: World) -> list[bool]:
    """Which expectations hold, of all pairs of a world."""
    reach = reachability(world)
    claims = read_claims(world.network.spec, world.network)
    return [bool(check_claim(reach, claim)) for claim in claims]


def breaks(was: list[bool], other: World) -> bool:
    """Whether an expectation that held does not hold in another world."""
    return any(a and not b for a, b in zip(was, holding(other), strict=True))


@settings(max_examples=4)
@given(st.lists(st.sampled_from(LINES), min_size=4, max_size=8))
def test_it_is_what_taking_out_and_widening_by_hand_says(
    network: Network, lines: list[dict[str, str]]
) -> None:
    world = expecting(network, lines)
    origins = {
        (str(replace(rule.origin, span=None)), rule.origin.span): rule.origin
        for rule in world.policy_read.rules
    }
    was = holding(world)
    for found in asked(world, offers=False).lines:
        origin = origins.get((found.subject.title, found.subject.span))
        for change, claim in found.by.items():
            if origin is not None:
                assert (claim is not None) == breaks(was, by_hand(world, origin, change))


def one(found: Coverage, title: str) -> NoticedLine:
    (line,) = (line for line in found.lines if line.subject.title.startswith(title))
    return line


def test_leaks_and_peerings_go_with_their_routes(network: Network) -> None:
    world = expecting(
        network, [{"allow": "a/n/p -> b/*:5432/tcp"}, {"deny": "a/n/p -> b/*:80/tcp"}]
    )
    line = one(asked(world), "peering ab")
    assert line.by["removed"] is not None and line.by["removed"].kind == "allow"
    assert line.covered


def test_what_nobody_notices_gets_a_line_that_would(network: Network) -> None:
    world = expecting(network, [{"deny": "c/* -> zone0/api:1/tcp"}])
    found = asked(world)
    offered = [line for line in found.lines if line.offer]
    assert offered
    texts = [line.offer for line in offered]
    again = asked(expecting(network, [yaml.safe_load(text) for text in texts]))
    for line in offered:
        (same,) = (
            other
            for other in again.lines
            if (other.subject.title, other.subject.span) == (line.subject.title, line.subject.span)
        )
        assert same.covered, line.subject.title


def test_no_line_is_offered_that_would_not_notice(network: Network) -> None:
    """Neither one that fails now, nor one that holds then as well."""
    world = expecting(network, [])
    judge = ExpectationJudge(world, ())
    origin = next(r.origin for r in world.policy_read.rules if "svc" not in r.origin.name)
    other = by_hand(world, origin, "removed")
    found = diff(world, other)
    assert found.changes and [*judge.offers(other, found)]
    assert [*judge.offers(world, found)] == []
    assert [*ExpectationJudge(other, ()).offers(other, found)] == []


def test_what_is_said_twice_changes_nothing(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", {})
    manifest = path.parent / "a.yaml"
    twice = {**POLICY, "metadata": {"name": "again", "namespace": "n"}}
    texts = [manifest.read_text(), yaml.safe_dump(POLICY), yaml.safe_dump(twice)]
    manifest.write_text("\n---\n".join(texts))
    found = asked(expecting(network_of(path), [{"deny": "c/* -> zone0/api:1/tcp"}]))
    egress = [line for line in found.lines if line.subject.title.endswith("isolates egress")]
    assert len(egress) == 2 and all(line.changes_nothing for line in egress)
    assert not {id(line) for line in egress} & {id(line) for line in found.counted}
    assert found.share == sum(line.covered for line in found.counted) / len(found.counted)


def test_lines_that_fail_notice_nothing(network: Network) -> None:
    found = asked(expecting(network, [{"deny": "a/n/* -> a/n/*"}]), offers=False)
    assert not found.asked and len(found.silent) == 1
    assert not any(line.covered for line in found.lines)
    assert len(found.unnamed) == len(network.endpoints)


def test_subjects_are_what_somebody_wrote(network: Network) -> None:
    world = expecting(network, [])
    titles = [subject.title for subject in subjects(world)]
    spans = [subject.span for subject in subjects(world)]
    assert None not in spans
    assert {"leak", "peering", "zone", "boot", "NetworkPolicy"} == {t.split()[0] for t in titles}
    assert not any(title.startswith("zone zone") for title in titles)
    assert len({(title, span) for title, span in zip(titles, spans, strict=True)}) == len(titles)


@pytest.mark.parametrize(("rule", "port"), [(0, 443), (1, 8080)])
def test_it_is_what_taking_it_out_of_the_file_says(
    network: Network, tmp_path: Path, rule: int, port: int
) -> None:
    """The rule deleted from the manifest itself."""
    source = "a/n/*" if rule == 0 else "c/*"
    lines = [{"allow": f"{source} -> a/n/*:{port}/tcp"}]
    path = fabric(tmp_path / "f", {})
    spec: dict[str, Any] = {**POLICY["spec"], "ingress": [POLICY["spec"]["ingress"][1 - rule]]}  # type: ignore[dict-item,index]
    manifest = path.parent / "a.yaml"
    manifest.write_text(f"{manifest.read_text()}\n---\n{yaml.safe_dump({**POLICY, 'spec': spec})}")
    without = expecting(network_of(path), lines)
    found = asked(expecting(network, lines), offers=False)
    noticed = [
        line.by["removed"] is not None
        for line in found.lines
        if line.subject.title == f"NetworkPolicy a/n/q rule {rule}" and len(line.by) == 2
    ]
    assert any(noticed) == breaks(holding(expecting(network, lines)), without)


def test_what_is_refused_more_of_is_not_noticed(tmp_path: Path) -> None:
    """A leak that could offer no more, since addresses would overlap, and that nobody expects."""
    source = Path(__file__).parents[4] / "topologies/small.yaml"
    value = yaml.safe_load(source.read_text())
    value["expect"] = [e for e in value["expect"] if "globex/shop" not in str(e)]
    for tenant in value["tenants"].values():
        tenant["manifests"] = [str(source.parent / folder) for folder in tenant["manifests"]]
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(value))
    with rooted(Path("/")):
        line = one(asked(World(network_of(path))), "leak catalog")
    assert line.refused.keys() == {"widened"} and line.by == {"removed": None}
    assert not line.covered and line.looked and not line.changes_nothing
    assert line.offer.startswith("allow: ")


def test_lines_are_tried_of_those_whom_they_are_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of one of many who fare alike, where these are asked about once."""
    path = fabric(tmp_path / "f", {})
    spec = {"containers": [{"name": "c", "image": "c"}]}
    alike = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "s", "namespace": "n"},
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "s"}},
            "template": {"metadata": {"labels": {"app": "s"}}, "spec": spec},
        },
    }
    manifest = path.parent / "a.yaml"
    manifest.write_text(f"{manifest.read_text()}\n---\n{yaml.safe_dump(alike)}")
    monkeypatch.setattr("sim.proof.crowded.LISTED", 0)
    world = expecting(network_of(path), [])
    judge = ExpectationJudge(world, ())
    for a, b in permutations(range(4), 2):
        assert judge.holds(world, "allow", f"a/n/s-{a} -> a/n/s-{b}")
        assert not judge.holds(world, "deny", f"a/n/s-{a} -> a/n/s-{b}")


def test_a_change_that_is_too_large_leaves_the_others_alone(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one change could not be cut into is put back before the next one."""
    lines = [{"allow": "a/n/* -> a/n/*:443/tcp"}, {"deny": "b/* -> a/n/*:443/tcp"}]
    world = expecting(network, lines)
    known = asked(world, offers=False)
    count = iter(range(1000))

    def cut(blocks: Any, program: Any) -> Any:
        if next(count) == 1:
            raise InputError(Diagnostic("C113", "too large"))
        return update(blocks, program)

    monkeypatch.setattr("sim.diff.noticed.subjects.update", cut)
    found = asked(expecting(network, lines), offers=False)
    assert found.lines[0].refused and not found.lines[0].by.get("widened")
    assert [line.by for line in found.lines[1:]] == [line.by for line in known.lines[1:]]


def test_too_many_pairs_are_refused_before_they_are_listed(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = expecting(network, [{"deny": "c/* -> zone0/api:1/tcp"}])
    monkeypatch.setattr(notice, "LISTED", pairs_within(world))
    asked(world, offers=False)
    monkeypatch.setattr(notice, "LISTED", pairs_within(world) - 1)
    with pytest.raises(UndecidedError, match="C717"):
        asked(world, offers=False)


def test_what_is_too_much_to_ask_is_not_noticed(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_many(*_: Any, **__: Any) -> Any:
        raise UndecidedError(Diagnostic("C693", "too many", severity="unknown"))

    world = expecting(network, [{"allow": "a/n/* -> a/n/*:443/tcp"}])
    monkeypatch.setattr("sim.diff.noticed.notice.reach_within", too_many)
    with pytest.raises(UndecidedError):
        asked(world, offers=False)
