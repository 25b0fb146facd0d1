"""A source of policy for a made-up kind of objects: one file (this) and one row (`ROW`).

A `Wall` keeps everybody out of the pods of its namespace with a label, but those of one namespace.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import stage_laws
import yaml
from compiled import compile_network

import cloison
from cloison.loading.how import How
from cloison.verbs.checking import lints as told_by
from cloison.views.access.cluster_reach import ClusterReach
from cloison.views.world import World
from compiler.policy.ir import (
    Action,
    Direction,
    Origin,
    Packet,
    Pods,
    Policy,
    Requirement,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.origin_kinds import Listed, OriginKind
from compiler.policy.semantics import decide
from compiler.policy.source import Source, all_read, no_mistakes, ordered, with_unclaimed
from compiler.program.document import document
from compiler.program.dpu import enforcement_points, tables_of
from compiler.program.walk import verdict
from compiler.sources import SOURCES, network_policy
from fabric.building.cluster import cluster_network
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError
from fabric.kubernetes.files.claimed_kinds import LEFT_TO_SOURCES, ClaimedKind
from fabric.kubernetes.files.kinds import meaning
from fabric.kubernetes.files.wide_selectors import is_wide
from sim.checker.consistency import inconsistencies
from sim.checker.validity import validity
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove

WALL = OriginKind(
    "Wall", declared=False, silent=False, own=False, closing=False, bare=False,
    policy=True, suspicion=(1, 3), listed=Listed.COUNTED,
    said="", whole=False, leads=False, echo=False, lines=False, items=False,
)  # fmt: skip
CLAIM = ClaimedKind("walls.example.org", "Wall", ("v1",), once=True, namespaced=True)


def policy(network: Network) -> Policy:
    """Every wall of every tenant."""
    out = Policy()
    for tenant, manifests in network.manifests.items():
        for number, source in enumerate(manifests.claimed((CLAIM,))):
            value: Any = source.value
            space, name = value["metadata"]["namespace"], value["metadata"]["name"]
            wanted = Requirement("app", "In", frozenset({value["spec"]["around"]}))
            inner = (Pods(tenant, (wanted,), space),)
            guests = (Pods(tenant, (), value["spec"]["guests"]),)
            place = Stage.WORKLOAD, Direction.IN
            span = source.span(("spec",))
            origin = Origin(WALL, f"{tenant}/{space}/{name}", 0, span)
            rule = Rule(*place, 1_000_000 + number, inner, guests, (), Action.PERMIT, origin)
            closed = Selection(*place, inner, Action.DENY, replace(origin, rule=None))
            out += Policy((rule,), (closed,))
    return out


def lints(network: Network, found: Policy | None) -> Iterable[Diagnostic]:
    """No doubts."""
    return ()


ROW = Source("walls", policy, lints, no_mistakes, (CLAIM,), all_read, ordered)
WITH = (*SOURCES, ROW)


def pod(name: str, space: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": space, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": []}}


def wall(guests: str) -> dict[str, Any]:
    meta = {"name": "ring", "namespace": "shop"}
    spec = {"around": "db", "guests": guests}
    return {"apiVersion": "walls.example.org/v1", "kind": "Wall", "metadata": meta, "spec": spec}


def written(folder: Path, *more: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    objects = [pod("db", "shop"), pod("cart", "shop"), pod("spy", "wild"), *more]
    (folder / "all.yaml").write_text(yaml.safe_dump_all(objects))
    return folder


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[tuple[World, World, World]]:
    """Without the source; with it; and with it where other guests are let in."""
    inside, outside = written(tmp_path / "a", wall("shop")), written(tmp_path / "b", wall("wild"))
    with_it = How(sources=WITH)
    yield World.read([inside]), World.read([inside], with_it), World.read([outside], with_it)
    assert ROW not in SOURCES


Worlds = tuple[World, World, World]


def test_without_the_source_the_world_is_unknown_with_it_decided(worlds: Worlds) -> None:
    unknown, known, _ = worlds
    assert [record.kind for record in unknown.network.not_evaluated] == ["Wall"]
    assert prove(unknown).pending
    assert known.network.not_evaluated == ()
    assert not prove(known).pending


def test_explain_names_its_line(worlds: Worlds) -> None:
    _, known, _ = worlds
    db = "cluster/shop/db:80/tcp"
    shut = str(cloison.explain(known, "cluster/wild/spy", db))
    assert "Wall shop/ring" in shut
    assert "all.yaml" in shut
    assert "deny" in shut.lower()
    assert "allow" in str(cloison.explain(known, "cluster/shop/cart", db)).lower()


def test_replay_agrees_with_reach(worlds: Worlds) -> None:
    _, known, other = worlds
    for world, guest in ((known, "cart"), (other, "spy")):
        pairs = {
            (row["source"].rpartition("/")[2], row["destination"].rpartition("/")[2])
            for row in cloison.reach(world)
        }
        assert {a for a, b in pairs if b == "db"} & {"cart", "spy"} == {guest}
        assert "disagree" not in str(cloison.replay(world))


def test_diff_says_which_declaration_changed(worlds: Worlds) -> None:
    _, known, other = worlds
    rows = list(cloison.diff(known, other))
    assert rows
    assert any("Wall cluster/shop/ring" in str(row) for row in rows)
    assert list(cloison.diff(known, known)) == []


def test_dumps_carry_it(worlds: Worlds) -> None:
    _, known, _ = worlds
    points = enforcement_points(known.program)
    texts = [str(document(known.program, tables_of(known.program, vtep))) for vtep in points]
    assert any("'kind': 'Wall'" in text for text in texts)


def test_its_doubts_are_told(tmp_path: Path) -> None:
    """By `check` and beside the list of who reaches whom, as those of the house are."""
    doubt = Diagnostic("W999", "a wall without a door", None, None, "warning")
    how = How(sources=(*SOURCES, replace(ROW, lints=lambda network, found: (doubt,))))
    world = World.read([written(tmp_path / "a", wall("shop"))], how)
    told = tuple(told_by(world.network, world.policy_read, how))
    assert doubt in told
    text = ClusterReach.of(world, None, None, told).written("json")
    assert [d["code"] for d in json.loads(text)["diagnostics"]].count("W999") == 1


def test_what_no_source_claims_is_not_evaluated(tmp_path: Path) -> None:
    """Also what those of the house read: without the claim nobody evaluates it."""
    isolate = {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "shut", "namespace": "shop"}, "spec": {"podSelector": {}},
    }  # fmt: skip
    network = cluster_network([written(tmp_path, isolate)])
    assert with_unclaimed(network, SOURCES) is network
    without = tuple(s for s in SOURCES if s is not network_policy.SOURCE)
    assert [r.title for r in with_unclaimed(network, without).not_evaluated] == [
        "NetworkPolicy shop/shut"
    ]
    assert compile_network(network, without).network.not_evaluated


def test_what_nobody_evaluates_inside_a_claimed_object_stays_told(tmp_path: Path) -> None:
    """A source of Deployments would not see other networks of their pods, nor any source of doors
    where a hostPort leads."""
    bare = {"name": "c", "image": "x", "ports": [{"containerPort": 80, "hostPort": 80}]}
    annotations = {"k8s.v1.cni.cncf.io/networks": "fast"}
    template = {
        "metadata": {"labels": {"app": "web"}, "annotations": annotations},
        "spec": {"containers": [bare]},
    }
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    meta = {"name": "web", "namespace": "shop"}
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
    network = cluster_network([written(tmp_path, wall("shop"), web)])
    told = {r.category for r in network.not_evaluated if r.kind == "Deployment"}
    assert told == {"field", "door"}
    deployments = ClaimedKind("apps", "Deployment", ("v1",), once=True, namespaced=True)
    reader = replace(ROW, claims=(CLAIM, deployments))
    left = with_unclaimed(network, (*SOURCES, reader)).not_evaluated
    assert left == tuple(r for r in network.not_evaluated if r.kind == "Deployment")


def test_half_done_it_claims_nothing_and_so_decides_nothing(tmp_path: Path) -> None:
    half = (*SOURCES, replace(ROW, claims=()))
    world = World.read([written(tmp_path, wall("shop"))], How(sources=half))
    assert prove(world).pending


def named_wall(place: str | None, guests: str) -> dict[str, Any]:
    meta = {"name": "ring"} | ({"namespace": place} if place else {})
    return {**wall(guests), "metadata": meta}


@pytest.mark.parametrize(
    ("namespaced", "places", "said"),
    [
        (True, ("shop", "shop"), "Wall/shop/ring stands already at"),
        (True, ("shop", "wild"), None),
        (False, (None, None), "Wall ring stands already at"),
        (False, ("shop", "wild"), "Wall ring stands already at"),
    ],
)
def test_a_claim_says_what_stands_once(
    tmp_path: Path, namespaced: bool, places: tuple[str | None, ...], said: str | None
) -> None:
    """With other contents it is unclear which counts; with the same it is one object."""
    claim, asked = CLAIM._replace(namespaced=namespaced), list[int]()

    def counted(network: Network) -> Policy:
        asked.extend(len(m.claimed((claim,))) for m in network.manifests.values())
        return Policy()

    row = replace(ROW, claims=(claim,), policy=counted)
    walls = [named_wall(place, guests) for place, guests in zip(places, "ab", strict=True)]
    files = written(tmp_path / "twice", *walls)
    if said is None:
        World.read([files], How(sources=(*SOURCES, row)))
        assert asked == [2]
    else:
        with pytest.raises(InputError, match=said) as error:
            World.read([files], How(sources=(*SOURCES, row)))
        assert error.value.diagnostics[0].code == "C608"
    many = replace(row, claims=(claim._replace(once=False),))
    world = World.read([files], How(sources=(*SOURCES, many)))
    assert world.network.not_evaluated == ()
    same = written(tmp_path / "same", walls[0], walls[0])
    asked.clear()
    world = World.read([same], How(sources=(*SOURCES, row)))
    assert asked == [1]
    assert world.network.not_evaluated == ()


def test_what_the_house_claims_stands_once() -> None:
    """And has a namespace, unless it is about the whole cluster: the reader knows these kinds, but
    for those of a dialect, which its source reads."""
    claims = [claim for source in SOURCES for claim in source.claims]
    assert all(claim.once for claim in claims)
    for claim in (claim for claim in claims if not claim.dialect):
        about = {"apiVersion": f"{claim.group}/{claim.versions[0]}", "kind": claim.kind}
        assert claim.namespaced is not is_wide(about)
    ours = {claim.kind: claim.namespaced for claim in claims if claim.dialect}
    assert [kind for kind, namespaced in ours.items() if namespaced] == ["CiliumNetworkPolicy"]


def test_what_is_left_to_sources_is_what_they_claim() -> None:
    """The rest of what they claim is told as a policy that nobody evaluates, where none does."""
    claims = [c for source in SOURCES for c in source.claims]
    told = {c for c in claims if meaning(c.group, c.versions[0], c.kind).way == "policy"}
    assert {c for c in claims if c not in told} == {*LEFT_TO_SOURCES}
    assert {c.group for c in told} == {"policy.networking.k8s.io", "cilium.io"}


def test_a_kind_of_origin_that_nobody_declared_stops_where_it_is_made() -> None:
    with pytest.raises(LookupError, match="Wall"):
        Origin("Wall", "ring")  # type: ignore[arg-type]


def test_definition_entries_blocks_and_checker_agree(worlds: Worlds) -> None:
    """About every pair of pods, in both directions; and the certificate is the one deserved."""
    for world in worlds[1:]:
        ends, policy = world.network.endpoints, world.policy_read
        for local, remote, way in product(ends, ends, Direction):
            for prefix, port in product(remote.prefixes, (80, 5432)):
                at = prefix.version, int(prefix[0]), remote.vrf
                packet = Packet(way, local.index, *at, 6, 40000, port)
                found = decide(policy, world.network, packet)
                assert verdict(world.program, packet) == found
                assert stage_laws.permitted(world.blocks, packet) == found.permit
        written = json.loads(json.dumps(certificate(prove(world))))
        assert inconsistencies(written) == []
        assert validity(written, world.network, (), policy).problems == []


def test_half_done_it_cannot_be_made() -> None:
    whole = {f.name: getattr(ROW, f.name) for f in fields(ROW)}
    for left_out in whole:
        with pytest.raises(TypeError, match=left_out):
            Source(**{name: value for name, value in whole.items() if name != left_out})
