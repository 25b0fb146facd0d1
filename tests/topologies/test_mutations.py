"""Random one-line mutations of the demo: each is found, or brute force shows that it is harmless.

Found means that the input is refused or that a proof has findings. Brute force asks the definition
(`naive.outcomes`) about every expectation, pair by pair and port by port, without atoms and tables.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from naive import Header, outcomes, theirs

from compiler.compile import read_policy
from compiler.policy.ir import Direction, Packet, Policy, Verdict
from compiler.policy.semantics import concerns, decide, owner
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.values.interval_sets import Intervals, touch
from fabric.values.inventory import Endpoint
from fabric.values.names import selects
from fabric.values.ports import ANY, WITH_PORTS
from sim.packets.reasons import Reason
from sim.proof.expectations.expect import Claim, pairs_of, read_claims
from sim.proof.prove import prove
from sim.worlds.world import World

pytestmark = pytest.mark.oracle("twins")

FOLDER = Path(__file__).parents[2] / "topologies"
SEED, COUNT, PARTS = 20, 20, 3
UNNAMED = 7
OUTSIDE = {4: ("192.0.0.8", "10.0.0.2", "100.64.0.1"), 6: ("2001:4860::8", "fd00:10::2")}
BY_POLICY = {
    Reason.DELIVERED,
    Reason.ZONE0_DROP,
    Reason.OVERRIDE_DROP,
    Reason.ZONE2_DROP,
    Reason.ISOLATION_DROP,
    Reason.POLICY_DROP,
}

Swap = tuple[str, str]
SWAPS: tuple[Swap, ...] = (
    (r"/(2[0-9]|1[6-9])\b", "/15"),
    (r"\bport: (\d+)", "port: 1"),
    (r"\bport: ([a-z0-9]+)", "port: none"),
    (r"\[(\d+)(-\d+)?/(tcp|udp)", r"[7/\3"),
    (r"app: [a-z]+", "app: stranger"),
    (r"job-type, operator: [A-Za-z]+", "job-type, operator: DoesNotExist"),
    (r"policyTypes: \[Ingress, Egress\]", "policyTypes: [Ingress]"),
    (r"to: (zone[02])/[-a-z]+", r'to: "\1/*"'),
    (r'from: "[^"]+"', 'from: "inference/*"'),
    (r"action: deny", "action: permit"),
    (r"clients: \[.*\]", "clients: []"),
    (r"advertise: \[nodes, ", "advertise: ["),
    (r"default_route: zone2", "import_rts: ['65000:10102', '65000:10201']"),
    (r"state: (provisioning|quarantined)", "state: ready"),
    (r"^ +- (\{ name|from:|to:).*", ""),
)


def mutants(folder: Path) -> Iterator[tuple[Path, int, str]]:
    """Every (file, line, new text); the expectations stay as they are."""
    for path in sorted([folder / "demo.yaml", *folder.glob("manifests/demo/*/*.yaml")]):
        for number, line in enumerate(path.read_text().partition("\nexpect:")[0].splitlines()):
            for pattern, new in SWAPS:
                changed = re.sub(pattern, new, line, count=1)
                if changed != line and not line.lstrip().startswith("#"):
                    yield path, number, changed


def chosen() -> list[tuple[str, int, str]]:
    """Twenty of them, drawn once; a commit asks one."""
    every = [(str(p.relative_to(FOLDER)), n, text) for p, n, text in mutants(FOLDER)]
    return sorted(random.Random(SEED).sample(every, COUNT))


@pytest.mark.slow
@pytest.mark.slices(20 * PARTS)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    ("file", "number", "text"), chosen(), ids=[f"{f}:{n + 1}" for f, n, _ in chosen()]
)
def test_a_mutation_is_found_or_harmless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, number: int, text: str, part: int
) -> None:
    shutil.copytree(FOLDER, tmp_path / "t")
    path = tmp_path / "t" / file
    lines = path.read_text().splitlines()
    lines[number] = text
    path.write_text("\n".join(lines) + "\n")
    try:
        network = build(load_fabric(tmp_path / "t" / "demo.yaml"))
        found = not prove(World(network)).holds
    except InputError:
        found = True
    if not found:
        quicken(monkeypatch)
        assert list(violations(network, part)) == []


@pytest.mark.slow
@pytest.mark.slices(6)
def test_brute_force_sees_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build(load_fabric(FOLDER / "broken" / "missing-egress-rule.yaml"), lock=False)
    quicken(monkeypatch)
    assert "router -> inference/serving/llm" in next(violations(network))


def quicken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the definition remember who owns an address and which rules concern an endpoint."""
    views: dict[tuple[Direction, int], Policy] = {}
    owners: dict[tuple[int, int, int], Endpoint | None] = {}

    def known_owner(network: Network, vrf: int, version: int, ip: int) -> Endpoint | None:
        key = vrf, version, ip
        if key not in owners:
            owners[key] = owner(network, vrf, version, ip)
        return owners[key]

    def decide_here(policy: Policy, network: Network, packet: Packet) -> Verdict:
        key = packet.direction, packet.local
        if key not in views:
            here = network.endpoints[packet.local]
            views[key] = Policy(
                tuple(r for r in policy.rules if concerns(r, r.stage, packet, here, network)),
                tuple(s for s in policy.selections if concerns(s, s.stage, packet, here, network)),
            )
        return decide(views[key], network, packet)

    monkeypatch.setattr("naive.decide", decide_here)
    monkeypatch.setattr("compiler.policy.semantics.owner", known_owner)


