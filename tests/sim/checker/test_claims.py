"""Expectations judged twice: by the proof, and by the regions that the checker computes itself."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_worlds import policies, worlds
from routed import at, endpoint, routed

from compiler.policy.ir import Policy
from fabric.file.claims import parse_claim
from fabric.network import Network
from sim.checker.claims import Judge, read
from sim.checker.paths import Paths
from sim.proof.expect import Claim, check_claim
from sim.proof.reachability import reachability
from sim.world import World

NAMES = [
    "acme/*",
    "globex",
    "acme/web/a",
    "globex/db/c",
    "zone2/inet",
    "zone2/office",
    "zone2",
    "acme",
    "acme/main",
    "zone2/main",
]
BLOCKS = [
    "10.0.0.1",
    "10.0.0.0/24",
    "10.0.0.0/25",
    "0.0.0.0/0",
    "10.0.0.1-10.0.0.9",
    "10.0.0.0/24 except 10.0.0.2-10.0.0.7",
    "10.0.0.1, 10.1.0.0-10.1.0.3",
    "fd00::/64",
    "fd00::1",
    "::/0",
    "fd00::1-fd00::2",
]
BOTH = ["0.0.0.0/0, ::/0", "10.0.0.0/24, fd00::1", "10.0.0.1-10.0.0.2, fd00::/64 except fd00::2"]
PORTS = ["", ":80/tcp", ":80-81/tcp,udp", ":icmp", ":icmp6", ":any", ":tcp from 0-1023", ":icmp4"]


@pytest.mark.parametrize(("kind", "holds"), [("allow", False), ("deny", False)])
def test_every_address_of_a_pod_has_to_be_its_own(kind: str, holds: bool) -> None:
    """One of its two is that of another pod, which gets what is sent there."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "acme/web/c", 0, "10.0.0.3/32")),
        at(1, endpoint(2, "acme/web/b", 0, "10.0.0.2/32", "10.0.0.3/32")),
    ]
    rows = [("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/31", [(1, 0)])]
    network = routed(["dpu1", "dpu2"], ["acme/main"], ends, {(0, 0): rows, (1, 0): rows})
    text = "acme/web/a -> acme/web/b:80/tcp"
    source, target, both, ports = parse_claim(text)
    reach = reachability(World(network, Policy()))
    assert check_claim(reach, Claim(0, kind, source, target, both, ports)).holds is holds
    assert Judge(Paths(network, Policy()).regions()).judge(read(f"{kind}: {text}")).holds is holds


@st.composite
def claims(draw: st.DrawFn) -> str:
    """An expectation that can be read, whether it compares anything or not."""
    kind = draw(st.sampled_from(["allow", "deny", "only"]))
    ends = [draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))]
    limited = draw(st.sampled_from([(), (), (0,), (1,), (0, 1)]))
    family = draw(st.sampled_from([BLOCKS[:7] + BOTH, BLOCKS[7:] + BOTH]))
    for end in limited:
        ends[end] = draw(st.sampled_from(family))
    ports = draw(st.sampled_from(PORTS))
    arrow = "->" if limited else draw(st.sampled_from(["->", "<->"]))
    target = f"[{ends[1]}]" if ":" in ends[1] and ports else ends[1]
    return f"{kind}: {ends[0]} {arrow} {target}{ports}"


@pytest.mark.slices(6)
@settings(max_examples=150, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(worlds(), policies(), st.lists(claims(), min_size=8, max_size=8))
def test_both_judge_alike(network: Network, policy: Policy, texts: list[str]) -> None:
    reach = reachability(World(network, policy))
    judge = Judge(Paths(network, policy).regions())
    for number, text in enumerate(texts):
        kind, _, rest = text.partition(": ")
        claim = Claim(number, kind, *parse_claim(rest), text=rest)
        found, mine = check_claim(reach, claim), judge.judge(read(text))
        assert mine.pairs == found.pairs, text
        assert mine.leaks == any(breach.reached for breach in found.breaches), text
        assert mine.stopped == any(not breach.reached for breach in found.breaches), text
