"""What `cloison verify` says: the isolation matrix, every expectation, findings, certificates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table as Grid
from rich.text import Text

from cloison.loading.how import AS_USUAL, How
from cloison.loading.keeping import keeping
from cloison.render.formats import visible
from cloison.render.table import Table
from cloison.views.caveats.diagnosed import diagnosed
from cloison.views.isolation.isolation_matrix import grid_table, open_table
from cloison.views.reports.report import proven
from cloison.views.reports.report_text import findings, remarks, section, verdict
from cloison.views.verification import requirements
from cloison.views.world import World
from fabric.building.inputs import input_files
from fabric.building.load import load
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError
from fabric.file.in_force import UNTIMED
from fabric.io.decoded_text import read_text
from fabric.io.visible import lines
from fabric.values.instants import told
from fabric.values.window import BEGINNING
from sim.checker.all_times import covers_file, whole_problems
from sim.checker.consistency import inconsistencies
from sim.checker.document.shared_rows import parsed
from sim.checker.validity import validity
from sim.proof.expectations.expect import Outcome
from sim.proof.prove import Proof
from sim.wording.assumptions import OF_TIMES

SCHEMA = "cloison/verification/1"
CHECKED = "cloison/certificate-check/2"
MOST_BYTES = 2**31
"""A certificate of a large fabric is larger than any input."""


def report(proof: Proof, by: str | None = None) -> Iterator[Any]:
    """Everything to print about a proof, in order; expectations `by` requirement, where asked."""
    yield from section(grid_table(proof))
    yield from section(open_table(proof))
    if by is None:
        yield from section(claims_table(proof))
    else:
        yield from requirements.report(proof)
    yield from findings(proof.findings)
    yield from remarks(proof)
    yield verdict(proof)


def claims_table(proof: Proof) -> Table:
    """Every `expect:` line and whether it holds, also under the failures that it names."""
    broken = {o.claim.number: o for o in proof.under_failure}
    rows = tuple(
        claim_row(o, broken.get(o.claim.number), said, proof)
        for o, said in zip(proof.outcomes, proof.verdicts(), strict=True)
    )
    return Table(rows, "Expectations")


def claim_row(outcome: Outcome, broken: Outcome | None, said: str, proof: Proof) -> dict[str, Any]:
    """One expectation; `pairs` counts (source, destination, IP version)."""
    claim, doubt = outcome.claim, proof.doubts.get(outcome.claim.number)
    asked = claim.hold_under if outcome.holds else ()
    under = [f"unknown {kind}" if kind in proof.untried else kind for kind in asked]
    if broken is not None:
        under = [f"not {broken.word} {broken.under}"]
    elif doubt is not None and doubt.under and outcome.holds:
        under = [f"unknown {doubt.under}"]
    return {
        "": "FAILS" if said == "fails" else said,
        "expect": str(claim),
        "pairs": outcome.pairs,
        "also under": lines(*under),
    }


def document(proof: Proof, certificate: Any = None, by: str | None = None) -> dict[str, Any]:
    """`cloison/verification/1`; `requirements` where it is asked by them."""
    return {
        "schema": SCHEMA,
        "name": proof.network.spec.name,
        "verdict": proof.verdict,
        "holds": proof.holds,
        "down": sorted(proof.network.fabric.down),
        "drained": list(proof.network.fabric.draining),
        "single_failures_tried": proof.failures,
        **proven(proof),
        "certificate": certificate and certificate["digest"],
        **({} if by is None else {"requirements": requirements.document(proof)}),
    }


def read_certificate(path: Path) -> Any:
    """The JSON of a certificate; `InputError` when it is none."""
    text, file = read_text(path, MOST_BYTES)
    try:
        found = parsed(text)
    except ValueError as error:
        raise InputError(Diagnostic("C730", f"{file} is no JSON: {error}")) from None
    if not isinstance(found, dict) or "schema" not in found:
        hint = "write one with: cloison verify FABRIC --certificate FILE"
        raise InputError(Diagnostic("C730", f"{file} is no certificate", None, hint))
    return found


def check(
    certificate: Any, fabric: Path | None, how: How = AS_USUAL
) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
    """`cloison/certificate-check/2`: whether a certificate is consistent, which it shows by itself,
    and, with a fabric file, whether it is valid, which only that fabric shows; and what is doubtful
    about that one."""
    if certificate["schema"] == OF_TIMES:
        return _check_times(certificate, fabric, how)
    problems = inconsistencies(certificate)
    consistent, compared, network = not problems, None, None
    if consistent and fabric is not None:
        with keeping(False):  # whoever checks reads everything again
            problems, compared, network = _against(certificate, fabric, how)
    found = {
        "schema": CHECKED,
        "consistent": consistent,
        "valid": None if fabric is None else not problems,
        "problems": problems,
        "compared": compared,
        "not_evaluated": certificate["not_evaluated"] if consistent else [],
        "diagnostics": [] if network is None else diagnosed(network),
        **summary(certificate),
    }
    return found, () if network is None else network.warnings


def _check_times(
    found: Any, fabric: Path | None, how: How
) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
    """The same of the certificates of all times of a file with windows."""
    problems = whole_problems(found, inconsistencies)
    consistent, compared, networks = not problems, {"regions": 0, "packets": 0}, list[Network]()
    if consistent and fabric is not None:
        with keeping(False):
            problems = [*covers_file(found, load(fabric)[0])]
            for number, part in enumerate(found["certificates"]):
                wrong, counted, network = _against(part, fabric, how)
                problems += [f"certificates[{number}].{what}" for what in wrong]
                compared = {k: n + (counted or {}).get(k, 0) for k, n in compared.items()}
                networks += [] if network is None else [network]
    parts = found["certificates"] if consistent else []
    counts = {"certificates": len(parts)}
    for part in map(summary, parts):
        counts |= {key: counts.get(key, 0) + n for key, n in part["counts"].items()}
    records = {str(row): row for part in parts for row in part["not_evaluated"]}
    return {
        "schema": CHECKED,
        "consistent": consistent,
        "valid": None if fabric is None else not problems,
        "problems": problems,
        "compared": compared if consistent and fabric is not None else None,
        "not_evaluated": list(records.values()),
        "diagnostics": diagnosed(*networks),
        "fabric": found.get("fabric"),
        "verdict": found.get("verdict"),
        "down": parts[0]["down"] if parts else [],
        "covers": found.get("covers"),
        "counts": counts,
    }, tuple(dict.fromkeys(w for network in networks for w in network.warnings if w.code != "C217"))


def _against(
    certificate: Any, fabric: Path, how: How
) -> tuple[list[str], dict[str, int] | None, Network | None]:
    """What a fabric says about a consistent certificate. Whoever checks draws nothing for good."""
    moment = _moment_of(certificate)
    on = {"down": tuple(certificate["down"]), "time": (moment,) if moment else ()}
    how = replace(how, on=on)
    how = how if how.drawn == "refused" else replace(how, drawn="forgotten")
    try:
        network = World.of_fabric(fabric, how).network
    except InputError as error:
        if all(d.code == UNTIMED for d in error.diagnostics):
            return (
                ["times: the fabric has windows, and it does not say when it is true"],
                None,
                None,
            )
        if certificate["down"] and all(d.code == "C331" for d in error.diagnostics):
            return [f"down: {d.message}" for d in error.diagnostics], None, None
        raise
    found = validity(certificate, network, input_files(network.spec))
    return found.problems, {"regions": found.regions, "packets": found.packets}, network


def _moment_of(certificate: Any) -> str | None:
    """A moment of the times that a certificate is about, if it says any."""
    times = certificate.get("times")
    return None if times is None else times[0]["from"] or told(BEGINNING)


def summary(certificate: Any) -> dict[str, Any]:
    """What a certificate is about, as far as it can be read."""
    parts = ("inputs", "endpoints", "sources", "maps", "profiles", "cells", "claims", "findings")
    counts = {key: len(found) for key in parts if isinstance(found := certificate.get(key), list)}
    said = {key: certificate.get(key) for key in ("fabric", "verdict", "down")}
    times = {"times": certificate["times"]} if "times" in certificate else {}
    return {**said, **times, "counts": counts}


def when(found: dict[str, Any]) -> str:
    """The times that a certificate is about, as words."""
    if (covers := found.get("covers")) is not None:
        bounds = [f"{word} {covers[word]}" for word in ("from", "until") if covers[word]]
        return f" at all times {' '.join(bounds)}".rstrip()
    if times := found.get("times"):
        spans = (
            " ".join(f"{word} {period[word]}" for word in ("from", "until") if period[word])
            for period in times
        )
        return f" {', '.join(spans)} and of no other time"
    return ""


def checked(found: dict[str, Any]) -> Iterator[Any]:
    """The outcome of `check` as text."""
    yield Text(visible(f"Certificate of {found['fabric']}"), style="bold")
    yield ", ".join(f"{count:,} {what}" for what, count in found["counts"].items())
    if found["problems"]:
        problems = Grid.grid(padding=(0, 1))
        for problem in found["problems"]:
            problems.add_row(" -", Text(visible(problem)))
        yield problems
        what = "consistent" if not found["consistent"] else "valid"
        yield Text(f"The certificate is not {what}.", style="bold red")
        return
    for row in found["not_evaluated"]:
        word = "Accepted, not evaluated" if row["accepted"] else "Not evaluated"
        place = "/".join(filter(None, (row["tenant"], row["namespace"], row["name"])))
        yield visible(f"{word}: {row['kind']} {place} of {row['api_version']}")
    down = f" with {', '.join(found['down'])} down" if found["down"] else ""
    says, style = f"It says: {found['verdict']}{down}{when(found)}.", "bold green"
    if found["verdict"] != "holds":
        style = "bold yellow" if found["verdict"] == "unknown" else "bold red"
    if found["valid"] is None:
        yield (
            "The certificate is consistent: what follows from its regions is what it says. Whether "
            "it is about your fabric, only checking it with FABRIC shows."
        )
        yield Text(visible(says), style=style)
        return
    compared = found["compared"]
    yield (
        f"Computed again from routes and rules: {compared['regions']:,} regions, "
        f"{compared['packets']:,} packets; nothing differs."
    )
    yield Text(visible(f"The certificate is valid. {says}"), style=style)
