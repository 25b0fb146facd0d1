"""What is told of detours goes along: into changed worlds, past what is accepted, and into
certificates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from door_fabrics import OPEN, certified, fabric, front, pod, service, written

import cloison
from cloison.views.world import World
from sim.checker.validity import validity
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove


def test_a_failure_is_looked_at_anew_and_what_was_accepted_stays(tmp_path: Path) -> None:
    path = front(tmp_path, service("s", "a", "x"), rules=[OPEN])
    world = cloison.build(path)
    assert not [*cloison.build(world, down=["border1"]).not_evaluated]
    accepted = cloison.build(world, accept_unevaluated=["Service"])
    for again in (accepted, cloison.build(accepted, down=["leaf2"])):
        (row,) = again.not_evaluated
        assert (row["category"], row["accepted"]) == ("detour", True)


def test_a_certificate_that_hides_a_detour_is_not_valid(tmp_path: Path) -> None:
    path = front(tmp_path, service("s", "a", "x"), rules=[OPEN])
    world = World.of(path)

    blind = replace(world.network, not_evaluated=())
    body = certificate(prove(world.over(blind)), ())
    assert body["verdict"] == "holds"
    assert validity(body, world.network, ()).problems
    assert validity(body, blind, ()).problems


def test_a_door_of_another_kind_does_not_hide_a_detour(tmp_path: Path) -> None:
    """A pod with a host port and a Service of one name are two doors; who accepts one of them has
    not accepted the other, and whoever checks the certificate agrees."""
    rules = [{"name": "in", "from": "zone2/office", "to": "red/@node/*", "ports": ["30090/tcp"]}]
    x = pod("a", "x")
    x["spec"]["containers"][0]["ports"][0]["hostPort"] = 8081
    expect = [{"deny": "zone2/office -> red/a/x"}]
    path = written(tmp_path, fabric(rules, expect), [x, service("x", "a", "x")], [pod("c", "q")])
    world = World.of(path, accept_unevaluated=["Pod"])
    kinds = {r.kind for r in world.network.not_evaluated if not r.accepted}
    assert kinds == {"Service"}
    proof = prove(world)
    assert proof.verdicts() == ["unknown"]
    certified(proof, world.network)


def test_an_axis_and_the_option_of_its_name_make_one_world(tmp_path: Path) -> None:
    """Also of what leads around policies there, forth and back, and of what is accepted."""
    ways = {"red/@node/*": "30090/tcp", "red/a/x": "8080/tcp"}
    rules = [
        {"name": f"r{port[:4]}", "from": "zone2/office", "to": to, "ports": [port]}
        for to, port in ways.items()
    ]
    red = [pod("a", "x", host="host2"), service("x", "a", "x"), pod("b", "y", host="host1")]
    expect = [{"deny": "blue/c/q -> red/a/x"}]
    path = written(tmp_path, fabric(rules, expect), red, [pod("c", "q", host="host3")])
    here = World.of(path)
    down = World.of(path, down=["dpu2"])
    for made in (World.of(path, at={"down": ["dpu2"]}), World.of(here, at={"down": ["dpu2"]})):
        assert made.network.not_evaluated == down.network.not_evaluated
    assert down.network.not_evaluated != here.network.not_evaluated
    back = World.of(down, at={"down": []})
    assert back.network.not_evaluated == here.network.not_evaluated
    accepted = World.of(here, at={"down": ["dpu2"]}, accept_unevaluated=["Service"])
    assert all(r.accepted for r in accepted.network.not_evaluated)
