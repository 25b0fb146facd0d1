"""Random filters: two releases of FRR take over the routes that the reader says, and what FRR
prints as its configuration says the same again."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random

import pytest
from filtered_sessions import by_session
from frr_filters import ROUTES, SESSIONS, AnyFilters, Filtering
from frr_releases import RELEASES, Release

from compiler.imports.accounting import ConfigText
from compiler.imports.device_facts import Device, FilterUse, told
from compiler.imports.frr import frr_conf, frr_policy
from compiler.imports.route_policy import by_map
from compiler.imports.sites.announcements import OwnRoute, passes
from fabric.diagnostics import Diagnostics


def device(text: str) -> Device:
    found = Diagnostics()
    reading = frr_conf.read("two", (ConfigText("two.conf", text),), found)
    assert reading is not None and not found.items and not reading.leftover
    return reading.device


@pytest.mark.root
@pytest.mark.oracle("frr")
@pytest.mark.slices(16)
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("release", RELEASES, ids=lambda r: r.name)
def test_frr_takes_over_what_is_said(release: Release, seed: int) -> None:
    text = AnyFilters(Random(seed)).config()
    mine, known = device(text), 0
    with Filtering(release, text).up() as lab:
        printed = device(lab.printed())
        assert lab.settled(SESSIONS)
        for k in range(SESSIONS):
            taken = lab.taken(k)
            for one in (mine, printed):
                session = next(s for s in one.sessions if s.peer == f"10.255.{k}.1")
                answers = {r: by_session(one, session, "ipv4", True, ip_network(r)) for r in ROUTES}
                for route, answer in answers.items():
                    if answer.verdict != "unknown":
                        known += 1
                        assert (answer.verdict == "permit") == (route in taken), (k, route, answer)
    assert known > len(ROUTES) * SESSIONS
    doubted = {u.span.line for u in mine.unknowns if u.span and u.kind == frr_policy.TWICE}
    named = {text.splitlines()[line - 1].split()[2] for line in doubted}
    lists = (
        {str(told(f)) for f in one.prefix_filters if f.name not in named} for one in (mine, printed)
    )
    assert next(lists) == next(lists)
    assert {str(told(m)) for m in mine.route_maps} == {str(told(m)) for m in printed.route_maps}
    assert {str(told(s)) for s in mine.sessions} == {str(told(s)) for s in printed.sessions}


TWICE = {
    # order of the numbers of entries: what 8.4 and 10.3 make of 10.1.0.0/16
    "above": ("10 permit {p}", "7 deny {p}", "5 permit {p}"),
    "instead": ("10 permit {q}", "7 deny {p}", "20 permit {p}", "7 permit {q}"),
    "behind": ("10 permit {q}", "20 deny {p}", "30 permit {p}", "20 permit {q}"),
    "below": ("10 permit {p}", "12 deny {p}", "15 permit {p}"),
}


@pytest.mark.parametrize("name", TWICE)
def test_what_releases_take_differently_is_not_known(name: str) -> None:
    """An entry that a list has under another number, before what decides or instead of it."""
    entries = (e.format(p="10.1.0.0/16", q="10.2.0.0/16") for e in TWICE[name])
    read = device("\n".join(f"ip prefix-list p seq {entry}" for entry in entries))
    (found,) = read.prefix_filters
    said = [(u.about, u.span.line if u.span else 0) for u in read.unknowns if "differ" in u.what]
    assert said == ([] if name == "below" else [("routes", len(TWICE[name]))])
    assert [entry.number for entry in sorted(found.entries, key=lambda e: e.number)] == {
        "above": [7, 10],
        "instead": [7, 10, 20],
        "behind": [10, 20, 30],
        "below": [10, 12],
    }[name]


@pytest.mark.root
@pytest.mark.oracle("frr")
@pytest.mark.parametrize("release", RELEASES, ids=lambda r: r.name)
def test_releases_do_differ(release: Release) -> None:
    text = AnyFilters(Random(1)).config()
    lines = (f"ip prefix-list zz seq {e.format(p='10.1.0.0/16')}" for e in TWICE["above"])
    with Filtering(release, "\n".join((text, *lines, ""))).up() as lab:
        printed = device(lab.printed())
    (found,) = (f for f in printed.prefix_filters if f.name == "zz")
    assert (5 in {e.number for e in found.entries}) == (release.name != "8.4")


def test_goto_leads_to_the_rule_of_that_number_itself() -> None:
    read = device("""route-map m permit 10
 on-match goto 20
exit
route-map m deny 20
exit
route-map m permit 30
exit""")
    answer = by_map(read, "m", ip_network("10.0.0.0/8"))
    assert (answer.verdict, answer.span and answer.span.line) == ("deny", 4)


def test_what_a_called_map_says_of_own_routes_is_not_followed() -> None:
    read = device("""route-map other deny 10
exit
route-map m permit 10
 call other
exit""")
    route = OwnRoute(ip_network("10.0.0.0/8"), "connected", "lo", read.span)
    assert passes(read, [FilterUse("route-map", "m", read.span)], route) != "permit"
