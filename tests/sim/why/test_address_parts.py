"""explain of ends with many addresses: every address is in one part, and fares as the part does."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import Header, hops_of, outcomes, points, theirs
from random_worlds import policies, worlds
from routed_demo import DEMO, DEMO_POLICY

from compiler.policy.ir import Policy
from compiler.policy.semantics import owner
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.values.address_sets import addresses_in
from sim.names.ends import endpoints, targets
from sim.packets.reasons import Reason
from sim.why.address_parts import Ends, each
from sim.why.explain import Explanation
from sim.why.one_answer import explain
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
BLOCKS = ["10.0.0.0/24", "10.0.0.0/29", "10.1.0.0/16", "192.0.2.0/28", "0.0.0.0/0", "fd00::/126",
          "::/0"]  # fmt: skip


def holds(blocks: tuple[str, ...], version: int, ip: int) -> bool:
    nets = map(ip_network, blocks)
    return not blocks or any(
        n.version == version and int(n[0]) <= ip <= int(n.broadcast_address) for n in nets
    )


def of(found: list[Explanation], version: int, src: int, dst: int) -> Explanation:
    """The explanation that is about a packet."""
    mine = [
        e
        for e in found
        if e.flow.version == version
        and holds(e.parts[0], version, src)
        and holds(e.parts[1], version, dst)
    ]
    (one,) = mine
    return one


def verdict(network: Network, policy: Policy, e: Explanation, src: int, dst: int) -> str:
    f = e.flow
    header = Header(f.version, src, dst, f.protocol, f.sport, f.dport)
    done = outcomes(policy, network, f.src_endpoint, header)
    meant = next((x.index for x in network.endpoints if x.name == e.target), None)
    good = [o.reason is Reason.DELIVERED and meant in (None, o.dst) for o in done]
    return "allow" if all(good) else "depends" if any(good) else "deny"


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.data())
def test_every_address_of_two_endpoints_is_in_one_part(
    network: Network, policy: Policy, data: Any
) -> None:
    world = World(network, policy)
    wide = st.sampled_from(["zone2/inet", "zone2/office"])
    ends = [data.draw(wide), data.draw(st.sampled_from([e.name for e in network.endpoints]))]
    a, b = data.draw(st.permutations(ends))
    if a == b:
        return
    source, target = endpoints(network, a)[0], targets(network, f"{b}:80")[0]
    try:
        found = each(Ends(world, source, target))
    except InputError as error:
        assert [d.code for d in error.diagnostics] == ["C712"]
        return
    assert target.endpoint is not None
    for version in sorted({e.flow.version for e in found}):
        axis = points(network, policy, version)
        pairs = [
            (src, dst, theirs(network, source, target.endpoint, version, src, dst))
            for src in axis
            for dst in axis
            if owner(network, source.vrf, version, src) is source
            and owner(network, target.endpoint.vrf, version, dst) is target.endpoint
        ]
        for src, dst, counts in pairs:
            if counts:
                one = of(found, version, src, dst)
                if one.parts != ((), ()) or owns_many(network, a) or owns_many(network, b):
                    assert one.computed == verdict(network, policy, one, src, dst)


def owns_many(network: Network, name: str) -> bool:
    mine = next(e for e in network.endpoints if e.name == name)
    return any(p.num_addresses > 1 for p in mine.prefixes)


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.sampled_from(BLOCKS), st.data())
def test_a_prefix_as_source_is_all_that_anybody_has_of_it(
    network: Network, policy: Policy, block: str, data: Any
) -> None:
    world = World(network, policy)
    try:
        sources = endpoints(network, block)
    except InputError as error:
        assert [d.code for d in error.diagnostics] == ["C710"]
        return
    source = data.draw(st.sampled_from(sources))
    target = targets(network, data.draw(st.sampled_from(["acme/web/b:80", "globex/db/c:80"])))[0]
    wanted = ip_network(block)
    try:
        found = each(Ends(world, source, target, addresses_in(block)))
    except InputError as error:
        assert [d.code for d in error.diagnostics] == ["C712"]
        return
    assert target.endpoint is not None
    assert not any(e.others for e in found)
    for src in [*points(network, policy, wanted.version), int(wanted[0])]:
        mine = owner(network, source.vrf, wanted.version, src) is source
        if mine and holds((block,), wanted.version, src) and owns_many(network, source.name):
            dst = found[0].flow.dst
            if theirs(network, source, target.endpoint, wanted.version, src, dst):
                one = of(found, wanted.version, src, dst)
                assert one.computed == verdict(network, policy, one, src, dst)


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.sampled_from(BLOCKS), st.data())
def test_a_prefix_as_destination_is_whoever_answers_there(
    network: Network, policy: Policy, block: str, data: Any
) -> None:
    world = World(network, policy)
    source = data.draw(st.sampled_from(network.endpoints[:4]))
    wanted = ip_network(block)
    try:
        found = each(Ends(world, source, targets(network, f"[{block}]:80")[0]))
    except InputError as error:
        assert [d.code for d in error.diagnostics] == ["C712"]
        return
    for dst in [*points(network, policy, wanted.version), int(wanted[0])]:
        own = any(
            owner(network, hop.vrf, wanted.version, dst) is source
            for hop in hops_of(network, source, wanted.version, dst)
            if hop
        )
        if holds((block,), wanted.version, dst) and not own:
            one = of(found, wanted.version, found[0].flow.src, dst)
            assert one.computed == verdict(network, policy, one, one.flow.src, dst)


def test_python_s_explain_has_one_answer_or_tells_the_parts() -> None:
    world = World(DEMO, DEMO_POLICY)
    with pytest.raises(InputError) as error:
        explain(world, "acme/web/a", "0.0.0.0/0:80")
    (told,) = error.value.diagnostics
    assert told.code == "C460"
    assert "acme/web/a -> 0.0.0.0/0: allow, to 10." in told.message
    one = explain(world, "acme/web/a", "203.0.113.0/24:80")
    assert (one.target, one.parts) == ("203.0.113.0/24", ((), ()))


@pytest.mark.parametrize(
    ("src", "dst"),
    [
        ("10.0.0.0/8", "[fd00::/8]:80"),
        ("fd00::/8", "10.0.0.0/8:80"),
        ("10.0.0.0/8", "[fd00::1]:80"),
    ],
)
def test_prefixes_of_two_ip_versions_have_no_flow(src: str, dst: str) -> None:
    with pytest.raises(InputError) as error:
        explain(World(DEMO, DEMO_POLICY), src, dst)
    assert error.value.diagnostics[0].code == "C712"
