"""Consistent: what a certificate shows by itself, without the network that it is about.

1. Its form is exact (`shape`), its digest fits, every reference and every order is right (`order`).
2. Its boxes, ranges and sources hold every packet that its endpoints can send exactly once, and
   whose an address is follows from the prefixes (`partitions`).
3. Verdicts, matrix, claims and findings follow from its regions (`follows`).

It may still be the certificate of no network at all: see `sim.checker.validity`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sim.checker import follows, order, partitions, shape
from sim.checker.regions import read


def inconsistencies(certificate: Any) -> list[str]:
    """Everything that is wrong with a certificate by itself, each as `field: why`."""
    wrong = shape.problems(certificate)
    if wrong:
        return wrong
    if digest(certificate) != certificate["digest"]:
        return ["digest: it does not fit the content"]
    wrong = list(order.problems(certificate))
    if wrong:
        return wrong
    regions = read(certificate)
    return list(partitions.problems(regions)) or list(follows.problems(certificate, regions))


def digest(certificate: Any) -> str:
    """SHA-256 of the canonical text of everything but the digest."""
    body = {key: value for key, value in certificate.items() if key != "digest"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
