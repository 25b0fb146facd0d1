"""Expectations about addresses agree with asking one packet after the other."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import Header, outcomes, points, theirs
from random_worlds import policies, worlds
from routed import at, endpoint, routed

from compiler.policy.ir import Action, Cidr, Direction, Everyone, Named, Origin, Policy, Rule, Stage
from compiler.policy.semantics import owner
from compiler.program.walk import inside
from fabric.building.network import Network
from fabric.file.expect.claims import parse_claim
from sim.names.address_words import rectangles
from sim.packets.reasons import Reason
from sim.proof.expectations.expect import Claim, check_claim, pairs_of
from sim.proof.pairs.reachability import reachability
from sim.proof.pairs.witness import holding
from sim.proof.prove import explain_breaches
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
BLOCKS = ["10.0.0.0/24", "10.0.0.1", "10.0.0.8/30", "10.1.0.3", "192.0.2.0/28", "0.0.0.0/0",
          "fd00::/126", "2001:db8::7", "::/0"]  # fmt: skip
WANTED = [(6, 1000, 80), (6, 40000, 80)]
OTHERS = [(6, 40000, 81), (17, 40000, 80), (6, 1000, 0), (6, 1000, 81), (6, 40000, 65535),
          (17, 1, 53), (132, 40000, 443), (99, 0, 0)]  # fmt: skip


def brute(network: Network, policy: Policy, claim: Claim, limited: str, side: int) -> bool:
    """Whether the claim holds; `limited` is the block at its source (0) or destination (1)."""
    block = ip_network(limited)
    version = block.version
    axis = sorted({*points(network, policy, version), int(block[0])})
    icmp = [(1, 0, 0)] if version == 4 else [(58, 0, 0)]
    n = len(network.endpoints)
    compared, failed, leaks = [], [], False
    for key in pairs_of(claim, network).tolist():
        a, b = (network.endpoints[i] for i in divmod(key // 2, n))
        for src in (x for x in axis if owner(network, a.vrf, version, x) is a):
            for dst in (x for x in axis if owner(network, b.vrf, version, x) is b):
                ip = (src, dst)[side]
                if not int(block[0]) <= ip <= int(block[-1]):
                    continue
                for l4 in (*WANTED, *OTHERS, *icmp):
                    found = outcomes(policy, network, a.index, Header(version, src, dst, *l4))
                    good = [(o.reason, o.dst) == (Reason.DELIVERED, b.index) for o in found]
                    asked = l4 in WANTED
                    leaks |= any(good) and claim.kind != "allow" and asked == (claim.kind == "deny")
                    if asked:
                        mine = theirs(network, a, b, version, src, dst)
                        compared.append(mine)
                        if not all(good):
                            failed.append(mine)
    reaches = not any(failed) if any(compared) else not failed
    return not leaks and (claim.kind == "deny" or reaches)


@pytest.mark.parametrize("kind", ["allow", "deny", "only"])
@settings(max_examples=9, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.sampled_from(BLOCKS), st.booleans(), st.data())
def test_a_block_means_its_addresses(
    kind: str, network: Network, policy: Policy, block: str, at_source: bool, data: Any
) -> None:
    name = data.draw(st.sampled_from([e.name for e in network.endpoints]))
    end = f"[{block}]" if ":" in block and not at_source else block
    text = f"{block} -> {name}:80/tcp" if at_source else f"{name} -> {end}:80/tcp"
    source, target, both, ports = parse_claim(text)
    claim = Claim(0, kind, source, target, both, ports, text=text)
    if not len(pairs_of(claim, network)):
        return
    reach = reachability(World(network, policy))
    found = check_claim(reach, claim)
    assert found.holds == brute(network, policy, claim, block, 0 if at_source else 1)
    for finding in explain_breaches(reach, found):
        flow = finding.witness.flow  # type: ignore[union-attr]
        limited = ip_network(block)
        ip = flow.src if at_source else flow.dst
        assert flow.version == limited.version
        assert int(limited[0]) <= ip <= int(limited[-1])
        arrives = "gets through" in finding.title or " instead" in finding.title
        assert (finding.verdict is Reason.DELIVERED) == arrives


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.sampled_from([None, *BLOCKS]), st.booleans(), st.data())
def test_what_is_said_to_hold_of_a_failing_line_holds(
    network: Network, policy: Policy, block: str | None, at_source: bool, data: Any
) -> None:
    """Every address of a part, from every one to every one, and only addresses of the block."""
    a, b = data.draw(st.permutations([e.name for e in network.endpoints]))[:2]
    text = f"{a} -> {b}:80/tcp"
    if block is not None:
        text = f"{block} -> {b}:80/tcp" if at_source else f"{a} -> [{block}]:80/tcp"
    source, target, both, ports = parse_claim(text)
    claim = Claim(0, "allow", source, target, both, ports, text=text)
    if not len(pairs_of(claim, network)):
        return
    reach = reachability(World(network, policy))
    for breach in check_claim(reach, claim).breaches:
        version = breach.version
        ends = breach.src, breach.dst, version
        for sources, targets in rectangles(holding(reach, *ends, ports, claim.limits)):
            assert not block or claim.limits.holds(version, sources, targets)
            sampled = {*points(network, policy, version)}
            for src in (x for x in {*sampled, sources[0][0]} if inside(sources, x)):
                for dst in (x for x in {*sampled, targets[-1][1]} if inside(targets, x)):
                    if block:
                        ip = (dst, src)[at_source]
                        assert ip in range(*ends_of(block))
                    done = outcomes(
                        policy, network, breach.src, Header(version, src, dst, 6, 40000, 80)
                    )
                    assert {(o.reason, o.dst) for o in done} == {(Reason.DELIVERED, breach.dst)}


def ends_of(block: str) -> tuple[int, int]:
    net = ip_network(block)
    return int(net[0]), int(net.broadcast_address) + 1


def test_a_written_prefix_that_fails_says_where_it_holds() -> None:
    """Of a rule for half of a prefix, whatever else the owner has; not for a prefix that it has
    none of."""
    half = Cidr(ip_network("10.9.0.0/25"))
    world = routed(["d1"], ["zone2/main"], [
        at(0, endpoint(0, "zone2/far", 0, "10.9.0.0/16", host=None)),
        at(0, endpoint(1, "zone2/near", 0, "10.8.0.1/32", host=None)),
    ], {(0, 0): [("10.9.0.0/16", [(0, 0)]), ("10.8.0.1/32", [(0, 0)])]}, [])  # fmt: skip
    rules = tuple(
        Rule(Stage.WORKLOAD, Direction.IN, n, (Named(("zone2/near",)),), (remote,), (), action,
             Origin("NetworkPolicy", "x"))
        for n, (remote, action) in enumerate(
            [(half, Action.PERMIT), (Everyone(), Action.DENY)])
    )  # fmt: skip
    reach = reachability(World(world, Policy(rules)))
    said = {}
    for block in ("10.9.0.0/24", "10.9.0.64/26", "10.9.0.96/27", "10.9.0.128/25", "10.9.0.0/23"):
        text = f"{block} -> zone2/near"
        outcome = check_claim(reach, Claim(0, "allow", *parse_claim(text), text=text))
        titles = [f.title.partition("; ")[2] for f in explain_breaches(reach, outcome)]
        said[block] = titles
    assert said == {
        "10.9.0.0/24": ["holds from 10.9.0.0/25 to 10.8.0.1/32"],
        "10.9.0.64/26": [],
        "10.9.0.96/27": [],
        "10.9.0.128/25": [""],
        "10.9.0.0/23": ["holds from 10.9.0.0/25 to 10.8.0.1/32"],
    }
