"""`expect:` lines about Services: each pod behind one, at the ports where that pod gets what the
Service is sent. A line about a Service is compared with lines about each of its pods."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from certificate_changes import changed, changes, places
from door_fabrics import fabric, policy, written
from forger import forged, settle
from hypothesis import given, settings
from hypothesis import strategies as st

from cloison.views.world import World
from fabric.diagnostics import InputError
from sim.checker.consistency import inconsistencies
from sim.checker.expectations.claims import Judge, read
from sim.checker.expectations.service_targets import targets
from sim.checker.expected import expected, policy_of
from sim.checker.validity import differences, validity
from sim.checker.walking.paths import Paths
from sim.proof.certificates.certificate import certificate
from sim.proof.expectations.expect import check_claim, read_claims
from sim.proof.prove import prove

WEB = {"http": 8080, "adm": 9000}
API = {"http": 9090}


def pod(name: str, ports: dict[str, int], app: str = "web", **spec: Any) -> Any:
    held = [{"name": called, "containerPort": number} for called, number in ports.items()]
    about = {"name": name, "namespace": "a", "labels": {"app": app}}
    spec = {"containers": [{"name": "c", "image": "i", "ports": held}], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


def service(name: str, ports: list[Any], **spec: Any) -> Any:
    body = {"selector": {"app": "web"}, "ports": ports} | spec
    about = {"name": name, "namespace": "a"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": body}


def port(number: int, target: int | str, name: str = "") -> Any:
    return {"name": name or f"p{number}", "port": number, "targetPort": target}


def letting(ports: list[int], app: str = "web") -> Any:
    opened = {"ports": [{"port": number} for number in ports]} if ports else None
    rules = [opened] if opened else []
    return policy("a", podSelector={"matchLabels": {"app": app}}, ingress=rules)


PODS = [
    pod("x", WEB),
    pod("y", API),
    pod("c", {}, "client"),
]
ROLLED = {"app": "roll", "pod-template-hash": "5d4f"}
LIVE = pod("live", WEB, "roll")
LIVE["metadata"]["labels"] = ROLLED
ROLLING = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "r", "namespace": "a"},
    "spec": {"selector": {"matchLabels": {"app": "roll"}}, "template": {
        "metadata": {"labels": {"app": "roll"}}, "spec": {"containers": [{"name": "c"}]}}},
}  # fmt: skip
"""A pod that is read as it is, and a template of others that may have the same hash."""
SERVICES = [
    service("rolled", [port(80, 8080)], selector=ROLLED),
    service("s", [port(80, "http")]),
    service("two", [port(80, "http"), port(81, "adm")]),
    service("plain", [port(80, 8080)]),
    service("bare", [port(80, "http")], clusterIP="None"),
    service("hand", [port(80, 8080)], selector=None),
    service("away", [], type="ExternalName", externalName="db.example.org"),
    service("nobody", [port(80, 8080)], selector={"app": "none"}),
    service("lost", [port(80, "http"), port(81, "ghost")]),
]


def world(root: Path, opened: list[int], expect: list[Any], *more: Any) -> World:
    spec = fabric([], expect)
    red = [*PODS, *SERVICES, letting(opened), *more]
    return World.of(written(root, spec, red, [pod("x", {}, "else")]))


def verdicts(root: Path, opened: list[int], *expect: Any) -> list[str]:
    found = world(root, opened, list(expect))
    proof = prove(found)
    body = certificate(proof)
    assert not inconsistencies(body)
    assert not validity(body, found.network, ()).problems
    return proof.verdicts()


CLIENT = "red/a/c"


@pytest.mark.parametrize(
    ("opened", "line", "right"),
    [
        ([8080, 9090], {"allow": f"{CLIENT} -> service a/s"}, "holds"),
        ([8080, 9090], {"allow": f"{CLIENT} -> Service red/a/s:80/tcp"}, "holds"),
        ([8080, 9090], {"allow": f"{CLIENT} -> a/s[Service]:80/tcp"}, "holds"),
        ([8080], {"allow": f"{CLIENT} -> service a/s"}, "fails"),
        ([9090], {"allow": f"{CLIENT} -> service a/s"}, "fails"),
        ([80], {"allow": f"{CLIENT} -> service a/s"}, "fails"),
        ([8080, 9090], {"allow": f"{CLIENT} -> service a/two"}, "fails"),
        ([8080, 9090, 9000], {"allow": f"{CLIENT} -> service a/two"}, "holds"),
        ([9000], {"allow": f"{CLIENT} -> service a/two:81/tcp"}, "holds"),
        ([8080], {"allow": f"{CLIENT} -> service a/plain"}, "holds"),
        ([80], {"deny": f"{CLIENT} -> service a/s"}, "holds"),
        ([8080], {"deny": f"{CLIENT} -> service a/s"}, "fails"),
        ([9090], {"deny": f"{CLIENT} -> service a/s"}, "fails"),
        ([9000], {"deny": f"{CLIENT} -> service a/two:80/tcp"}, "holds"),
        ([9000], {"deny": f"{CLIENT} -> service a/two:80-81/tcp"}, "fails"),
        ([8080, 9090], {"only": f"{CLIENT} -> service a/s"}, "fails"),
        ([80], {"allow": f"{CLIENT} -> service a/bare:80/tcp"}, "holds"),
        ([8080, 9090], {"deny": f"{CLIENT} -> service a/bare:80/tcp"}, "holds"),
        ([80], {"deny": f"{CLIENT} -> service a/bare:80/tcp"}, "fails"),
        ([8080, 9090], {"allow": f"{CLIENT} -> service a/s:p80"}, "holds"),
        ([8080], {"allow": f"{CLIENT} -> service a/s:p80/tcp"}, "fails"),
        ([9000], {"allow": f"{CLIENT} -> service a/two:p81"}, "holds"),
        ([9000], {"deny": f"{CLIENT} -> service a/two:p80"}, "holds"),
        ([9000], {"deny": f"{CLIENT} -> service a/two:p80, 81/tcp"}, "fails"),
        ([9000], {"deny": f"{CLIENT} -> service a/two:80/tcp,p81"}, "fails"),
        ([8080, 9090], {"allow": f"{CLIENT} -> service a/bare:p80"}, "holds"),
        ([80], {"deny": f"{CLIENT} -> service a/bare:p80"}, "holds"),
        ([8080], {"deny": "blue/* -> service a/s", "hold_under": ["any-1-link"]}, "holds"),
        (
            [8080, 9090],
            {"allow": f"{CLIENT} -> service a/s", "hold_under": ["any-1-node", "any-1-link"]},
            "holds",
        ),
    ],
)
def test_verdicts(tmp_path: Path, opened: list[int], line: Any, right: str) -> None:
    assert verdicts(tmp_path, opened, line) == [right]


def test_only_is_about_each_pod_s_own_ports(tmp_path: Path) -> None:
    line = {"only": f"{CLIENT} -> service a/s"}
    own = [
        policy("a", podSelector={"matchLabels": {"own": name}}, ingress=[{"ports": [{"port": n}]}])
        | {"metadata": {"name": name, "namespace": "a"}}
        for name, n in (("x", 8080), ("y", 9090))
    ]
    pods = [pod("x", WEB), pod("y", API)]
    for one in pods:
        one["metadata"]["labels"]["own"] = one["metadata"]["name"]
    red = [*pods, PODS[2], service("s", [port(80, "http")])]
    for extra, right in (([], "holds"), ([letting([8080])], "fails")):
        path = written(tmp_path, fabric([], [line]), [*red, *own, *extra], [])
        proof = prove(World.of(path))
        assert proof.verdicts() == [right]


@pytest.mark.parametrize(
    ("target", "code", "why"),
    [
        ("a/hand", "C710", "it has no selector"),
        ("a/away", "C710", "leads outside, to db.example.org"),
        ("a/nobody", "C710", "no pods behind it"),
        ("a/lost", "C705", "81/tcp of a/lost[Service] leads to no pod: none has ghost"),
        ("a/s:81/tcp", "C705", "a/s[Service] has no such port: 81/tcp"),
        ("a/s:80/udp", "C705", "no such port"),
        ("a/s:icmp", "C705", "no such port"),
        ("a/s:p81", "C705", 'a/s[Service] has no port called "p81"'),
        ("a/s:p80/udp", "C705", 'no port called "p80/udp"'),
        ("a/s:80/tcp, none", "C705", 'no port called "none"'),
        ("a/lost:p81", "C705", "81/tcp of a/lost[Service] leads to no pod: none has ghost"),
        ("a/s:8080", "C701", "is not a port"),
        ("a/s:any except p80", "C701", "is not a port"),
        ("a/t", "C710", 'no Service is called "a/t"'),
        ("a/rolled", "C710", "it selects by label pod-template-hash, which pods of Deployment a/r"),
        ("blue/a/s", "C710", "no Service is called"),
    ],
)
@pytest.mark.parametrize("kind", ["allow", "deny", "only"])
def test_what_is_behind_nobody_knows(
    tmp_path: Path, kind: str, target: str, code: str, why: str
) -> None:
    with pytest.raises(InputError) as caught:
        world(tmp_path, [80], [{kind: f"{CLIENT} -> service {target}"}], LIVE, ROLLING)
    (found,) = caught.value.diagnostics
    assert (found.code, found.span is not None) == (code, True)
    assert why in str(found)


@pytest.mark.parametrize("line", ["service a/s -> red/a/c", "red/a/c <-> service a/s"])
def test_a_service_sends_nothing(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError) as caught:
        world(tmp_path, [80], [{"deny": line}])
    assert "a Service opens no connections" in str(caught.value)


def slices(name: str) -> Any:
    about = {"name": "mine", "namespace": "a", "labels": {"kubernetes.io/service-name": name}}
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": about,
        "addressType": "IPv4", "endpoints": [{"addresses": ["10.8.0.2"]}], "ports": [],
    }  # fmt: skip


def strange(namespace: str) -> Any:
    about = {"name": "more", "namespace": namespace}
    return {"apiVersion": "example.org/v1", "kind": "WebThing", "metadata": about, "spec": {}}


@pytest.mark.parametrize(("more", "right"), [(slices("s"), "unknown"), (strange("a"), "unknown")])
def test_what_may_be_behind_as_well_is_unknown(tmp_path: Path, more: Any, right: str) -> None:
    lines = [{kind: f"{CLIENT} -> service a/s"} for kind in ("allow", "deny")]
    found = prove(world(tmp_path, [8080, 9090], lines[:1], more))
    assert found.verdicts() == [right]
    found = prove(world(tmp_path, [80], lines[1:], more))
    assert found.verdicts() == [right]


def test_a_finding_has_the_pod_s_own_port(tmp_path: Path) -> None:
    (found,) = prove(world(tmp_path, [8080], [{"allow": f"{CLIENT} -> service a/s"}])).findings
    assert found.packet is not None and "red/a/y" in found.packet and ":9090/tcp" in found.packet


NUMBERS = st.lists(st.sampled_from([80, 81, 8080, 9000, 9090]), max_size=4, unique=True)


@pytest.mark.slices(4)
@settings(max_examples=40, deadline=None)
@given(
    opened=NUMBERS,
    kind=st.sampled_from(["allow", "deny", "only"]),
    ends=st.lists(
        st.tuples(st.sampled_from([80, 81]), st.sampled_from([8080, 9000, "http", "adm"])),
        min_size=1, max_size=2, unique_by=lambda p: p[0],
    ),
    asked=st.sampled_from(["", ":80/tcp", ":1-100/tcp", ":any", ":p80", ":p80/tcp"]),
    source=st.sampled_from([CLIENT, "red/*", "blue/*", "*"]),
    held=st.lists(st.sampled_from([WEB, API, {}]), min_size=1, max_size=3),
)  # fmt: skip
def test_a_line_about_a_service_is_a_line_about_each_pod(
    tmp_path_factory: pytest.TempPathFactory,
    opened: list[int],
    kind: str,
    ends: list[tuple[int, int | str]],
    asked: str,
    source: str,
    held: list[dict[str, int]],
) -> None:
    root = tmp_path_factory.mktemp("w")
    pods = [pod(f"w{n}", ports) for n, ports in enumerate(held)]
    wanted = [p for p in ends if "80" not in asked or p[0] == 80]
    by_pod = [
        sorted({number for _, to in wanted if (number := to if isinstance(to, int) else h.get(to))})
        for h in held
    ]
    line = {kind: f"{source} -> service a/s{asked}"}
    each = [
        {kind: f"{source} -> red/a/w{n}:{','.join(f'{number}/tcp' for number in numbers)}"}
        for n, numbers in enumerate(by_pod)
        if numbers
    ]
    red = [*pods, PODS[2], service("s", [port(*p) for p in ends]), letting(opened)]
    blue = [pod("x", {}, "else")]
    known = all(any(to in h for h in held) for _, to in wanted if isinstance(to, str))
    if not (wanted and known):
        with pytest.raises(InputError):
            World.of(written(root, fabric([], [line]), red, blue))
        return
    found = World.of(written(root, fabric([], [line, *each]), red, blue))
    reach = prove(found).reach
    first, *rest = read_claims(found.network.spec, found.network)
    outcomes = [check_claim(reach, claim) for claim in (first, *rest)]
    assert outcomes[0].holds == all(o.holds for o in outcomes[1:])
    assert outcomes[0].pairs == sum(o.pairs for o in outcomes[1:])
    assert sorted(map(str, outcomes[0].breaches)) == sorted(
        str(b) for o in outcomes[1:] for b in o.breaches
    )
    judge = Judge(Paths(found.network, policy_of(found.network)).regions())
    mine = judge.judge(read(str(first), targets(found.network, str(first))))
    assert (mine.holds, mine.pairs) == (outcomes[0].holds, outcomes[0].pairs)


def test_every_altered_leaf_of_targets_is_refused(tmp_path: Path) -> None:
    lines = [
        {"allow": f"{CLIENT} -> service a/s"},
        {"deny": "blue/* -> service a/two", "hold_under": ["any-1-link"]},
        {"deny": "blue/* -> red/*"},
    ]
    network = world(tmp_path, [8080, 9090], lines).network
    written_, wanted = prove(World.of(tmp_path / "w.yaml")), expected(network, ())[0]
    body = json.loads(json.dumps(certificate(written_)))
    assert not differences(body, wanted)
    tried = 0
    for place, value in places(body["claims"], ("claims",)):
        if "targets" not in place:
            continue
        for change in changes(place, value):
            other = changed(body, change)
            if other is not None:
                tried += 1
                assert inconsistencies(other) or differences(other, wanted), str(change)
    assert tried > 200


@pytest.mark.slices(2)
@pytest.mark.parametrize(
    "forge",
    [
        lambda rows: [{**rows[0], "ports": [[6, 8080, 8080, 0, 65535]]}],
        lambda rows: rows[:1],
        lambda rows: [{**r, "ports": [[17, 5, 5, 0, 65535]]} for r in rows],
        lambda rows: [{**r, "endpoints": [0]} for r in rows[:1]],
        lambda rows: [],
        lambda rows: None,
    ],
)
def test_who_forges_targets_is_refused(tmp_path: Path, forge: Any) -> None:
    """Also where everything else follows from what was forged."""
    found = world(tmp_path, [8080], [{"allow": f"{CLIENT} -> service a/s"}])
    body = json.loads(json.dumps(certificate(prove(found))))
    assert body["claims"][0]["holds"] is False

    def forging(copy: Any) -> Any:
        claim = copy["claims"][0]
        if (rows := forge(claim.pop("targets"))) is not None:
            claim["targets"] = rows
        return settle(copy)

    other = forged(body, forging)
    assert inconsistencies(other) or differences(other, expected(found.network, ())[0])


def test_who_checks_finds_no_targets_where_nobody_knows_them(tmp_path: Path) -> None:
    network = world(tmp_path, [8080], [{"deny": "blue/* -> red/*"}], LIVE, ROLLING).network
    for name in (
        "hand",
        "away",
        "nobody",
        "lost",
        "rolled",
        "none",
        "s:81/tcp",
        "s:p81",
        "s:p80/udp",
        "s:80/tcp,none",
        "lost:p81",
    ):
        assert targets(network, f"allow: {CLIENT} -> service a/{name}") == []
    judge = Judge(Paths(network, policy_of(network)).regions())
    for kind in ("allow", "deny", "only"):
        assert not judge.judge(read(f"{kind}: {CLIENT} -> service a/rolled", [])).holds
    assert targets(network, f"allow: {CLIENT} -> red/a/x") is None


@pytest.mark.parametrize(("y", "right"), [("host5", ["spine1"]), ("host2", [])])
def test_a_failure_that_cuts_one_pod_off_breaks_it(
    tmp_path: Path, y: str, right: list[str]
) -> None:
    """One of two pods behind the Service is on the client's pair of leaves, at another port."""
    spec = fabric([], [{"allow": f"{CLIENT} -> service a/s", "hold_under": ["any-1-node"]}])
    spec["sites"]["s"]["leaves"] = 4
    spec["tenants"]["red"]["hosts"] = ["host[1-2]", "host5"]
    hosts = {"c": "host1", "x": "host2", "y": y}
    pods = [
        pod("c", {}, "client", nodeName=hosts["c"]),
        pod("x", WEB, nodeName=hosts["x"]),
        pod("y", API, nodeName=hosts["y"]),
    ]
    path = written(tmp_path, spec, [*pods, service("s", [port(80, "http")])], [])
    found = World.of(path)
    proof = prove(found)
    assert [outcome.under for outcome in proof.under_failure] == right
    body = json.loads(json.dumps(certificate(proof)))
    assert [claim["fails_without"] for claim in body["claims"]] == (right or [None])
    assert not inconsistencies(body)
    assert not validity(body, found.network, ()).problems
    assert all(":9090/tcp" in (f.packet or "") for f in proof.findings)
