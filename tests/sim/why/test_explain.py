"""explain: names and addresses, agreement with the slow datapath, lines, and what is nearest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import L4S, Header, outcomes
from random_worlds import policies, worlds
from routed_demo import DEMO, DEMO_POLICY

from compiler.compile import compile_policy
from compiler.policy.ir import Policy
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.values.ports import NAMES, WITH_PORTS
from sim.packets.reasons import Reason
from sim.why.explain import Explanation
from sim.why.one_answer import explain
from sim.worlds.world import World

PROGRAM = compile_policy(DEMO, DEMO_POLICY)


def asked(src: str, dst: str, version: int | None = None) -> Explanation:
    return explain(World.compiled(PROGRAM), src, dst, version)


@settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(worlds(), policies(), st.data())
def test_verdict_and_reason_are_the_datapath_s(network: Network, policy: Policy, data: Any) -> None:
    world = World(network, policy)
    src, dst = data.draw(st.permutations([e.name for e in network.endpoints]))[:2]
    protocol, _, dport = data.draw(st.sampled_from([x for x in L4S if x[0] in NAMES]))
    port = f"{dport}/{NAMES[protocol]}" if protocol in WITH_PORTS else NAMES[protocol]
    port = data.draw(st.sampled_from([port, "icmp" if "icmp" in port else port]))
    try:
        found = explain(world, src, f"{dst}:{port}")
    except InputError as error:
        parts = "zone2/inet" in (src, dst) or "zone2/office" in (src, dst)
        assert error.diagnostics[0].code in ("C712", *(["C460"] if parts else []))
        return
    f = found.flow
    assert (f.version, f.protocol) not in {(4, 58), (6, 1)}
    header = Header(f.version, f.src, f.dst, f.protocol, f.sport, f.dport)
    done = outcomes(policy, network, f.src_endpoint, header)
    want = next(e.index for e in network.endpoints if e.name == dst)
    good = [o.reason is Reason.DELIVERED and o.dst == want for o in done]
    assert found.verdict == ("allow" if all(good) else "depends" if any(good) else "deny")
    assert [c.trace.reason for c in found.choices] == [o.reason for o in done]
    assert found.rows()


def test_an_allowed_flow_names_every_stage_and_line() -> None:
    found = asked("acme/web/a", "web/b:80")
    assert (found.verdict, found.reason) == ("allow", Reason.DELIVERED)
    text = "\n".join(f"{r['where']} {r['what']} {r['because']} {r['line']}" for r in found.rows())
    assert "dpu1 OUT ISOLATION" in text
    assert "dpu2 IN WORKLOAD" in text
    assert "NetworkPolicy web/b rule 0 np.yaml:5:1" in text
    assert "reply" in text
    assert found.blame.culprit.title == "NetworkPolicy web/b rule 0"
    assert found.others == ((6, "allow"),)


def test_a_denied_port_names_the_rule_that_fails_on_it() -> None:
    found = asked("front", "acme/web/b:81/tcp")
    assert (found.verdict, found.reason) == ("deny", Reason.POLICY_DROP)
    assert str(found.blame.culprit.span) == "np.yaml:5:1"
    assert "fails on port" in found.blame.culprit.part
    assert [c.title for c in found.blame.others] == ["NetworkPolicy web/b"]


def test_no_route_and_no_permit() -> None:
    assert asked("globex/web/a", "acme/web/b:80").reason is Reason.NO_ROUTE_DROP
    found = asked("acme/web/b", "inet:443")
    assert found.reason is Reason.ISOLATION_DROP
    assert found.blame.culprit.title == "zone rule zone2 pulls rule 0"
    assert "fails on endpoint" in found.blame.culprit.part


def test_addresses_and_families() -> None:
    assert asked("10.0.0.2", "[fd00::1]:80/udp", 6).target == "fd00::1"
    assert asked("acme/web/a", "[fd00::2]:53/udp").flow.version == 6
    assert asked("acme/web/a", "203.0.113.9:443").verdict == "allow"
    assert asked("acme/web/a", "b:icmp").flow.dport == 0


@pytest.mark.parametrize(
    ("src", "dst", "code"),
    [
        ("nobody", "b:80", "C710"),
        ("web/a", "b:80", "C711"),
        ("10.0.0.1", "b:80", "C711"),
        ("globex/web/a", "[fd00::1]:80", "C712"),
        ("front", "b:80/sctpp", "C713"),
        ("front", "b:22:22", "C710"),
    ],
)
def test_mistakes(src: str, dst: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        asked(src, dst)
    assert [d.code for d in caught.value.diagnostics] == [code]
