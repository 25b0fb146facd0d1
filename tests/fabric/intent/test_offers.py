"""Laws of offers: each side of an intent says what it offers, and over transit nothing is offered
that was not offered before."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.intent.offers import Intent, Offer
from fabric.intent.transit import along, derived
from fabric.values.ports import PortRange

ENDS = "abcde"
FEW = settings(max_examples=40)
PREFIXES = [ip_network(f"10.{n}.0.0/16") for n in range(6)]
PORTS = [(PortRange(),), (PortRange(6, 80, 90),), (PortRange(6, 85, 99), PortRange(17, 53, 53))]


@st.composite
def intents(draw: st.DrawFn) -> list[Intent]:
    """At most one between any two VRFs, each with several offers of either side."""
    found = []
    for a, b in product(ENDS, repeat=2):
        if a >= b or not draw(st.booleans()):
            continue
        name, offers = f"{a}{b}", list[Offer]()
        for n, (near, far) in enumerate(draw(st.lists(st.sampled_from([(a, b), (b, a)])))):
            some = tuple(draw(st.lists(st.sampled_from(PREFIXES), max_size=2, unique=True)))
            offers.append(Offer(f"{name} {near} {n}", near, far, some))
        opens = frozenset(draw(st.sets(st.sampled_from([a, b]), min_size=1)))
        ports, transit = draw(st.sampled_from(PORTS)), draw(st.booleans())
        ends = draw(st.sampled_from([(a, b), (b, a)]))
        made = Intent("peering", name, *ends, tuple(offers), opens, ports, None, transit)
        found.append(made)
    return found


@FEW
@given(intents())
def test_each_side_offers_its_own_and_all_of_it(found: list[Intent]) -> None:
    for intent in found:
        sides = [intent.offered(end) for end in (intent.a, intent.b)]
        every = [p for offer in intent.offers for p in offer.prefixes]
        assert sorted(map(str, (*sides[0], *sides[1]))) == sorted(map(str, every))
        assert all(intent.offered(end) == () for end in ENDS if end not in (intent.a, intent.b))


@FEW
@given(intents())
def test_the_other_end_of_the_other_end_is_this_one(found: list[Intent]) -> None:
    for intent in found:
        for end in (intent.a, intent.b):
            assert intent.other(end) != end
            assert intent.other(intent.other(end)) == end


@FEW
@given(intents())
def test_nothing_is_exported_that_was_not_exported_before(found: list[Intent]) -> None:
    """What is derived imports what an exporter announces under a key that it has already, in both
    directions, and lets nobody open more, on no more ports."""
    before = {(o.key, o.exporter): o.prefixes for intent in found for o in intent.offers}
    by_name = {intent.name: intent for intent in found}
    for intent in derived(found):
        assert intent.transit and intent.opens <= {intent.a, intent.b}
        for offer in intent.offers:
            assert before[offer.key, offer.exporter] == offer.prefixes
            assert {offer.exporter, offer.importer} == {intent.a, intent.b}
        path = [by_name[name] for name in intent.via]
        assert len(path) > 1 and all(step.transit for step in path)
        ends = {intent.a: path[0], intent.b: path[-1]}
        assert all(intent.offered(end) == step.offered(end) for end, step in ends.items())
        for step in path:
            for port in intent.ports:
                assert any(holds(wide, port) for wide in step.ports)


@FEW
@given(intents())
def test_a_way_back_is_the_way_there(found: list[Intent]) -> None:
    for intent in derived(found):
        path = tuple(next(i for i in found if i.name == name) for name in intent.via)
        back = along(intent.b, intent.a, path[::-1])
        assert back is not None
        assert (back.opens, back.ports) == (intent.opens, intent.ports)
        assert {*back.offers} == {*intent.offers}


def holds(wide: PortRange, port: PortRange) -> bool:
    alike = wide.protocol in (-1, port.protocol)
    return alike and wide.first <= port.first and port.last <= wide.last
