"""A proof of nobody, of nothing, or of more than can be decided does not hold: it is unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fabric_files import vrf, write_fabric
from worlds import endpoint, network

import cloison
from cloison.cli import main
from sim.wording.verdicts import empty

PODS = ("ns/one@host1", "ns/two@host2", "other/three@host2")
TENANT = {"a": vrf("10.0.0.0/16")}


@pytest.mark.parametrize(
    ("pods", "expect", "why"),
    [
        ((), [], "no pod and no node"),
        (PODS, [], "no `expect:` line"),
    ],
)
def test_a_proof_of_nobody_or_of_nothing_does_not_hold(
    tmp_path: Path, pods: tuple[str, ...], expect: list[Any], why: str
) -> None:
    path = write_fabric(
        tmp_path, {"a": vrf("10.0.0.0/16")} if pods else {}, {"a": pods}, expect=expect
    )
    for verb in ("verify", "simulate"):
        done = CliRunner().invoke(main, [verb, str(path), "-q"])
        assert done.exit_code == 4, done.output
        assert why in " ".join(done.stdout.split())
        data = json.loads(CliRunner().invoke(main, [verb, str(path), "-q", "-o", "json"]).stdout)
        assert (data["verdict"], data["holds"]) == ("unknown", False)
        assert any(why in reason for reason in data["unknown_because"])
    proved = cloison.prove(path)
    assert not proved.holds and "unknown" in repr(proved)


def test_zones_alone_are_nobody() -> None:
    inet = endpoint(0, "zone2/inet", 0, "0.0.0.0/0", host=None)
    (why,) = empty(network(["zone2/main"], [inet]), 1)
    assert "no pod and no node" in why
    pod = endpoint(1, "acme/web/a", 1, "10.0.0.1/32")
    assert not [*empty(network(["zone2/main", "acme/main"], [inet, pod]), 1)]


def test_a_tenant_without_anybody_keeps_a_proof_from_holding(tmp_path: Path) -> None:
    tenants = {"a": vrf("10.0.0.0/16"), "empty": vrf("10.9.0.0/16")}
    path = write_fabric(
        tmp_path, tenants, {"a": PODS}, expect=[{"deny": "a/other/* -> a/ns/one:1/tcp"}]
    )
    world = cloison.build(path)
    lonely = {row["name"] for row in world.not_evaluated if row["kind"] == "Tenant"}
    populated = {e.tenant for e in world.network.endpoints}
    assert lonely == {"a", "empty"} - populated


def test_what_is_too_much_to_decide_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_fabric(tmp_path, TENANT, {"a": PODS})
    monkeypatch.setattr("sim.proof.pairs.reachability.MAX_PAIRS", 1)
    for verb in ("verify", "reach"):
        done = CliRunner().invoke(main, [verb, str(path)])
        assert done.exit_code == 4 and "unknown[C717]" in done.stderr


def test_where_nobody_is_nobody_can_lose_anything(tmp_path: Path) -> None:
    path = write_fabric(tmp_path, {}, {})
    done = CliRunner().invoke(main, ["spof", str(path), "-q"])
    assert done.exit_code == 4
    assert "unknown: there is no pod and no node" in done.stdout
    with pytest.raises(TypeError, match="unknown"):
        bool(cloison.build(path).spof)


FENCE = """\
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: fence, namespace: ns}
"""
SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: ns}
spec: {selector: {app: one}, ports: [{port: 80}]}
"""


def test_a_table_without_rows_is_no_verdict(tmp_path: Path) -> None:
    """In Python `if not cloison.diff(a, b):` must not mean "nothing differs" where that is unknown,
    or where notes tell what does; so with `reach` and what a world lists."""
    paths = []
    for name, more in (("plain", ""), ("fenced", FENCE), ("served", SERVICE)):
        (tmp_path / name).mkdir()
        paths.append(write_fabric(tmp_path / name, TENANT, {"a": PODS}))
        manifest = next(
            p for p in (tmp_path / name).rglob("*.yaml") if "kind: Pod" in p.read_text()
        )
        manifest.write_text(manifest.read_text() + more)
    plain, fenced, served = paths
    same = cloison.diff(plain, plain)
    assert (same.verdict, bool(same)) == ("holds", False)
    for new, verdict in ((fenced, "unknown"), (served, "fails")):
        found = cloison.diff(plain, new)
        assert (len(found), found.verdict) == (0, verdict)
        with pytest.raises(TypeError, match=f"which is {verdict}"):
            bool(found)
    assert (cloison.reach(plain).verdict, bool(cloison.reach(plain))) == ("computed", True)
    none = cloison.reach(fenced, from_="a/ns/one", to="a/ns/two:1/tcp").where(source="nobody")
    assert none.verdict == "unknown"
    with pytest.raises(TypeError, match="unknown"):
        bool(none)
    world, other = cloison.build(plain), cloison.build(fenced)
    assert not world.isolation and not world.changes(world)
    for table in (other.isolation, world.changes(other)):
        with pytest.raises(TypeError, match="unknown"):
            bool(table)
