"""Expectations about requests, for all requests: what may pass on every path, and what must.

Rules that hold here:

1. Of every path of a pair, every atom of ports and every part of its addresses that an entry tells
   apart is followed by one packet: permits that say the same may ask for different things, which
   neither decisions nor classes of addresses tell apart.
2. `deny`: no request that may be taken for one of those (`compiler.requests.spellings`) is among
   those that pass at most. `allow`: all of them are among those that pass at least, on every way,
   from and to every address that counts; of paths those that are normal. `only`: both, and nothing
   else in these ends.
3. What hangs on how a proxy reads a path, or on a server that strips parameters of segments, is
   undecided; that no server takes `..;x` for two dots is assumed.
4. What is too much to work out, or hangs on what is not read, is undecided, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from compiler.requests.http_rules import HttpRequest, HttpRule
from compiler.requests.languages import TooLarge
from compiler.requests.regex_parts import Unread
from compiler.requests.request_bounds import Asked, RequestBounds, at_least, at_most, looks
from compiler.requests.request_sets import (
    Box,
    Boxes,
    common,
    exactly,
    left,
    meet,
    rule_box,
    shortest,
)
from compiler.requests.request_text import request_kind
from compiler.requests.seen_paths import normal_paths, sure_paths
from compiler.requests.sent_paths import sent_as
from compiler.requests.spellings import detours, host_spellings, other_paths, path_spellings
from fabric.building.network import Network
from fabric.values.interval_sets import Intervals, intersect
from fabric.values.ports import PROTOCOLS, PortRange
from sim.packets.reasons import Reason
from sim.pipeline.trace import Trace
from sim.proof.expectations.judged_claims import Breach, Claim, RequestShown
from sim.proof.expectations.request_ways import asked_on, unsure_between
from sim.proof.pairs.counted_addresses import CountedAddresses
from sim.proof.pairs.narrow import Limits, inside
from sim.proof.pairs.reachability import Bits, Reach
from sim.proof.pairs.witness import Witness, on_path
from sim.proof.routes.paths import Column

MOST_PROBES = 20_000
"""Packets that are followed for one expectation."""


@dataclass(slots=True)
class RequestJudge:
    """Judges one expectation; what is worked out of the same conditions is kept."""

    reach: Reach
    kind: str
    ports: tuple[PortRange, ...]
    limits: Limits
    http: HttpRule
    probes: int = 0
    undecided: str = ""
    known: dict[tuple[Asked, ...], tuple[HttpRequest | None, HttpRequest | None, str]] = field(
        default_factory=dict
    )

    def breaches(
        self, src: int, dst: int, version: int
    ) -> Iterator[tuple[bool, RequestShown | None]]:
        """What breaks it between two endpoints: whether something gets through that must not, and
        the request, unless no request does."""
        try:
            yield from self._breaches(src, dst, version)
        except (TooLarge, Unread) as error:
            self.undecided = self.undecided or f"requests are too many to tell apart: {error}"

    def _breaches(
        self, src: int, dst: int, version: int
    ) -> Iterator[tuple[bool, RequestShown | None]]:
        reach = self.reach
        if reach.stand_ins is not None:
            self.undecided = "more endpoints than requests are looked at"
            return
        rows = self._rows(src, dst, version)
        needed = reach.space.touching(self.ports, version=version)
        leaks = stops = False
        if self.kind == "only":
            others = reach.space.touching(self.ports, True, version)
            if any((reach.sets[reach.path_set[row]] & others).any() for row in rows):
                leaks = True
                yield True, None
        counting = self._counting(src, dst, version)
        if self.kind != "deny" and not self._all_deliver(rows, counting, needed):
            stops = True
            yield False, None
        for row in rows:
            classes = int(reach.paths.src_class[row]), int(reach.paths.dst_class[row])
            for witness, steps in self._packets(row, needed, version):
                leak, stop, why = self._judged(steps)
                self.undecided = self.undecided or why
                if leak is not None and self.kind != "allow" and not leaks:
                    leaks = True
                    yield True, RequestShown(witness, leak)
                if stop is not None and classes in counting and not stops:
                    stops = True
                    yield False, RequestShown(witness, stop)

    def _rows(self, src: int, dst: int, version: int) -> list[int]:
        """The paths of a pair within the limits."""
        pairs = self.reach.between(src, dst)
        found = np.flatnonzero(pairs.version == version)
        rows = range(int(pairs.first[found[0]]), int(pairs.last[found[0]])) if len(found) else ()
        columns = self.reach.paths.src_class, self.reach.paths.dst_class
        return [r for r in rows if inside(self.reach, self.limits, *(int(c[r]) for c in columns))]

    def _counting(self, src: int, dst: int, version: int) -> set[tuple[int, int]]:
        """The classes of addresses that an `allow` is about."""
        if self.kind == "deny":
            return set()
        for strict in (True, False):
            counted = CountedAddresses(self.reach.path_space, strict=strict)
            every = counted.classes(src, dst, version)
            if found := {c for c in every if inside(self.reach, self.limits, *c)}:
                return found
        return set()

    def _all_deliver(
        self, rows: Sequence[int], counting: set[tuple[int, int]], needed: Bits
    ) -> bool:
        """Whether all ports get through from and to all addresses that count, whatever ECMP
        chooses, if everything that permits ask for holds."""
        reach, found = self.reach, dict[tuple[int, int], list[int]]()
        for row in rows:
            key = int(reach.paths.src_class[row]), int(reach.paths.dst_class[row])
            found.setdefault(key, []).append(row)
        return bool(counting) and all(
            key in found
            and len(found[key]) == int(reach.paths.hops[found[key][0]])
            and all((reach.sets[reach.path_set[row]] | ~needed).all() for row in found[key])
            for key in counting
        )

    def _packets(
        self, row: int, needed: Bits, version: int
    ) -> Iterator[tuple[Witness, tuple[Asked, ...]]]:
        """Rule 1, of one path; packets with what permits on their way ask for."""
        reach = self.reach
        ends = [
            self._addresses(int(column[row]), limit, version)
            for column, limit in zip(
                (reach.paths.src_class, reach.paths.dst_class),
                self.limits.of(version), strict=True,
            )
        ]  # fmt: skip
        for atom in np.flatnonzero(reach.sets[reach.path_set[row]] & needed).tolist():
            one = np.zeros(reach.space.size, np.bool_)
            one[atom] = True
            l4 = reach.space.pick(one, self.ports, version=version)
            if l4 is None:
                continue
            for source in ends[0]:
                for target in ends[1]:
                    self.probes += 1
                    if self.probes > MOST_PROBES:
                        raise TooLarge(f"more than {MOST_PROBES:,} packets")
                    around = ((source, source),), ((target, target),)
                    witness = on_path(reach, row, l4, around)
                    taken = witness.trace(reach)
                    if why := unsure_between(reach.network, taken):
                        self.undecided = self.undecided or why
                    else:
                        yield witness, asked_on(reach.network, taken)

    def _addresses(self, cls: int, limit: Intervals | None, version: int) -> list[int]:
        """An address of each part of a class that some entry, or owner, tells apart."""
        ranges = self.reach.refinements.ranges(cls)
        if limit is not None:
            ranges = intersect(ranges, limit)
        cuts = sorted(
            {start for vrf in self.reach.blocks.addresses.starts for start in vrf[version == 6]}
        )
        out: list[int] = []
        for low, high in ranges:
            starts = [low, *(c for c in cuts if low < c <= high)]
            lasts = [*(c - 1 for c in starts[1:]), high]
            out += [min(a + 1, b) for a, b in zip(starts, lasts, strict=True)]
        return out

    def _judged(
        self, steps: tuple[Asked, ...]
    ) -> tuple[HttpRequest | None, HttpRequest | None, str]:
        """A request that gets through and must not, one that does not and must, and why that is
        undecided."""
        if steps not in self.known:
            leak, why = (None, "") if self.kind == "allow" else self._leak(steps)
            stop = None
            if self.kind != "deny":
                stop, also = self._stop(steps)
                why = why or also
            self.known[steps] = leak, stop, why
        return self.known[steps]

    def _leak(self, steps: tuple[Asked, ...]) -> tuple[HttpRequest | None, str]:
        bounds = at_most(steps)
        meant = meant_by(self.http)
        if self.kind == "only":
            leaks = tuple(left(bounds.boxes, [meant]))
        else:
            leaks = common([bounds.boxes, (meant,)])
        normalised = any(p == "normalised" for conditions, p in steps if looks(conditions))
        found = shortest(common([leaks, ({"path": sure_paths()},)]) if normalised else leaks)
        if found is None and (doubtful := shortest(leaks)) is not None:
            return None, f"rules may see {doubtful} as another path"
        if found is not None and bounds.unread:
            return None, bounds.unread
        if found is not None and not common([bounds.clear, (exactly(found),)]):
            found = replace(found, tls=True)
        if found is None and any(p == "as-sent" for conditions, p in steps if looks(conditions)):
            found, why = self._detour(bounds, meant)
            if found is not None or why:
                return found, why
        if found is not None or self.kind == "only":
            return found, ""
        return None, self._doubt(bounds.boxes, meant, normalised)

    def _doubt(self, boxes: Boxes, meant: Box, normalised: bool) -> str:
        """Why it is not known that nothing gets through of what is meant."""
        beside = {axis: texts for axis, texts in meant.items() if axis != "path"}
        near = common([boxes, (beside,)])
        if not near:
            return ""
        if "%" in self.http.path:
            return f"{self.http.path} has escapes: write the signs that they stand for"
        if not rule_box(HttpRule(path=self.http.path))["path"] & normal_paths():
            return f"rules see no path that is {self.http.path}"
        stripped = {**meant, "path": path_spellings(self.http.path, True)}
        if (seen := shortest(common([near, (stripped,)]))) is not None:
            return f"{seen} passes, and what a server that strips parameters makes of it is unknown"
        sent = (
            {**box, "path": sent_as(box["path"])} for box in near if normalised and "path" in box
        )
        seen = shortest(common([tuple(sent), (meant,)]))
        return f"rules may see {seen} as another path" if seen else ""

    def _detour(self, bounds: RequestBounds, meant: Box) -> tuple[HttpRequest | None, str]:
        """What gets through where nobody normalises paths, and the server may."""
        for way in detours(self.http.path) if self.kind == "deny" and self.http.path else ():
            found = shortest(common([bounds.boxes, ({**meant, "path": way},)]))
            if found is not None:
                return (None, bounds.unread) if bounds.unread else (found, "")
        others = {**meant, "path": other_paths()}
        if self.kind == "only":
            others = {"path": other_paths()}
        if open_ := shortest(common([bounds.boxes, (others,)])):
            return None, f"{open_} passes, and what the server makes of its path is unknown"
        return None, ""

    def _stop(self, steps: tuple[Asked, ...]) -> tuple[HttpRequest | None, str]:
        why = ""
        for conditions, profile in steps:
            asked = rule_box(self.http)
            seen = looks(conditions) and profile == "normalised"
            if seen:
                normal = meet(asked, {"path": normal_paths()})
                if normal is None:
                    return None, f"rules see no path that is {self.http.path}"
                asked = normal
            if not conditions:
                continue
            least = at_least(conditions, profile)
            if rest := tuple(left([asked], least)):
                most = at_most([(conditions, profile)])
                if most.unread and not left([asked], most.boxes):
                    return None, most.unread
                sure = common([rest, ({"path": sure_paths()},)]) if seen else rest
                if found := shortest(sure):
                    return found, ""
            if seen and not why:
                why = _doubted(asked, least)
        return None, why


def _doubted(asked: Box, least: Sequence[Box]) -> str:
    """Why it is not known that all requests of a box with paths pass, whose rules see other ones
    than are sent; empty where these pass as well."""
    open_ = left([asked], [{"path": sure_paths()}])
    if not open_:
        return ""
    every = normal_paths()
    least = [box for box in least if any(meet(box, one) for one in open_)]
    texts = [box.get("path", every) for box in least]
    sure = [path - sent_as(every - path) for path in texts]
    other = [{**box, "path": path} for box, path in zip(least, sure, strict=True) if path]
    found = shortest(left(open_, other))
    return f"rules may see {found} as another path" if found else ""


def meant_by(http: HttpRule) -> Box:
    """What may be taken for a request of some; raises `Unread` and `TooLarge`."""
    box = dict(rule_box(replace(http, path="", host="")))
    if http.path:
        box["path"] = path_spellings(http.path)
    if http.host:
        box["host"] = host_spellings(http.host)
    return box


def first_refused(network: Network, trace: Trace) -> HttpRequest | None:
    """A shortest request that conditions on the way of a delivered packet refuse, if requests are
    what they ask for; None where that is not known."""
    if trace.reason is not Reason.DELIVERED:
        return None
    try:
        for conditions, profile in asked_on(network, trace):
            if not looks(conditions):
                continue
            most = at_most([(conditions, profile)])
            begin: Box = {"path": sure_paths()} if profile == "normalised" else {}
            found = None if most.unread else shortest(left([begin], most.boxes))
            if found is not None:
                return found
    except (TooLarge, Unread):
        return None
    return None


def requests_of(text: str, ports: Sequence[PortRange]) -> HttpRule:
    """The requests that a line of `expect:` is about; `ValueError` where it is about none."""
    found = request_kind(text)
    if any(r.protocol != PROTOCOLS["tcp"] for r in ports):
        raise ValueError("requests travel in TCP: name its ports, such as :80/tcp")
    return found


def request_breaches(
    reach: Reach, claim: Claim, http: HttpRule, wanted: Column, under: str | None
) -> tuple[list[Breach], str]:
    """What breaks an expectation between the pairs `wanted` (keys of
    `sim.proof.expectations.expect`), and why that is not all that is known to, if so; under a
    failure that breaks it as well."""
    judge = RequestJudge(reach, claim.kind, claim.ports, claim.limits, http)
    n, bad = len(reach.network.endpoints), list[Breach]()
    for key in wanted.tolist():
        ends = key // 2 // n, key // 2 % n, 6 if key % 2 else 4
        if ends[2] in claim.limits.versions:
            bad += (Breach(*ends, through, shown) for through, shown in judge.breaches(*ends))
    if under is not None and judge.undecided and not bad and len(wanted):
        key = int(wanted[0])
        bad = [Breach(key // 2 // n, key // 2 % n, 6 if key % 2 else 4, False)]
    return bad, judge.undecided
