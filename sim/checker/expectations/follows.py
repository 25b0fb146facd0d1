"""What follows from the regions of a certificate: verdicts, cells, claims, findings, exemptions.

Everything here is derived a second time from endpoints and regions and compared with what is
written; that the regions are those of a network is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice, pairwise, product
from typing import Any

import numpy as np

from sim.checker.document.regions import Regions
from sim.checker.document.work import Budget
from sim.checker.expectations.claims import Claim, Judge, Judgement, opens
from sim.checker.expectations.claims import read as read_claim
from sim.wording.assumptions import assumptions, replies

ZONES = ("zone0", "zone2")


def problems(certificate: Any, regions: Regions, budget: Budget) -> Iterator[str]:
    """What a certificate says that does not follow from its own regions."""
    for place, outcome in enumerate(certificate["outcomes"]):
        if outcome["verdict"] != verdict_of(outcome["reasons"]):
            yield f"outcomes[{place}].verdict: not the verdict of {outcome['reasons'][0]}"
    yield from _selves(regions)
    yield from _led(regions)
    yield from _words(certificate)
    yield from _cells(certificate["cells"], regions, budget)
    yield from _claims(certificate, regions, budget)
    yield from _verdict(certificate)


def verdict_of(reasons: Sequence[str]) -> str:
    """What the reasons of all choices of ECMP come to; what is delivered if something holds besides
    depends on that."""
    if set(reasons) == {"self"}:
        return "exempt"
    delivered = [reason == "delivered" for reason in reasons]
    some = any(delivered) or "delivered_if" in reasons
    return "allow" if all(delivered) else "depends" if some else "deny"


def _selves(regions: Regions) -> Iterator[str]:
    """Only what an endpoint says to itself is exempt, and all of that is."""
    alone = np.array(["self" in {reason for _, reason in p} for p in regions.profiles], np.bool_)
    is_self = alone[regions.flat.profile]
    told = []
    for number in range(len(regions.maps)):
        choices = regions.choices(number)
        ends, own = regions.flat.endpoint[choices], is_self[choices]
        told.append((set(ends[own].tolist()), set(ends[~own].tolist())))
    for place, source in enumerate(regions.sources):
        selves, others = told[source.map]
        if selves - {source.endpoint} or source.endpoint in others:
            yield f"sources[{place}]: self is not what {source.endpoint} says to itself"
            return


def _led(regions: Regions) -> Iterator[str]:
    """An endpoint lives in the VRF that a next hop leads to; what has no route, or is not sent at
    all, has no next hop: beside others only where what is sent comes in at several VTEPs."""
    nowhere = ("spoof_drop", "no_route_drop")
    homeless = [all(why in nowhere for _, why in boxes) for boxes in regions.profiles]
    no_vrf, elsewhere = [], []
    for row in regions.numbered.rows:
        no_vrf.append(any(homeless[profile] != (vrf < 0) for profile, _, vrf in row.choices))
        elsewhere.append(
            any(
                end >= 0 and (vrf < 0 or regions.parties[end].vrf != regions.vrfs[vrf])
                for _, end, vrf in row.choices
            )
        )
    for flags, why in (
        (no_vrf, "without a route there is no VRF, with one there is"),
        (elsewhere, "a range leads to an endpoint of another VRF"),
    ):
        for place in regions.numbered.maps_with(flags):
            yield f"maps[{place}]: {why}"
            return


def _words(certificate: Any) -> Iterator[str]:
    endpoints = certificate["endpoints"]
    if certificate["exempt"] != sorted({name for e in endpoints for name in e["aliases"]}):
        yield "exempt: not the host-network pods of `endpoints`"
    under = [kind for claim in certificate["claims"] for kind in claim["hold_under"]]
    hairpins = certificate.get("hairpins", ())
    if "hairpins" in certificate and (
        not hairpins or hairpins != sorted({*hairpins} & {*certificate["vrfs"]})
    ):
        yield "hairpins: no sorted list of VRFs"
    if "times" in certificate:
        yield from _times(certificate["times"])
    assumed = (e["assumed"] for e in endpoints)
    if certificate["assumptions"] != assumptions(assumed, under, hairpins, "times" in certificate):
        yield "assumptions: not those of every certificate with such endpoints"
    if certificate["replies"] != replies(hairpins):
        yield "replies: not what every certificate says"
    if bool(certificate["failures_tried"]) and not under:
        yield "failures_tried: no claim asks for a failure"
    if any(row["under"] is not None for row in certificate["not_evaluated"]) and not under:
        yield "not_evaluated: no claim asks for a failure"


def _times(times: list[dict[str, str | None]]) -> Iterator[str]:
    """Periods in order, each later than the one before it."""
    bounds = [bound for period in times for bound in (period["from"], period["until"])]
    inner = bounds[1:-1]
    known = [datetime.fromisoformat(at) for at in bounds if at is not None]
    rising = all(a < b for a, b in pairwise(known))
    if not times or None in inner or not rising:
        yield "times: no periods in order"


def cells(regions: Regions, budget: Budget | None = None) -> list[list[str]]:
    """The isolation matrix of regions, tenants first."""
    groups = [party.group for party in regions.parties]
    names = _groups(regions)
    open_: dict[int, set[str]] = {}
    versions = {source.map: source.version for source in regions.sources}
    order = {name: number for number, name in enumerate(names)}
    group = np.array([order[name] for name in groups], np.int64)
    delivers = {version: np.array(opens(regions, version, budget)) for version in (4, 6)}
    for number in range(len(regions.maps)):
        choices = regions.choices(number)
        ends = regions.flat.endpoint[choices]
        passing = delivers[versions[number]][regions.flat.profile[choices]] & (ends >= 0)
        open_[number] = {names[place] for place in np.unique(group[ends[passing]]).tolist()}
    if budget:
        budget.spend(sum(len(open_[source.map]) for source in regions.sources))
    found = {(groups[s.endpoint], group) for s in regions.sources for group in open_[s.map]}
    return [[a, b, "open" if (a, b) in found else "closed"] for a in names for b in names]


def _groups(regions: Regions) -> list[str]:
    """Tenants, then zones."""
    return sorted({p.group for p in regions.parties}, key=lambda name: (name in ZONES, name))


def _cells(written: Any, regions: Regions, budget: Budget) -> Iterator[str]:
    names = _groups(regions)
    pairs = islice(product(names, names), len(written) + 1)
    if [(a, b) for a, b, _ in written] != list(pairs):
        known = {row[0] for row in written} | {row[1] for row in written} <= set(names)
        what = "not each pair of groups once and in order" if known else "there is no such group"
        yield f"cells: {what}"
        return
    for (src, dst, state), (*_, true) in zip(written, cells(regions, budget), strict=True):
        if state != true:
            yield f"cells: {src} to {dst} is called {state}, its regions are {true}"


def _claims(certificate: Any, regions: Regions, budget: Budget) -> Iterator[str]:
    judge = Judge(regions, budget)
    for place, written in enumerate(certificate["claims"]):
        try:
            claim = read_claim(written["claim"], written.get("targets"))
            yield from _targets(place, written, claim, len(regions.parties))
            found = judge.judge(claim)
        except ValueError as error:
            yield f"claims[{place}].claim: {error}"
            continue
        yield from _claim(place, written, found)


def _targets(place: int, written: Any, claim: Claim, endpoints: int) -> Iterator[str]:
    """Each endpoint behind a Service is named once, with its ports; behind what is none nobody."""
    rows = written.get("targets")
    if (rows is None) != (claim.parts is None):
        yield f"claims[{place}].targets: they are those of a Service, which has some"
    elif rows is not None:
        numbers = [number for row in rows for number in row["endpoints"]]
        told = [(row["endpoints"], row["ports"]) for row in rows]
        once = len(set(numbers)) == len(numbers) and all(a and b for a, b in told)
        ports = {tuple(map(tuple, ports)) for _, ports in told}
        if not once or len(ports) < len(rows) or not all(n < endpoints for n in numbers):
            yield f"claims[{place}].targets: not endpoints, each once, by the ports of each"
        elif told != sorted(([*sorted(a)], [*sorted(b)]) for a, b in told):
            yield f"claims[{place}].targets: not sorted"


def _claim(place: int, written: Any, found: Judgement) -> Iterator[str]:
    if written["holds"] != found.holds:
        what = "a packet gets through" if found.leaks else "a packet does not get through"
        why = "nothing speaks against it" if found.holds else what
        yield f"claims[{place}].holds: of {written['claim']} the regions say: {why}"
    if written["pairs"] != found.pairs:
        yield f"claims[{place}].pairs: {written['claim']} compares {found.pairs:,} pairs"
    if not found.pairs:
        yield f"claims[{place}].claim: {written['claim']} compares nothing"
    if written["fails_without"] is not None and not (written["hold_under"] and written["holds"]):
        yield f"claims[{place}].fails_without: it is not asked of {written['claim']}"


def failing(claims: Any) -> list[dict[str, str]]:
    """The findings of claims that fail, as things are or under a failure."""
    titles = []
    for claim in claims:
        if not claim["holds"]:
            titles.append(f"{claim['claim']} fails")
        elif claim["fails_without"] is not None:
            broken = claim["fails_without"]
            word = "" if broken.startswith("draining ") else "without "
            titles.append(f"{claim['claim']} fails {word}{broken}")
    return [{"kind": "expectation", "title": title} for title in titles]


def _verdict(certificate: Any) -> Iterator[str]:
    findings = certificate["findings"]
    expected = failing(certificate["claims"])
    if findings[: len(expected)] != expected or any(
        found["kind"] == "expectation" for found in findings[len(expected) :]
    ):
        yield "findings: not first those of the claims that fail, in order, then all others"
    groups = (endpoint["group"] for endpoint in certificate["endpoints"])
    said = verdict(findings, certificate["claims"], certificate["not_evaluated"], groups)
    if certificate["verdict"] != said:
        yield f"verdict: by its findings and what is not evaluated it is {said}"


def verdict(findings: Any, claims: Any, left_out: Any, groups: Iterable[str]) -> str:
    """What findings, claims, what is not evaluated, and the groups of endpoints come to: nothing
    holds without anybody to speak of or anything to hold."""
    if findings:
        return "fails"
    nobody = all(group in ZONES for group in groups)
    pending = any(not row["accepted"] for row in left_out)
    return "unknown" if nobody or not claims or pending else "holds"
