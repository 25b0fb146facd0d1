"""Certificates: a proof written down, so that somebody else can check it without trusting us.

    inputs       files that were read, by their path from the fabric file, with their SHA-256
    routing      SHA-256 of all routes, next hops and failures (`fabric.building.fingerprint`)
    times        of a file with windows: the periods [from, until) in which the same is in force
    assumptions  what the proof takes for granted; `exempt` who is left out; `replies` what of them
    endpoints    who exists: names, group (tenant or zone), prefixes, addresses that are its own
    fields       where rules ask for further fields of packets: [name, first value of each part];
                 the protocols of part n are numbered from 256 n on, the last field fastest
    outcomes     what can become of a packet: verdict, and the reason of every choice of ECMP
    profiles     partitions of (protocol, destination port, source port) into boxes with an outcome
    maps         partitions of a family's destination addresses: [first, last, profile, endpoints,
                 VRFs], where each choice of ECMP leads to (-1: to none), in the order of reasons
    sources      [endpoint, family, source ranges, map]: together every packet that anybody can send
    cells        group → group, open or closed
    claims       every expectation: whether it holds, and without which node or link it does not; of
                 one about a Service `targets`: endpoints behind it (by number), each at which ports
    findings     what is wrong; `verdict` is whether anything is

Profiles, maps and sources are sorted, so a proof has one certificate. IPv4 addresses are numbers,
IPv6 addresses hexadecimal strings. `sim.checker` reads certificates and shares no code with this
module.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fabric.building.fingerprint import fingerprint
from fabric.building.network import Network, refuse_anycast, refuse_devices
from fabric.control.rewrites import refuse_rewrites
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.io.mounts import real
from fabric.io.phases import phase
from fabric.kubernetes.unmodelled.unevaluated import certified
from fabric.wiring.budget import HINT
from sim.blocks.numbering import same_rows
from sim.blocks.port_sets import Box, L4Space
from sim.packets.reasons import Reason, reasons
from sim.proof.certificates.certificate_text import digest
from sim.proof.certificates.regions import (
    CONDITIONAL,
    SELF,
    AllRegions,
    Choice,
    Profiles,
    Sender,
    regions,
)
from sim.proof.expectations.expect import Claim, Outcome
from sim.proof.pairs.reachability import Reach
from sim.proof.prove import Proof
from sim.proof.routes.refinements import TOP
from sim.wording.assumptions import SCHEMA, assumptions, refuse_kinds, refuse_requests, replies

Ranks = tuple[int, ...]
"""Reasons of all choices of ECMP, by rank."""


@phase("write the certificate")
def certificate(proof: Proof, inputs: tuple[Path, ...] = ()) -> Any:
    """The certificate of a proof, made of JSON's types. Cost: sources × destination ranges."""
    reach, network = proof.reach, proof.network
    refuse_anycast(network, "a certificate")
    refuse_devices(network, "a certificate")
    refuse_rewrites(network.rewrites, "a certificate")
    for kind, said in proof.untried.items():
        what = f"a certificate says what becomes of {kind}: {said}"
        raise UndecidedError(Diagnostic("C694", what, None, HINT, "unknown"))
    under = [kind for o in proof.outcomes for kind in o.claim.hold_under]
    refuse_kinds(under, "a certificate")
    lines = network.spec.expect if network.spec else ()
    refuse_requests((line.http for line in lines), "a certificate")
    judged = network.spec.judged_at if network.spec else None
    hairpins = sorted(vrf.name for vrf in network.vrfs if vrf.hairpin)
    body = {
        "schema": SCHEMA,
        "fabric": network.spec.name if network.spec else None,
        "verdict": proof.verdict,
        "inputs": [_input(path, network) for path in inputs],
        "down": sorted(network.fabric.down),
        "routing": fingerprint(network),
        "assumptions": assumptions(
            (e.assumed for e in network.endpoints), under, hairpins, judged is not None
        ),
        "exempt": sorted(set(proof.exempt)),
        "not_evaluated": certified(proof.not_evaluated),
        "replies": replies(hairpins),
        "vrfs": [vrf.name for vrf in network.vrfs],
        **({"hairpins": hairpins} if hairpins else {}),
        **({"times": [period.row() for period in judged.times]} if judged else {}),
        "endpoints": _endpoints(reach),
        **_fields(reach),
        **_written(reach),
        "cells": [[c.src, c.dst, "open" if c.open else "closed"] for c in proof.matrix.cells],
        "claims": [_claim(o, proof) for o in proof.outcomes],
        "failures_tried": proof.failures,
        "findings": _findings(proof),
    }
    return body | {"digest": digest(body)}


