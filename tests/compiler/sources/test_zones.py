"""Zone rules, boot services and host states, decided packet by packet."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from worlds import endpoint, network

from compiler.policy.ir import (
    Action,
    Direction,
    Everyone,
    Origin,
    Packet,
    Policy,
    Selection,
    Stage,
)
from compiler.policy.selectors import selects
from compiler.policy.semantics import decide
from compiler.policy.stages import STAGES
from compiler.sources import zones
from fabric.building.network import Network
from fabric.checks import host_states
from fabric.checks.known_names import survey
from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec
from fabric.values.ports import PROTOCOLS

STATES = {"host1": "ready", "host2": "provisioning", "host3": "quarantined"}
API = {"name": "api", "from": "*/@node/*", "to": "zone0/api", "ports": ["6443/tcp"]}
DHCP = {
    "name": "dhcp",
    "from": "*/@node/*",
    "to": "zone0/boot",
    "ports": ["67/udp"],
    "source_ports": ["68/udp"],
    "states": ["provisioning", "ready"],
}
KUBELET = {"name": "kubelet", "from": "zone0/api", "to": "*/@node/*", "ports": ["10250/tcp"]}


def world(**rules: Any) -> Network:
    sections: dict[str, Any] = {"zone0": {}, "zone1": {}, "zone2": {}}
    for name, value in rules.items():
        zone, section = name.split("_")
        sections[zone][section] = value
    spec = FabricSpec.model_validate(
        {
            "cloison": 1,
            "name": "test",
            "sites": {"a": {}},
            "hosts": {host: {"state": state} for host, state in STATES.items()},
            "zones": sections,
        }
    )
    nodes = [
        endpoint(i, f"acme/@node/{host}", 0, f"100.64.0.{i}/32", host=host, state=state)
        for i, (host, state) in enumerate(STATES.items())
    ]
    others = [
        endpoint(3, "acme/web/a", 0, "10.0.0.1/32"),
        endpoint(4, "zone0/api", 1, "192.0.2.1/32", host=None),
        endpoint(5, "zone0/boot", 1, "192.0.2.2/32", host=None),
        endpoint(6, "zone2/inet", 2, "0.0.0.0/0", host=None),
        endpoint(7, "globex/web/a", 3, "10.0.0.1/32", host="host4"),
    ]
    built = network(["acme/main", "zone0/main", "zone2/main", "globex/main"], [*nodes, *others])
    return replace(built, spec=spec)


def verdicts(
    net: Network, source: str, target: str, port: str, sport: int = 40000
) -> tuple[Stage | None, Stage | None]:
    """The stage that denied at OUT and at IN; None for a permit."""
    ends = {e.name: e for e in net.endpoints}
    a, b = ends[source], ends[target]
    number, _, protocol = port.partition("/")
    stages = []
    for direction, near, far in ((Direction.OUT, a, b), (Direction.IN, b, a)):
        ip = int(far.prefixes[0].network_address) + (far.name == "zone2/inet") * 0xC6120001
        packet = Packet(
            direction, near.index, 4, ip, far.vrf, PROTOCOLS[protocol], sport, int(number)
        )
        stages.append(decide(zones.policy(net), net, packet).stage)
    return stages[0], stages[1]


OPEN = (None, None)
DENIED0 = (Stage.ZONE0, Stage.ZONE0)
DENIED2 = (Stage.ZONE2, Stage.ZONE2)


def test_zones_are_closed_by_default_and_open_inside() -> None:
    net = world()
    tenant, zone0, zone2 = "acme/@node/host1", "zone0/api", "zone2/inet"
    for a, b in ((tenant, zone0), (zone0, tenant), (zone2, zone0), (zone0, zone2)):
        assert verdicts(net, a, b, "443/tcp") == DENIED0
    for a, b in ((tenant, zone2), (zone2, tenant)):
        assert verdicts(net, a, b, "443/tcp") == DENIED2
    assert verdicts(net, "zone0/api", "zone0/boot", "443/tcp") == OPEN
    assert verdicts(net, "acme/web/a", "globex/web/a", "443/tcp") == OPEN


def test_a_service_opens_its_port_in_its_direction() -> None:
    net = world(zone0_services=[API, KUBELET])
    assert verdicts(net, "acme/@node/host1", "zone0/api", "6443/tcp") == OPEN
    assert verdicts(net, "acme/@node/host1", "zone0/api", "6444/tcp") == DENIED0
    assert verdicts(net, "acme/@node/host1", "zone0/boot", "6443/tcp") == DENIED0
    assert verdicts(net, "acme/web/a", "zone0/api", "6443/tcp") == DENIED0
    assert verdicts(net, "zone0/api", "acme/@node/host1", "6443/tcp") == DENIED0
    assert verdicts(net, "zone0/api", "acme/@node/host1", "10250/tcp") == OPEN


def test_source_ports_matter() -> None:
    net = world(zone0_services=[DHCP])
    assert verdicts(net, "acme/@node/host1", "zone0/boot", "67/udp", sport=68) == OPEN
    assert verdicts(net, "acme/@node/host1", "zone0/boot", "67/udp", sport=69) == DENIED0


def test_source_ports_of_another_protocol_open_nothing() -> None:
    net = world(zone0_services=[{**DHCP, "source_ports": ["68/tcp"]}])
    for protocol in ("udp", "tcp"):
        assert verdicts(net, "acme/@node/host1", "zone0/boot", f"67/{protocol}", 68) == DENIED0


def test_a_provisioning_host_boots_and_does_nothing_else() -> None:
    net = world(zone0_services=[API, DHCP], zone1_rules=[rule("acme/*", "acme/*", "permit")])
    booting, ready = "acme/@node/host2", "acme/@node/host1"
    assert verdicts(net, booting, "zone0/boot", "67/udp", sport=68) == OPEN
    assert verdicts(net, booting, "zone0/api", "6443/tcp") == DENIED0
    assert verdicts(net, booting, ready, "22/tcp") == (Stage.OVERRIDE, None)
    assert verdicts(net, ready, booting, "22/tcp") == (None, Stage.OVERRIDE)


def test_what_lets_a_host_boot_is_a_service_for_such_hosts() -> None:
    """Also where one for ready hosts opens the same ports before it."""
    service = {**DHCP, "name": "lease", "states": ["ready"]}
    policy = zones.policy(world(zone0_services=[service, DHCP]))
    final = {r.origin.name for r in policy.rules if r.action is Action.PERMIT_FINAL}
    assert final == {"zone0 dhcp"}


def test_at_a_booting_host_a_boot_service_is_all_that_is_asked() -> None:
    """Also where isolation and workload policies let nothing pass; elsewhere these count."""
    net = world(zone0_services=[DHCP])
    closed = tuple(
        Selection(stage, direction, (Everyone(),), Action.DENY, Origin("default", "closed"))
        for stage in (Stage.ISOLATION, Stage.WORKLOAD)
        for direction in Direction
    )
    policy = zones.policy(net) + Policy((), closed)
    ends = {e.name: e for e in net.endpoints}
    for host, denied in (("host2", None), ("host1", Stage.ISOLATION)):
        near, far = ends[f"acme/@node/{host}"], ends["zone0/boot"]
        ip = int(far.prefixes[0].network_address)
        packet = Packet(Direction.OUT, near.index, 4, ip, far.vrf, PROTOCOLS["udp"], 68, 67)
        assert decide(policy, net, packet).stage is denied


def test_a_boot_service_for_everyone_opens_zone_0_alone() -> None:
    everywhere = {**DHCP, "from": "*", "to": ["*", "zone2/inet"]}
    net = world(zone0_services=[everywhere])
    booting = "acme/@node/host2"
    assert verdicts(net, booting, "zone0/boot", "67/udp", sport=68) == OPEN
    assert verdicts(net, "zone0/boot", booting, "67/udp", sport=68) == OPEN
    for other in ("acme/web/a", "globex/web/a", "acme/@node/host1"):
        assert verdicts(net, booting, other, "67/udp", sport=68)[0] is Stage.OVERRIDE
        assert verdicts(net, other, booting, "67/udp", sport=68)[1] is Stage.OVERRIDE
    assert verdicts(net, booting, "zone2/inet", "67/udp", sport=68)[0] is Stage.OVERRIDE


def test_a_boot_service_that_is_denied_to_one_host_stays_so() -> None:
    denied = {**DHCP, "name": "not-here", "action": "deny", "from": "acme/@node/host2", "to": "*"}
    net = world(zone0_services=[denied, {**DHCP, "from": "*"}])
    for other in ("zone0/boot", "acme/web/a"):
        assert verdicts(net, "acme/@node/host2", other, "67/udp", sport=68)[0] is not None


def test_a_quarantined_host_is_cut_off_and_the_line_is_named() -> None:
    net = world(zone0_services=[{**DHCP, "states": ["quarantined"]}])
    lost, ready = "acme/@node/host3", "acme/@node/host1"
    assert verdicts(net, lost, ready, "22/tcp") == (Stage.OVERRIDE, None)
    assert verdicts(net, ready, lost, "22/tcp") == (None, Stage.OVERRIDE)
    assert verdicts(net, lost, "zone0/boot", "67/udp", sport=68) == (Stage.OVERRIDE, None)
    origins = {str(r.origin) for r in zones.policy(net).rules if r.stage is Stage.OVERRIDE}
    assert "host state host3 quarantined" in origins


def rule(source: str, target: str, action: str, **more: Any) -> dict[str, Any]:
    return {"name": "r", "action": action, "from": source, "to": target, **more}


def test_the_first_rule_of_a_zone_decides() -> None:
    rules = [
        rule("acme/web/*", "zone2/inet", "deny", ports=["25/tcp"]),
        rule("acme/*", "zone2/*", "permit"),
    ]
    net = world(zone2_rules=rules)
    assert verdicts(net, "acme/web/a", "zone2/inet", "25/tcp") == DENIED2
    assert verdicts(net, "acme/web/a", "zone2/inet", "443/tcp") == OPEN
    assert verdicts(net, "acme/@node/host1", "zone2/inet", "25/tcp") == OPEN
    assert verdicts(net, "acme/@node/host2", "zone2/inet", "25/tcp")[1] is Stage.ZONE2


def test_a_rule_for_everyone_speaks_only_of_its_zone() -> None:
    net = world(zone0_rules=[rule("*", "*", "deny")], zone2_rules=[rule("*", "*", "permit")])
    assert verdicts(net, "acme/web/a", "globex/web/a", "80/tcp") == OPEN
    assert verdicts(net, "acme/web/a", "zone2/inet", "80/tcp") == OPEN
    assert verdicts(net, "zone2/inet", "globex/web/a", "80/tcp") == OPEN
    assert verdicts(net, "zone0/api", "zone0/boot", "80/tcp") == DENIED0


def test_zone1_rules_override_both_ways_round() -> None:
    net = world(zone1_rules=[rule("acme/web/*", "globex/*", "deny", ports=["22/tcp"])])
    denied = (Stage.OVERRIDE, Stage.OVERRIDE)
    assert verdicts(net, "acme/web/a", "globex/web/a", "22/tcp") == denied
    assert verdicts(net, "acme/web/a", "globex/web/a", "23/tcp") == OPEN
    assert verdicts(net, "globex/web/a", "acme/web/a", "22/tcp") == OPEN


def test_orders_are_unique_per_stage_direction_and_endpoint() -> None:
    net = world(
        zone0_services=[API, DHCP],
        zone0_rules=[rule("*", "*", "permit")],
        zone1_rules=[rule("*", "*", "deny")],
        zone2_rules=[rule("*", "*", "permit")],
    )
    for stage, direction, local in product(STAGES, Direction, net.endpoints):
        orders = [
            r.order
            for r in zones.policy(net).rules
            if (r.stage, r.direction) == (stage, direction)
            and any(selects(m, local, net) for m in r.local)
        ]
        assert len(orders) == len(set(orders))


def test_rules_that_select_nobody_are_worth_a_warning() -> None:
    net = world(zone0_services=[API], zone2_rules=[rule("acne/*", "zone2/inet", "permit")])
    assert [(d.code, "acne" in d.message) for d in zones.lints(net)] == [("C691", True)]


LISTING = {
    ("zone0", "services"): rule("acme/@node/*", "zone0/boot", "permit"),
    ("zone0", "rules"): rule("acme/@node/*", "zone0/boot", "permit"),
    ("zone1", "rules"): rule("acme/@node/*", "globex/*", "deny"),
    ("zone2", "rules"): rule("acme/@node/*", "zone2/inet", "permit"),
}


@pytest.mark.parametrize("section", LISTING)
@pytest.mark.parametrize("state", ["ready", "provisioning", "quarantined"])
def test_a_state_that_a_rule_may_list_decides_something(
    section: tuple[str, str], state: str
) -> None:
    """C619 stands exactly where a rule with this state leaves every decision as it is."""
    zone, key = section
    written = {**LISTING[section], "states": [state]}
    net = world(**{f"{zone}_{key}": [written]})
    found = Diagnostics()
    host_states.check(net.spec, survey(net.spec), found)
    said = {d.code for d in found.errors}
    ends = [e.name for e in net.endpoints]
    pairs = [(a, b) for a, b in product(ends, ends) if a != b]

    def decided(of: Network) -> list[bool]:
        return [verdicts(of, a, b, "67/udp", sport=68) == OPEN for a, b in pairs]

    idle = decided(net) == decided(world())
    assert said == ({"C619"} if idle else set())
