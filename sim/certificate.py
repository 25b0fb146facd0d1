"""Certificates: a proof written down, so that somebody else can check it without trusting us.

    inputs       files that were read, by their path from the fabric file, with their SHA-256
    routing      SHA-256 of all routes, next hops and failures (`fabric.fingerprint`)
    assumptions  what the proof takes for granted; `exempt` who is left out; `replies` what of them
    endpoints    who exists: names, group (tenant or zone), prefixes, addresses that are its own
    outcomes     what can become of a packet: verdict and reason
    profiles     partitions of (protocol, destination port, source port) into boxes with an outcome
    maps         partitions of a family's destination addresses: [first, last, choices], a choice of
                 ECMP being [profile, endpoint that it leads to or -1]
    sources      [endpoint, family, source ranges, map]: together every packet that anybody can send
    cells        group → group, open or closed
    claims       every expectation: whether it holds, and without which node or link it does not
    findings     what is wrong; `verdict` is whether anything is

Profiles, maps and sources are sorted, so a proof has one certificate. IPv4 addresses are numbers,
IPv6 addresses hexadecimal strings. `sim.checker` reads certificates and shares no code with this
module.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fabric.fingerprint import down_names, fingerprint
from fabric.network import Network
from sim.assumptions import REPLIES, SCHEMA, assumptions
from sim.expect import Outcome
from sim.l4 import L4Space
from sim.prove import Proof
from sim.reachability import Reach
from sim.reasons import Reason
from sim.regions import SELF, Profiles, Source, Stretch, regions

WORDS = {SELF: ("exempt", "self"), int(Reason.DELIVERED): ("allow", "delivered")}
"""Verdict and reason; all other reasons are denials."""


def certificate(proof: Proof, inputs: tuple[Path, ...] = ()) -> Any:
    """The certificate of a proof, made of JSON's types. Cost: sources × destination ranges."""
    reach, network = proof.reach, proof.network
    under_failure = any(o.claim.hold_under for o in proof.outcomes)
    body = {
        "schema": SCHEMA,
        "fabric": network.spec.name if network.spec else None,
        "verdict": "holds" if proof.holds else "fails",
        "inputs": [_input(path, network) for path in inputs],
        "down": down_names(network),
        "routing": fingerprint(network),
        "assumptions": assumptions((e.assumed for e in network.endpoints), under_failure),
        "exempt": sorted(set(proof.exempt)),
        "replies": REPLIES,
        "endpoints": _endpoints(reach),
        **_written(reach),
        "cells": [[c.src, c.dst, "open" if c.open else "closed"] for c in proof.matrix.cells],
        "claims": [_claim(o, proof) for o in proof.outcomes],
        "failures_tried": proof.failures,
        "findings": _findings(proof),
    }
    return body | {"digest": digest(body)}


def digest(body: dict[str, Any]) -> str:
    """SHA-256 of the certificate's canonical text."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _input(path: Path, network: Network) -> dict[str, str]:
    """Paths start at the fabric file, so that a copy of all files elsewhere has the same ones."""
    start = network.spec.path.parent if network.spec.path else Path()
    return {
        "path": Path(os.path.relpath(path, start)).as_posix(),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _endpoints(reach: Reach) -> list[dict[str, Any]]:
    """Addresses are those that an endpoint owns: a more specific owner's are left out."""
    from compiler.ownership import owned_addresses

    owned = owned_addresses(reach.network)
    return [
        {
            "name": e.name,
            "workload": e.workload,
            "aliases": list(e.aliases),
            "also": list(e.also),
            "group": e.tenant,
            "vrf": reach.network.vrfs[e.vrf].name,
            "assumed": sorted(e.assumed),
            "prefixes": [str(prefix) for prefix in e.prefixes],
            "v4": [_range(4, *r) for r in owned[e.index][0]],
            "v6": [_range(6, *r) for r in owned[e.index][1]],
        }
        for e in reach.network.endpoints
    ]


def _written(reach: Reach) -> dict[str, Any]:
    """Outcomes, profiles, maps and sources, numbered in their order."""
    profiles, found = regions(reach)
    sources = list(found)
    used = sorted({p for s in sources for *_, choices in s.stretches for p, _ in choices})
    reasons = sorted(
        {int(v) for p in used for v in profiles.values[p].tolist()}, key=lambda r: (r == SELF, r)
    )
    boxes = {p: _boxes(reach.space, profiles, p, reasons) for p in used}
    order = sorted(used, key=boxes.__getitem__)
    place = {p: n for n, p in enumerate(order)}
    distinct = {(s.version == 6, _renumbered(s, place)) for s in sources}
    maps = {key: n for n, key in enumerate(sorted(distinct))}
    rows = sorted(
        (s.endpoint, s.version, s.ranges, maps[s.version == 6, _renumbered(s, place)])
        for s in sources
    )
    return {
        "outcomes": [{"verdict": v, "reason": r} for v, r in map(_words, reasons)],
        "profiles": [boxes[p] for p in order],
        "maps": [list(_map(6 if six else 4, stretches)) for six, stretches in maps],
        "sources": [[e, v, [_range(v, *r) for r in ranges], m] for e, v, ranges, m in rows],
    }


def _words(reason: int) -> tuple[str, str]:
    return WORDS.get(reason) or ("deny", Reason(reason).label)


def _boxes(
    space: L4Space, profiles: Profiles, profile: int, reasons: Sequence[int]
) -> list[list[int]]:
    """Boxes as [protocol first, last, destination port first, last, source port first, last, n]."""
    number = {reason: n for n, reason in enumerate(reasons)}
    found = space.boxes(profiles.values[profile])
    return [[*box.protocols, *box.dport, *box.sport, number[value]] for box, value in found]


def _renumbered(source: Source, place: dict[int, int]) -> tuple[Stretch, ...]:
    return tuple(
        (first, last, tuple(sorted((place[p], e) for p, e in choices)))
        for first, last, choices in source.stretches
    )


def _map(version: int, stretches: tuple[Stretch, ...]) -> Iterator[list[Any]]:
    for first, last, choices in stretches:
        yield [*_range(version, first, last), [list(choice) for choice in choices]]


def _claim(outcome: Outcome, proof: Proof) -> dict[str, Any]:
    under = {o.claim.number: o.under for o in proof.under_failure}
    return {
        "claim": str(outcome.claim),
        "hold_under": list(outcome.claim.hold_under),
        "holds": outcome.holds,
        "pairs": outcome.pairs,
        "fails_without": under.get(outcome.claim.number) if outcome.holds else None,
    }


def _findings(proof: Proof) -> list[dict[str, str]]:
    """One per claim that fails, then what else was found."""
    under = {o.claim.number: o.under for o in proof.under_failure}
    titles = []
    for outcome in proof.outcomes:
        if not outcome.holds:
            titles.append(f"{outcome.claim} fails")
        elif outcome.claim.number in under:
            titles.append(f"{outcome.claim} fails without {under[outcome.claim.number]}")
    others = ((f.kind, f.title) for f in proof.findings if f.kind != "expectation")
    return [
        *({"kind": "expectation", "title": title} for title in titles),
        *({"kind": kind, "title": title} for kind, title in others),
    ]


def _range(version: int, first: int, last: int) -> list[int | str]:
    return [first, last] if version == 4 else [f"{first:x}", f"{last:x}"]
