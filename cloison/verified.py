"""What `cloison verify` says: the isolation matrix, every expectation, findings, certificates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table as Grid
from rich.text import Text

from cloison.isolation import grid_table, open_table
from cloison.render import visible
from cloison.report import proven
from cloison.report_text import findings, remarks, section, verdict
from cloison.table import Table
from cloison.world import World
from fabric.diagnostics import Diagnostic, InputError
from fabric.inputs import input_files
from fabric.reader import read_text
from sim import checker
from sim.expect import Outcome
from sim.prove import Proof
from sim.recheck import changed_inputs, disagreements

SCHEMA = "cloison/verification/1"
CHECKED = "cloison/certificate-check/1"
SAMPLES = 2000
SHOWN = 5


def report(proof: Proof) -> Iterator[Any]:
    """Everything to print about a proof, in order."""
    yield from section(grid_table(proof))
    yield from section(open_table(proof))
    yield from section(claims_table(proof))
    yield from findings(proof.findings)
    yield from remarks(proof)
    yield verdict(proof)


def claims_table(proof: Proof) -> Table:
    """Every `expect:` line and whether it holds, also under the failures that it names."""
    broken = {o.claim.number: o for o in proof.under_failure}
    rows = tuple(claim_row(o, broken.get(o.claim.number)) for o in proof.outcomes)
    return Table(rows, "Expectations")


def claim_row(outcome: Outcome, broken: Outcome | None) -> dict[str, Any]:
    """One expectation; `pairs` counts (source, destination, IP version)."""
    claim = outcome.claim
    holds = outcome.holds and broken is None
    under = claim.hold_under if holds else [f"not without {broken.under}"] if broken else []
    return {
        "": "holds" if holds else "FAILS",
        "expect": str(claim),
        "pairs": outcome.pairs,
        "also under": "\n".join(under),
    }


def document(proof: Proof, down: Sequence[str], certificate: Any) -> dict[str, Any]:
    """`cloison/verification/1`."""
    return {
        "schema": SCHEMA,
        "name": proof.network.spec.name,
        "holds": proof.holds,
        "down": sorted(down),
        "single_failures_tried": proof.failures,
        **proven(proof),
        "certificate": certificate and certificate["digest"],
    }


def read_certificate(path: Path) -> Any:
    """The JSON of a certificate; `InputError` when it is none."""
    text, file = read_text(path)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(Diagnostic("C730", f"{file} is no JSON: {error}")) from None
    if not isinstance(found, dict) or "schema" not in found:
        hint = "write one with: cloison verify FABRIC --certificate FILE"
        raise InputError(Diagnostic("C730", f"{file} is no certificate", None, hint))
    return found


def check(certificate: Any, fabric: Path | None) -> dict[str, Any]:
    """`cloison/certificate-check/1`: what an independent reader says about a certificate, and,
    with a fabric file, whether it is about that fabric."""
    problems = checker.check(certificate)
    packets = None
    if not problems and fabric is not None:
        world = World.of(fabric, certificate["down"])
        differ = [*disagreements(world.network, world.program, certificate, SAMPLES)]
        problems += [*changed_inputs(certificate, input_files(world.network.spec)), *differ[:SHOWN]]
        packets = {"traced": SAMPLES, "differ": len(differ)}
    return {
        "schema": CHECKED,
        "holds": not problems,
        "problems": problems,
        "packets": packets,
        **summary(certificate),
    }


def summary(certificate: Any) -> dict[str, Any]:
    """What a certificate is about, as far as it can be read."""
    parts = ("inputs", "endpoints", "sources", "maps", "profiles", "cells", "claims")
    counts = {key: len(found) for key in parts if isinstance(found := certificate.get(key), list)}
    return {"fabric": certificate.get("fabric"), "down": certificate.get("down"), "counts": counts}


def checked(found: dict[str, Any]) -> Iterator[Any]:
    """The outcome of `check` as text."""
    counts, packets = found["counts"], found["packets"]
    yield Text(visible(f"Certificate of {found['fabric']}"), style="bold")
    yield ", ".join(f"{count:,} {what}" for what, count in counts.items())
    if packets:
        yield (
            f"{packets['traced']:,} packets of all regions traced over routes and table entries: "
            f"{packets['differ']:,} fare otherwise"
        )
    problems = Grid.grid(padding=(0, 1))
    for problem in found["problems"]:
        problems.add_row(" -", Text(visible(problem)))
    if found["problems"]:
        yield problems
        yield Text("The certificate is not valid.", style="bold red")
    else:
        sentence = "The certificate is valid: its regions hold every packet exactly once."
        yield Text(sentence, style="bold green")
