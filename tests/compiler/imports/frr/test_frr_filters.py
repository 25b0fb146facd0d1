"""Random filters: two releases of FRR take over the routes that the reader says, and what FRR
prints as its configuration says the same again."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random

import pytest
from frr_filters import ROUTES, SESSIONS, AnyFilters, Filtering
from frr_releases import RELEASES, Release

from compiler.imports import frr_conf
from compiler.imports.accounting import ConfigText
from compiler.imports.device_facts import Device, told
from compiler.imports.route_policy import by_session
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
    assert {str(told(f)) for f in mine.prefix_filters} == {
        str(told(f)) for f in printed.prefix_filters
    }
    assert {str(told(m)) for m in mine.route_maps} == {str(told(m)) for m in printed.route_maps}
    assert {str(told(s)) for s in mine.sessions} == {str(told(s)) for s in printed.sessions}
