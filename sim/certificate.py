"""Certificates: a proof written down, so that somebody else can check it without trusting us.

    inputs       files that were read, with their SHA-256
    assumptions  what the proof takes for granted; `exempt` who is left out; `replies` what of them
    endpoints    who exists, its group (tenant or zone), the addresses that are its own
    outcomes     what can become of a packet: verdict, and the reason of every choice of ECMP
    profiles     partitions of (protocol, destination port, source port) into boxes with an outcome
    maps         partitions of a family's destination addresses: [first, last, profile, endpoints]
    sources      [endpoint, family, source ranges, map]: together every packet that anybody can send
    cells        group → group, open or closed, as the regions say
    claims       every expectation and whether it holds

IPv4 addresses are numbers, IPv6 addresses hexadecimal strings. `sim.checker` reads certificates and
shares no code with this module.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from sim.l4 import L4Space
from sim.prove import Proof
from sim.reachability import Reach
from sim.reasons import Reason
from sim.regions import SELF, Outcome, Profiles, Source, regions

SCHEMA = "cloison/certificate/1"
ASSUMPTIONS = (
    "the control plane has converged on these inputs, with nothing down but what `down` lists",
    "the source address of a packet is its endpoint's own; DPUs drop everything else (spoof_drop)",
    "each enforcement point holds the compiled tables, all of them, and nothing else",
    "an endpoint talking to itself is out of scope",
)
REPLIES = (
    "replies to an allowed packet skip the policy groups; their route exists, because the "
    "receiving side admits a packet only if its source has a route back"
)


def certificate(proof: Proof, inputs: tuple[Path, ...] = (), down: tuple[str, ...] = ()) -> Any:
    """The certificate of a proof, made of JSON's types. Cost: sources × destination ranges."""
    reach = proof.reach
    profiles, found = regions(reach)
    maps: dict[tuple[Any, ...], int] = {}
    sources = [_source(source, maps) for source in found]
    body = {
        "schema": SCHEMA,
        "fabric": proof.network.spec.name if proof.network.spec else None,
        "inputs": [_input(path) for path in inputs],
        "down": sorted(down),
        "assumptions": [*ASSUMPTIONS, *_assumed(reach)],
        "exempt": list(proof.exempt),
        "replies": REPLIES,
        "endpoints": _endpoints(reach),
        "outcomes": [_outcome(outcome) for outcome in profiles.outcomes],
        "profiles": _profiles(reach.space, profiles),
        "maps": [list(map(list, stretches)) for stretches in maps],
        "sources": sources,
        "cells": [[c.src, c.dst, "open" if c.open else "closed"] for c in proof.matrix.cells],
        "claims": [
            {"claim": str(o.claim), "holds": o.holds, "pairs": o.pairs} for o in proof.outcomes
        ],
    }
    return body | {"digest": digest(body)}


def digest(body: dict[str, Any]) -> str:
    """SHA-256 of the certificate's canonical text."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _input(path: Path) -> dict[str, str]:
    return {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _assumed(reach: Reach) -> list[str]:
    """What was derived by rule where the truth was not in the input."""
    out = []
    for what in ("address", "host"):
        count = sum(what in e.assumed for e in reach.network.endpoints)
        if count:
            out.append(f"the {what} of {count} endpoints is derived by rule, not read")
    return out


def _endpoints(reach: Reach) -> list[dict[str, Any]]:
    """Addresses are those that an endpoint owns: a more specific owner's are left out."""
    from compiler.ownership import owned_addresses

    owned = owned_addresses(reach.network)
    return [
        {
            "name": e.name,
            "group": e.tenant,
            "vrf": reach.network.vrfs[e.vrf].name,
            "v4": [_range(4, *r) for r in owned[e.index][0]],
            "v6": [_range(6, *r) for r in owned[e.index][1]],
        }
        for e in reach.network.endpoints
    ]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    if outcome == (SELF,):
        return {"verdict": "exempt", "reasons": ["self"]}
    reasons = [Reason(reason).label for reason in outcome]
    delivered = "delivered" in reasons
    verdict = "deny" if not delivered else "allow" if len(reasons) == 1 else "depends"
    return {"verdict": verdict, "reasons": reasons}


def _profiles(space: L4Space, profiles: Profiles) -> list[list[list[int]]]:
    """Boxes as [protocol first, last, destination port first, last, source port first, last, n]."""
    return [
        [[*box.protocols, *box.dport, *box.sport, number] for box, number in space.boxes(values)]
        for values in profiles.values
    ]


def _source(source: Source, maps: dict[tuple[Any, ...], int]) -> list[Any]:
    version = source.version
    stretches = tuple(
        (*_range(version, first, last), profile, targets)
        for first, last, profile, targets in source.stretches
    )
    number = maps.setdefault(stretches, len(maps))
    return [source.endpoint, version, [_range(version, *r) for r in source.ranges], number]


def _range(version: int, first: int, last: int) -> list[int | str]:
    return [first, last] if version == 4 else [f"{first:x}", f"{last:x}"]
