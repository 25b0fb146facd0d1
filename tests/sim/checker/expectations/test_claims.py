"""Expectations judged twice: by the proof, and by the regions that the checker computes itself."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_worlds import policies, worlds
from routed import at, endpoint, routed

from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Everyone,
    Named,
    Origin,
    Policy,
    Rule,
    Stage,
)
from fabric.building.network import Network
from fabric.file.expect.claims import parse_claim
from sim.checker.expectations.claims import Judge, read
from sim.checker.walking.paths import Paths
from sim.proof.expectations.expect import Claim, check_claim
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

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


def small() -> tuple[Network, Policy]:
    """Two pods, of which the first may send to web servers alone, and the outside: `office` and
    `lab` lie inside `inet`, what pods send to `lab` goes to their own network, and to some
    addresses of `inet` another next hop leads to `store`."""
    a, b = ("10.0.0.1/32", "fd00::1/128"), ("10.0.0.2/32", "fd00::2/128")
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, *a)),
        at(1, endpoint(1, "acme/web/b", 0, *b)),
        at(1, endpoint(2, "zone2/inet", 1, "0.0.0.0/0", host=None)),
        at(1, endpoint(3, "zone2/lab", 1, "10.0.0.2/31", host=None)),
        at(1, endpoint(4, "zone2/office", 1, "10.1.0.0/24", host=None)),
        at(2, endpoint(5, "zone0/store", 2, "192.0.2.0/24", host=None)),
    ]
    pods = [*((p, [(0, 0)]) for p in a), *((p, [(1, 0)]) for p in b)]
    out = [("10.0.0.2/31", [(1, 0)]), ("192.0.2.0/24", [(1, 1), (2, 2)]), ("0.0.0.0/0", [(1, 1)])]
    tables = {
        **{(n, 0): [*pods, *out] for n in range(2)},
        (1, 1): [*pods, ("0.0.0.0/0", [(1, 1)])],
        (2, 2): [*pods, ("192.0.2.0/24", [(2, 2)])],
    }
    names = ["dpu1", "border1", "border2"], ["acme/main", "zone2/main", "zone0/main"]
    first, make = (Named(("acme/web/a",)),), Origin("zone rule", "web")
    rules = [
        Rule(Stage.WORKLOAD, Direction.OUT, n, first, (Everyone(),), l4, action, make)
        for n, (l4, action) in enumerate([((L4(6, 80, 80),), Action.PERMIT), ((), Action.DENY)])
    ]
    return routed(*names, ends, tables), Policy(tuple(rules))


def test_both_judge_a_small_network_as_people_do() -> None:
    network, policy = small()
    reach, judge = reachability(World(network, policy)), Judge(Paths(network, policy).regions())
    wanted = {
        "deny: acme/web/a -> acme/web/b:udp": True,
        "deny: acme/web/a <-> acme/web/b:udp": False,
        "allow: acme/web/a <-> acme/web/b:80/tcp": True,
        "only: acme/web/a -> 10.0.0.2:80/tcp": True,
        "only: acme/web/b -> 10.0.0.1:80/tcp": False,
        "allow: acme/web/b -> 8.8.8.8": True,
        "deny: acme/web/b -> 8.8.8.8": False,
        "allow: acme/web/b -> zone2/office": True,
        "deny: acme/web/b -> zone2/office": False,
        "allow: acme/web/b -> zone2/inet": False,
        "allow: acme/web/b -> zone2/lab": False,
        "deny: acme/* -> zone2/lab": True,
    }
    found = {
        text: (
            check_claim(reach, Claim(0, kind, *parse_claim(rest))).holds,
            judge.judge(read(text)).holds,
        )
        for text in wanted
        for kind, _, rest in [text.partition(": ")]
    }
    assert found == {text: (holds, holds) for text, holds in wanted.items()}


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
