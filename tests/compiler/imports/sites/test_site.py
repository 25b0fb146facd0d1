"""Devices together, against lists and filters asked one by one."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from random import Random

import pytest

import cloison
from cloison.views.world import World
from compiler.imports.acl_verdict import AclPacket, verdict_of
from compiler.imports.config_folder import read_folder
from compiler.imports.sites.host_ends import host_ends
from compiler.imports.sites.import_targets import exported
from compiler.imports.sites.site import site
from compiler.policy.fields import STATES
from compiler.policy.ir import Direction, Packet
from compiler.program.walk import required, walk
from fabric.diagnostics import InputError, UndecidedError
from sim.worlds.world import World as Plain

NVUE = Path(__file__).parents[1] / "nvue"
IMPORTED = read_folder(NVUE, ("nvue",))
SITE = site(IMPORTED)
WORLD = World(SITE.network, SITE.policy)
HOST1, HOST2, PEER = "vpc_100/dpu1/pf0hpf_if", "vpc_100/dpu2/pf0hpf_if", "vpc_300/dpu2/pf0vf3_if"


def several(text: str) -> list[str]:
    """Addresses that lists and networks of the files tell apart, and others."""
    return text.split()


REMOTES = several(
    "10.1.0.9 10.1.9.9 10.2.0.1 10.2.0.200 10.3.0.4 10.1.0.70 203.0.113.9 255.255.255.255"
    " 2001:db8:1::9 2001:db8:9::9 2001:db8:2::1"
)
PORTS = (*((40000, p) for p in (0, 22, 53, 80, 443, 8000, 8050, 8101)), (68, 67), (22, 40000))


def test_tables_say_what_the_lists_say() -> None:
    """The law: for every end and direction, what the compiled group says of a packet is what the
    lists say entry by entry; where they are undecided, the group permits under conditions."""
    chance, world = Random(7), Plain(SITE.network, SITE.policy)
    devices = {d.name: d for d in IMPORTED.devices}
    met = set()
    for end in SITE.network.endpoints:
        if end.kind != "pod":
            continue
        device = devices[end.namespace or ""]
        for _ in range(3000):
            way = chance.choice(("in", "out"))
            remote = ip_address(chance.choice(REMOTES))
            mine = [p for p in end.prefixes if p.version == remote.version]
            if not mine:
                continue
            own = chance.choice(mine)[0]
            protocol = chance.choice((1, 6, 17, 58))
            sport, dport = chance.choice(PORTS)
            state = chance.choice(STATES)
            ends = (own, remote) if way == "in" else (remote, own)
            wanted = verdict_of(
                device, end.workload or "", way, AclPacket(*ends, protocol, sport, dport, state)
            )
            packet = Packet(
                Direction.OUT if way == "in" else Direction.IN, end.index, remote.version,
                int(remote), end.vrf, protocol, sport, dport, (("state", STATES.index(state)),),
            )  # fmt: skip
            steps = [(g, e) for g, e in walk(world.program, packet) if g.stage.name == "ACCESS"]
            if not steps:
                said = "permit"
            else:
                ((_, entry),) = steps
                said = "deny" if entry.action == 0 else "permit"
                said = "unknown" if required((entry,)) else said
            assert said == wanted.verdict, (end.name, way, packet, wanted)
            if steps and wanted.entry is not None and wanted.verdict != "unknown":
                assert world.program.origins[entry.origin].span == wanted.span
            met.add((wanted.verdict, way))
    assert met == {
        ("permit", "in"),
        ("permit", "out"),
        ("deny", "in"),
        ("deny", "out"),
        ("unknown", "in"),
    }


def test_ends_have_every_address_of_their_networks_but_the_devices() -> None:
    dpu1, dpu2 = IMPORTED.devices
    vpc = dpu1.vrf("vpc_100") or pytest.fail()
    ends = list(host_ends(dpu1, vpc))
    assert [e.name for e in ends] == ["pf0hpf_if", "pf0hpf_if~2"]
    owned = sum(b - a + 1 for e in ends for a, b in e.v4)
    assert owned == 253 + 256  # a /24 without network, broadcast, router; and a static /24
    assert not any(a <= int(ip_address("10.1.0.1")) <= b for e in ends for a, b in e.v4)
    (bridged,) = host_ends(dpu1, dpu1.vrf("vpc_200") or pytest.fail())
    assert (bridged.name, bridged.interface, bridged.ports) == (
        "pf0vf0_if",
        "vlan20",
        ("pf0vf0_if",),
    )
    (pair,) = host_ends(dpu2, dpu2.vrf("vpc_100") or pytest.fail())
    assert [str(p) for p in pair.prefixes] == ["10.2.0.1/32", "2001:db8:2::1/128"]


def test_a_packet_that_a_list_denies_is_denied_whatever_neighbours_announce() -> None:
    for target in ("10.2.0.1:443", "8.8.8.8:53/udp"):
        found = cloison.explain(WORLD, HOST1, target)
        assert found.verdict == "deny", target
    assert "dpu1.yaml:18:" in cloison.explain(WORLD, HOST1, "10.2.0.1:443").blame


def test_what_neighbours_may_announce_is_unknown_and_not_absent() -> None:
    for source, target in ((PEER, "10.1.0.200:22"), (HOST2, "8.8.8.8:22"), (HOST1, "8.8.8.8:22")):
        found = cloison.explain(WORLD, source, target)
        assert found.verdict == "unknown"
        kinds = {record.kind for record in found.explanation.touched_by}
        assert "Neighbour" in kinds
    nowhere = cloison.explain(WORLD, "vpc_200/dpu1/pf0vf0_if", "10.2.0.1:22")
    assert nowhere.verdict == "unknown"


def test_what_crosses_the_fabric_that_nobody_gave_is_unknown_until_it_is_accepted() -> None:
    found = cloison.explain(WORLD, HOST2, f"{HOST1}:80")
    assert found.verdict == "unknown" and found.explanation.computed == "allow"
    world = cloison.world(NVUE, accept_unevaluated=["Underlay", "Neighbour"])
    accepted = cloison.explain(world, HOST2, f"{HOST1}:80")
    assert accepted.verdict == "allow"
    rows = {(r["source"], r["destination"]): r["verdict"] for r in cloison.reach(WORLD)}
    assert rows[HOST2, HOST1] == "unknown"


def test_route_targets_lead_where_they_say_and_name_their_line() -> None:
    found = cloison.explain(WORLD, HOST1, f"{PEER}:443/udp")
    steps = [s for s in found.explanation.rows() if s["what"] == "route"]
    assert "import RT 65000:300 (configured)" in str(steps)
    text = NVUE.joinpath("dpu1.yaml").read_text().splitlines()
    line = next(n for n, t in enumerate(text, 1) if t.strip() == "65000:300: {}")
    assert f"dpu1.yaml:{line}:" in str(steps)
    prefixes = {(r["vrf"], r["prefix"]): r["via"] for r in WORLD.routes}
    assert ("vpc_100/dpu1", "10.3.0.0/24") in prefixes
    assert ("vpc_300/dpu2", "10.1.0.0/24") not in prefixes
    assert ("vpc_100/dpu2", "10.99.0.1/32") not in prefixes, "the route map to EVPN drops it"
    assert ("vpc_100/dpu2", "10.7.0.0/24") in prefixes
    assert not any("10.20.0." in p for v, p in prefixes if v != "vpc_200/dpu1")


def test_auto_takes_any_asn_with_the_vni(tmp_path: Path) -> None:
    text = NVUE.joinpath("dpu2.yaml").read_text()
    other = text.replace("vpc_300", "vpc_777").replace("65000:300", "4242:200")
    for name, body in (("dpu1", NVUE.joinpath("dpu1.yaml").read_text()), ("dpu3", other)):
        (tmp_path / f"{name}.yaml").write_text(body)
    world = cloison.world(tmp_path)
    vias = [
        r["via"] for r in world.routes if (r["vrf"], r["prefix"]) == ("vpc_200/dpu1", "10.3.0.0/24")
    ]
    assert vias and "vpc_777/dpu3" in str(vias)


def test_no_evpn_no_routes(tmp_path: Path) -> None:
    """Each switch alone keeps routes away."""
    (tmp_path / "dpu1.yaml").write_text(NVUE.joinpath("dpu1.yaml").read_text())
    whole = NVUE.joinpath("dpu2.yaml").read_text()
    switches = (
        "    nve:\n      vxlan:\n        enable: on",
        "    evpn:\n      enable: on\n",
        "                  l2vpn-evpn:\n                    enable: on",
        "        autonomous-system: 4200000002\n        enable: on",
    )
    offs = {on: on.replace(": on", ": off") for on in switches}
    for old, new in offs.items():
        assert old in whole
        (tmp_path / "dpu2.yaml").write_text(whole.replace(old, new, 1))
        prefixes = {(r["vrf"], r["prefix"]) for r in cloison.world(tmp_path).routes}
        assert ("vpc_100/dpu1", "10.2.0.0/31") not in prefixes, old
        assert ("vpc_100/dpu2", "10.1.0.0/24") not in prefixes, old


def test_verbs_that_would_make_numbers_up_refuse() -> None:
    for ask in (
        lambda: WORLD.sessions,
        lambda: WORLD.nodes and cloison.replay(WORLD, random=5),
        lambda: cloison.compile(WORLD),
    ):
        try:
            found = ask()
        except UndecidedError as error:
            assert error.diagnostics[0].code == "C842"
        else:
            assert found is not None
    with pytest.raises(UndecidedError, match="C842"):
        _ = WORLD.sessions
    with pytest.raises(UndecidedError, match="C842"):
        cloison.replay(WORLD, random=5)


def test_a_name_that_no_answer_can_use(tmp_path: Path) -> None:
    path = tmp_path / "dpu 1.yaml"
    path.write_text("- set: {}\n")
    with pytest.raises(InputError, match="C841"):
        cloison.world(tmp_path)


def test_a_comparison_of_two_imports(tmp_path: Path) -> None:
    for path in NVUE.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text())
    here = tmp_path / "dpu2.yaml"
    here.write_text(
        here.read_text().replace(
            "            action:\n              deny: {}",
            "            action:\n              permit: {}",
            1,
        )
    )
    accept = ("Underlay", "Neighbour", "Interface")
    found = cloison.diff(NVUE, tmp_path, accept_unevaluated=accept)
    assert {(r["source"][:13], r["destination"]) for r in found} == {("vpc_100/dpu1/", HOST2)}
    assert all(r["change"] == "gained" for r in found)
    assert len(cloison.diff(NVUE, NVUE, accept_unevaluated=accept)) == 0


def test_nobody_said_what_is_wanted_so_nothing_holds() -> None:
    proof = cloison.prove(
        cloison.world(NVUE, accept_unevaluated=["Underlay", "Neighbour", "Interface"])
    )
    assert proof.proof.findings == [] or proof.proof.findings == ()
    assert not proof


def test_targets_that_devices_make_themselves() -> None:
    """The low half of the AS number and the VNI (RFC 8365 §5.1.2.1)."""
    dpu1 = IMPORTED.devices[0]
    assert exported(dpu1, dpu1.vrf("vpc_200") or pytest.fail()) == (f"{4200000001 & 0xFFFF}:200",)
    assert exported(dpu1, dpu1.vrf("vpc_100") or pytest.fail()) == ("65000:100",)


LITE = """- set:
    interface:
      pf0hpf_if: {ip: {address: {10.1.0.1/24: {}}, vrf: red}, type: swp}
      p0_if: {ip: {address: {172.16.0.0/31: {}}, vrf: red}, type: swp}
    router: {bgp: {autonomous-system: 65001, enable: on, router-id: 192.0.2.1}}
    vrf:
      red:
        router:
          bgp:
            enable: on
            neighbor: {172.16.0.1: {remote-as: external, type: numbered}}
