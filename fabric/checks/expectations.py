"""Expectations: one kind each, readable, about tenants and zone endpoints that exist.

Whether a pattern selects a pod, and which Services there are, is known only once the manifests are
read (`sim.proof.expectations.expect`).
"""

from __future__ import annotations

from fabric.checks.known_names import KnownNames
from fabric.checks.trust_zones import unmatched
from fabric.diagnostics import Diagnostics
from fabric.file.expect.claims import GRAMMAR, parse_claim
from fabric.file.spec import FabricSpec
from fabric.values.address_sets import addresses_in, refusal
from fabric.values.door_names import door_in

KINDS = ("allow", "deny", "only")


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Every line of `expect:`."""
    for i, line in enumerate(spec.expect):
        if line._kept:
            continue
        given = [kind for kind in KINDS if getattr(line, kind) is not None]
        if len(given) != 1:
            what = "an expectation is exactly one of allow, deny, only"
            hint = "write each as an entry of its own" if given else 'write deny: "A -> B"'
            found.error("C704", what, spec.at("expect", i), hint)
            continue
        text = getattr(line, given[0])
        span = spec.at("expect", i, given[0])
        try:
            source, target, _, _ = parse_claim(text)
        except ValueError as error:
            found.error("C701", f'cannot read "{text}": {error}', span, GRAMMAR)
            continue
        for pattern in dict.fromkeys((source, target)):
            found.items += filter(None, [refusal(pattern, span)])
            if door_in(pattern) is not None:
                continue
            known = addresses_in(pattern) or names.vrf(pattern) or pattern in names.hosts
            known = known or spec.devices is not None  # whose names configurations have as well
            wrong = None if known else unmatched(pattern, names)
            if wrong is not None:
                code, message, hint_ = wrong
                found.error(code, message, span, hint_)