def violations(network: Network, part: int | None = None) -> Iterator[str]:
    """Expectations that a single packet contradicts, by brute force: all of them, or every one of a
    part."""
    policy = read_policy(network)
    probes = interesting(policy, network)
    for claim in read_claims(network.spec, network)[
        slice(part, None, 1 if part is None else PARTS)
    ]:
        for source, target in pairs(claim, network):
            for header in headers(source, target):
                bad = contradiction(policy, network, claim, source, target, header, probes)
                if bad:
                    yield f"{claim}: {source.name} -> {target.name} {bad}"


def pairs(claim: Claim, network: Network) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Every ordered pair that a claim speaks of."""
    if claim.limits:
        n = len(network.endpoints)
        for key in pairs_of(claim, network).tolist():
            yield tuple(network.endpoints[i] for i in divmod(key // 2, n))  # type: ignore[misc]
        return
    for a in network.endpoints:
        for b in network.endpoints:
            forth = selects(claim.source, a) and selects(claim.target, b)
            back = claim.both_ways and selects(claim.source, b) and selects(claim.target, a)
            if a.index != b.index and (forth or back):
                yield a, b


def headers(source: Endpoint, target: Endpoint) -> Iterator[tuple[int, list[int], list[int]]]:
    """Per family in common: some source and some destination addresses."""
    for version in (4, 6):
        ends = [addresses(e, version) for e in (source, target)]
        if all(ends):
            yield version, ends[0], ends[1]


def addresses(endpoint: Endpoint, version: int) -> list[int]:
    """The addresses of an endpoint, or some of a whole prefix."""
    prefixes = [p for p in endpoint.prefixes if p.version == version]
    if any(p.prefixlen == 0 for p in prefixes):
        return [int(ip_address(text)) for text in OUTSIDE[version]]
    return [int(p.network_address) + (p.num_addresses > 1) for p in prefixes]


def contradiction(
    policy: Policy,
    network: Network,
    claim: Claim,
    source: Endpoint,
    target: Endpoint,
    ends: tuple[int, list[int], list[int]],
    probes: list[tuple[int, int, int]],
) -> str:
    """The first packet that the claim is wrong about; an allow needs every address pair."""
    version, froms, tos = ends
    if version not in claim.limits.versions:
        return ""
    froms, tos = map(sampled, (froms, tos), claim.limits.of(version))
    probes = [p for p in probes if p[0] != {4: 58, 6: 1}[version]]
    wanted = [p for p in probes if within(claim, p)]
    failing = ""
    for src in froms:
        for dst in tos:
            stopped = ""
            for protocol, sport, dport in probes:
                header = Header(version, src, dst, protocol, sport, dport)
                got = outcomes(policy, network, source.index, header)
                through = [o.reason is Reason.DELIVERED and o.dst == target.index for o in got]
                asked = (protocol, sport, dport) in wanted
                if any(through) and (claim.kind == "deny") == asked and claim.kind != "allow":
                    return f"passes: {header}"
                mine = theirs(network, source, target, version, src, dst)
                if asked and mine and not all(through):
                    stopped = f"stopped: {header} {got}"
                if not {o.reason for o in got} & BY_POLICY:
                    break
            failing = failing or stopped
    return "" if claim.kind == "deny" else failing


def sampled(addresses: list[int], limit: Intervals | None) -> list[int]:
    """Those within a limit; of a prefix whose samples lie outside, the first one inside."""
    if limit is None:
        return addresses
    return [a for a in addresses if touch(((a, a),), limit)] or [limit[0][0] + 1]


def within(claim: Claim, probe: tuple[int, int, int]) -> bool:
    """Whether a probe's protocol and destination port are among a claim's ports."""
    protocol, _, dport = probe
    return any(p.protocol in (ANY, protocol) and p.first <= dport <= p.last for p in claim.ports)


def interesting(policy: Policy, network: Network) -> list[tuple[int, int, int]]:
    """Protocols with source and destination ports at the edges of what rules and claims name; the
    ports that nobody names behave alike, so one of them is enough."""
    edges = {
        (l4.protocol, port) for r in policy.rules for l4 in r.l4 for port in (l4.first, l4.last)
    }
    edges |= {(p.protocol, p.number) for e in network.endpoints for p in e.ports}
    for claim in read_claims(network.spec, network):
        edges |= {(p.protocol, port) for p in claim.ports for port in (p.first, p.last)}
    edges |= {(6, UNNAMED), (17, UNNAMED), (132, UNNAMED)}
    found = {(protocol, 40000, port) for protocol, port in edges if protocol in WITH_PORTS}
    return sorted({*found, (17, 68, 67), (1, 0, 0), (58, 0, 0)})
