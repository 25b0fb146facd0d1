"""Expectations about addresses agree with asking one packet after the other."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import Header, outcomes, points, theirs
from random_worlds import policies, worlds

from compiler.compile import compile_policy
from compiler.ir import Policy
from compiler.semantics import owner
from fabric.claims import parse_claim
from fabric.network import Network
from sim.expect import Claim, check_claim, pairs_of
from sim.prove import explain_breaches
from sim.reachability import reachability
from sim.reasons import Reason

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
@settings(max_examples=25, deadline=None, phases=QUICK)
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
    reach = reachability(network, compile_policy(network, policy))
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
