"""Rules of single ports, or of ranges, let pass what the openings say, and are counted before they
are made."""

from __future__ import annotations

import pytest
from flat_openings import passes
from hypothesis import given
from hypothesis import strategies as st

from compiler.targets.nvue.flat_policy import EVERY_PORT, Bands, Openings
from compiler.targets.nvue.port_rules import L4Rule, RuleLimits, complement, count, port_rules
from fabric.values.ports import ANY, MAX_PORT

HBN, CUMULUS = RuleLimits(ranges=False, sctp=True), RuleLimits(ranges=True, sctp=False)
EDGES = (0, 1, 21, 22, 25, 30, MAX_PORT - 3, MAX_PORT)


@st.composite
def bands(draw: st.DrawFn) -> Bands:
    """Ports that pass, few of them or all but a few."""

    def spans() -> tuple[tuple[int, int], ...]:
        low, high = draw(st.sampled_from([(21, 22), (25, 30), (0, 1), (0, MAX_PORT), (22, 22)]))
        return ((low, high),)

    found = [(*spans()[0], spans())]
    made = tuple(found)
    return complement(made) if draw(st.booleans()) else made


@st.composite
def openings(draw: st.DrawFn) -> Openings:
    others = draw(st.booleans())
    named = {
        protocol: draw(bands())
        for protocol in draw(st.sets(st.sampled_from((6, 17, 132)), max_size=2))
    }
    named |= dict.fromkeys(draw(st.sets(st.sampled_from((1, 58)))), () if others else EVERY_PORT)
    kept = ((p, b) for p, b in sorted(named.items()) if b != (EVERY_PORT if others else ()))
    return Openings(others, tuple(kept))


def holds(rule: L4Rule, protocol: int, sport: int, dport: int) -> bool:
    return (
        rule.protocol in (ANY, protocol)
        and (rule.sport is None or rule.sport[0] <= sport <= rule.sport[1])
        and (rule.dport is None or rule.dport[0] <= dport <= rule.dport[1])
    )


@given(openings(), st.sampled_from((HBN, CUMULUS)))
def test_the_first_rule_that_matches_says_what_passes(found: Openings, limits: RuleLimits) -> None:
    if count(found, limits) > 2_000:
        return
    rules = list(port_rules(found, limits))
    assert len(rules) == count(found, limits)
    assert limits.ranges or all(
        p is None or p[0] == p[1] for r in rules for p in (r.sport, r.dport)
    )
    for protocol in (1, 6, 17, 47, 58, 132):
        for sport in EDGES:
            for dport in EDGES:
                first = next(rule for rule in rules if holds(rule, protocol, sport, dport))
                wanted = passes(found, protocol, sport, dport)
                if protocol == 132 and not limits.sctp:
                    assert wanted or not first.permit
                else:
                    assert first.permit is wanted


@pytest.mark.parametrize(
    ("ports", "hbn", "cumulus"),
    [
        (((80, 80),), 2, 2),
        (((30000, 30999),), 1_001, 2),
        (((0, 22), (24, MAX_PORT)), 3, 3),
        (((0, 29999),), 30_001, 2),
        (((1024, MAX_PORT),), 1_026, 2),
    ],
)
def test_what_costs_less_is_written(
    ports: tuple[tuple[int, int], ...], hbn: int, cumulus: int
) -> None:
    found = Openings(False, ((6, ((0, MAX_PORT, ports),)),))
    assert (count(found, HBN), count(found, CUMULUS)) == (hbn, cumulus)


def test_nothing_is_made_to_be_counted() -> None:
    found = Openings(False, ((6, ((1, 30_000, ((1, 30_000),)),)),))
    assert count(found, HBN) == 30_000 * 30_000 + 1
