"""Consistent: what a certificate shows by itself, without the network that it is about.

1. Its form is exact (`form`), its digest fits, every reference and every order is right (`order`).
2. Its boxes, ranges and sources hold every packet that its endpoints can send exactly once, and
   whose an address is follows from the prefixes (`partitions`).
3. Verdicts, matrix, claims and findings follow from its regions (`follows`).

It may still be the certificate of no network at all: see `sim.checker.validity`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

from compiler.policy.stages import Stages
from sim.checker.document import form, order, partitions
from sim.checker.document.regions import read
from sim.checker.document.shared_rows import compact
from sim.checker.document.work import Budget
from sim.checker.expectations import follows

SHOWN = 50


def inconsistencies(certificate: Any, stages: Stages | None = None) -> list[str]:
    """Everything that is wrong with a certificate by itself, each as `field: why`; `stages` are
    those of the policy that it is about; all of the table where nobody knows."""
    names = form.reasons_of(stages) if stages is not None else form.known_reasons()
    wrong = form.problems(certificate, names)
    if wrong:
        return wrong[:SHOWN]
    text, size = hashlib.sha256(), 0
    for piece in canonical(certificate):
        text.update(piece)
        size += len(piece)
    if text.hexdigest() != certificate["digest"]:
        return ["digest: it does not fit the content"]
    try:
        return list(islice(_beyond_form(certificate, names, Budget(size)), SHOWN))
    except OverflowError as error:
        return [f"certificate: {error}"]


def _beyond_form(certificate: Any, names: tuple[str, ...], budget: Budget) -> Iterator[str]:
    """Stage by stage: each relies on those before it."""
    wrong = False
    for problem in order.problems(certificate, names):
        wrong = True
        yield problem
    if wrong:
        return
    regions = read(certificate)
    for problem in partitions.problems(regions):
        wrong = True
        yield problem
    if not wrong:
        yield from follows.problems(certificate, regions, budget)


def canonical(certificate: Any) -> Iterator[bytes]:
    """The text that the digest is of, in pieces: everything else, keys sorted, no spaces."""
    return compact({key: value for key, value in certificate.items() if key != "digest"})