def _input(path: Path, network: Network) -> dict[str, str]:
    """Paths start at the fabric file, so that a copy of all files elsewhere has the same ones."""
    start = network.spec.path.parent if network.spec.path else Path()
    return {
        "path": Path(os.path.relpath(path, start)).as_posix(),
        "sha256": hashlib.sha256(real(path).read_bytes()).hexdigest(),
    }


def _endpoints(reach: Reach) -> list[dict[str, Any]]:
    """Addresses are those that an endpoint owns: a more specific owner's are left out."""
    from compiler.program.ownership import owned_addresses

    owned = owned_addresses(reach.network)
    return [
        {
            "name": e.name,
            "workload": e.workload,
            "aliases": list(e.aliases),
            **({"runs": list(e.runs)} if e.runs else {}),
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


def _fields(reach: Reach) -> dict[str, Any]:
    """Where rules cut further fields of packets; nothing where none does."""
    cuts = [[name, list(starts)] for name, starts in reach.blocks.l4.fields.cuts]
    return {"fields": cuts} if cuts else {}


def _written(reach: Reach) -> dict[str, Any]:
    """Outcomes, profiles, maps and sources, numbered in their order."""
    found = regions(reach)
    known_reasons = reasons(reach.program.stages).in_order
    sources = list(found.sources)
    rows = _MapRows(found, sources)
    ways = _WayNumbers(reach.space, found.profiles, known_reasons)
    told = {number: ways.of(found.choices.of(number)) for number in rows.choices}
    outcomes = sorted({o for boxes in ways.told.values() for _, o in boxes})
    number = {outcome: n for n, outcome in enumerate(outcomes)}
    boxes = {
        key: tuple((*box.protocols, *box.dport, *box.sport, number[o]) for box, o in found)
        for key, found in ways.told.items()
    }
    profiles = sorted({*boxes.values()})
    place = {found: n for n, found in enumerate(profiles)}
    maps, map_of = rows.maps({n: (place[boxes[key]], e, v) for n, (key, e, v) in told.items()})
    lines = sorted(
        (s.endpoint, s.version, s.ranges, m) for s, m in zip(sources, map_of, strict=True)
    )
    return {
        "outcomes": [_outcome(outcome, known_reasons) for outcome in outcomes],
        "profiles": [[list(box) for box in found] for found in profiles],
        "maps": maps,
        "sources": [[e, v, [_range(v, *r) for r in ranges], m] for e, v, ranges, m in lines],
    }


class _MapRows:
    """Ranges of maps, each kept once: most are the same for everybody in a VRF."""

    def __init__(self, found: AllRegions, sources: list[Sender]) -> None:
        self.axes, self.sources = found.axes, sources
        width = [len(source.first) for source in sources]
        first = np.concatenate([np.zeros(0, np.int64), *(s.first for s in sources)])
        end = np.zeros(len(sources), np.int64) + [len(self.axes[s.version == 6]) for s in sources]
        at_end = np.cumsum(width) - 1
        last = np.append(first[1:], 0)
        last[at_end] = end
        chosen = np.concatenate([np.zeros(0, np.int64), *(s.chosen for s in sources)])
        six = np.repeat(np.array([s.version == 6 for s in sources], np.bool_), width)
        self.of, self.sample = same_rows([six, first, last, chosen])
        columns = (column[self.sample].tolist() for column in (six, first, last, chosen))
        self.rows: list[tuple[bool, int, int, int]] = list(zip(*columns, strict=True))
        self.choices = {chosen for *_, chosen in self.rows}
        self.at = np.cumsum(width) - width
        self.width = width

    def maps(
        self, ways: dict[int, tuple[int, tuple[int, ...], tuple[int, ...]]]
    ) -> tuple[list[list[list[Any]]], list[int]]:
        """All maps in order, and the number of the map of each source. Ranges that maps have in
        common are one list."""
        told = [
            (six, self._address(six, a), self._address(six, b) - 1, *ways[chosen])
            for six, a, b, chosen in self.rows
        ]
        order = sorted(range(len(told)), key=told.__getitem__)
        rank = np.empty(len(told), np.dtype(">u4"))
        rank[order] = np.arange(len(told))
        written = [
            [*_range(6 if six else 4, first, last), p, [*ends], [*vrfs]]
            for six, first, last, p, ends, vrfs in map(told.__getitem__, order)
        ]
        ranked = rank[self.of]
        keys = [
            ranked[at : at + width].tobytes()
            for at, width in zip(self.at.tolist(), self.width, strict=True)
        ]
        maps = {key: n for n, key in enumerate(sorted(set(keys)))}
        rows = (np.frombuffer(key, ranked.dtype).tolist() for key in maps)
        return [[written[row] for row in found] for found in rows], [maps[key] for key in keys]

    def _address(self, six: bool, place: int) -> int:
        """Where a place of the axis begins, behind its last one the end of all addresses."""
        axis = self.axes[six]
        return axis[place] if place < len(axis) else TOP[6 if six else 4] + 1


class _WayNumbers:
    """Choices of ECMP put side by side: by endpoint, VRF, then by what becomes of packets: ranks of
    reasons in the order in which packets meet them; what one says to oneself comes last."""

    def __init__(self, space: L4Space, profiles: Profiles, known: Sequence[Reason]) -> None:
        self.space, self.values = space, profiles.values
        self.rank = {int(reason): rank for rank, reason in enumerate(known)}
        self.rank |= {SELF: len(known), CONDITIONAL: len(known) + 1}
        self.boxes = cache(lambda profile: space.boxes(profiles.values[profile]))
        self.told: dict[tuple[int, ...], list[tuple[Box, Ranks]]] = {}

    def of(
        self, choices: tuple[Choice, ...]
    ) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The profiles of all choices in order, of which `told` has the partition into boxes with
        the reasons of all of them, and where each leads to."""
        ordered = sorted(choices, key=lambda choice: (*choice[1:], self._told(choice[0])))
        key = tuple(c[0] for c in ordered)
        if key not in self.told:
            self.told[key] = self._together(key)
        return key, tuple(c[1] for c in ordered), tuple(c[2] for c in ordered)

    def _together(self, profiles: tuple[int, ...]) -> list[tuple[Box, Ranks]]:
        table = np.stack([self.values[profile] for profile in profiles])
        alike = same_rows(list(table))
        columns = table[:, alike.sample].T.tolist()
        outcomes = [tuple(map(self.rank.__getitem__, column)) for column in columns]
        return [(box, outcomes[value]) for box, value in self.space.boxes(alike.of)]

    def _told(self, profile: int) -> list[tuple[Box, int]]:
        return [(box, self.rank[value]) for box, value in self.boxes(profile)]


def _outcome(outcome: Ranks, known: Sequence[Reason]) -> dict[str, Any]:
    """Verdict over all choices of ECMP, and the reason of each."""
    names = [*(reason.label for reason in known), "self", "delivered_if"]
    told = [names[rank] for rank in outcome]
    passing = [name for name in told if name in ("delivered", "delivered_if")]
    always = told.count("delivered") == len(told)
    verdict = "allow" if always else "depends" if passing else "deny"
    return {"verdict": "exempt" if set(told) == {"self"} else verdict, "reasons": told}


def _claim(outcome: Outcome, proof: Proof) -> dict[str, Any]:
    under = _failing(proof)
    return {
        "claim": str(outcome.claim),
        **_targets(outcome.claim),
        "hold_under": list(outcome.claim.hold_under),
        "holds": outcome.holds,
        "pairs": outcome.pairs,
        "fails_without": under.get(outcome.claim.number) if outcome.holds else None,
    }


def _failing(proof: Proof) -> dict[int, str]:
    """By claim the first failure that breaks it, or what is drained then."""
    broken = proof.under_failure
    word = {"without": "", "draining": "draining "}
    return {o.claim.number: f"{word.get(o.word, '')}{o.under}" for o in broken}


def _targets(claim: Claim) -> dict[str, Any]:
    """Who is behind the Service that a claim is about, by number, with ports: protocol (-1: any),
    first and last one, first and last source port."""
    rows = [
        {"ports": [[*astuple(port)] for port in part.ports], "endpoints": [*(part.pods or ())]}
        for part in claim.parts
    ]
    return {"targets": rows} if rows else {}


def _findings(proof: Proof) -> list[dict[str, str]]:
    """One per claim that fails, then what else was found."""
    under = _failing(proof)
    titles = []
    for outcome in proof.outcomes:
        if not outcome.holds:
            titles.append(f"{outcome.claim} fails")
        elif outcome.claim.number in under:
            broken = under[outcome.claim.number]
            word = "" if broken.startswith("draining ") else "without "
            titles.append(f"{outcome.claim} fails {word}{broken}")
    others = ((f.kind, f.title) for f in proof.findings if f.kind != "expectation")
    return [
        *({"kind": "expectation", "title": title} for title in titles),
        *({"kind": kind, "title": title} for kind, title in others),
    ]


def _range(version: int, first: int, last: int) -> list[int | str]:
    return [first, last] if version == 4 else [f"{first:x}", f"{last:x}"]