"""


@pytest.mark.parametrize(
    ("text", "verdict"), [(LITE, "unknown"), (LITE.partition("    router:")[0], "deny")]
)
def test_neighbours_of_a_vrf_may_announce_anything(tmp_path: Path, text: str, verdict: str) -> None:
    """Whether or not EVPN carries the VRF."""
    (tmp_path / "leaf1.yaml").write_text(text)
    found = cloison.explain(cloison.world(tmp_path), "10.1.0.5", "198.51.100.8")
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("way", "verdict"),
    [
        ("via: {p2: {type: interface}}", "allow"),
        ("via: {blackhole: {type: blackhole}}", "deny"),
        ("via: {p2: {type: blackhole}}", "unknown"),
        ("via: {p2: {type: interfacex}}", "unknown"),
        ("via: {p2: {}}", "unknown"),
        ("via: {p2: {type: interface}}, distance: 1", "allow"),
        ("via: {p2: {type: interface}}, distance: {'255': {}}", "unknown"),
        ("distance: {'9': {via: {p2: {type: interface}}}}", "unknown"),
    ],
)
def test_static_routes_lead_where_their_kind_says(tmp_path: Path, way: str, verdict: str) -> None:
    text = (
        "- set:\n    interface: {p1: {ip: {vrf: a}}, p2: {ip: {vrf: a}}}\n    vrf:\n      a:\n"
        "        router:\n          static:\n"
        "            10.0.0.0/24: {via: {blackhole: {type: blackhole}}}\n"
        "            10.0.0.1/32: {via: {p1: {type: interface}}}\n"
        f"            10.0.0.2/32: {{{way}}}\n"
    )
    (tmp_path / "d.yaml").write_text(text)
    world = cloison.world(tmp_path)
    assert cloison.explain(world, "a/d/p1", "10.0.0.2:80").verdict == verdict
