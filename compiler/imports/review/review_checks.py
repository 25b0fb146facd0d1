"""The checks of a review: a row each, and the only place that lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from compiler.imports.device_facts import Device
from compiler.imports.review.list_checks import (
    entries_that_never_decide,
    ipv6_beside_ipv4,
    lists_asked_nowhere,
    odd_values,
    permits_before_isolation,
    quarantines,
    state_that_nobody_keeps,
)
from compiler.imports.review.review_finding import ReviewFinding
from compiler.imports.review.routing_checks import (
    addresses_that_cannot_be,
    forged_targets,
    imports_of_nobody,
    names_that_lead_nowhere,
    neighbours_elsewhere,
    one_layer,
    one_way_targets,
    packets_too_long,
    shared_numbers,
)

OF_A_DEVICE: tuple[Callable[[Device], Iterator[ReviewFinding]], ...] = (
    entries_that_never_decide,
    permits_before_isolation,
    quarantines,
    ipv6_beside_ipv4,
    odd_values,
    lists_asked_nowhere,
    state_that_nobody_keeps,
    one_layer,
    forged_targets,
    names_that_lead_nowhere,
    neighbours_elsewhere,
    addresses_that_cannot_be,
    packets_too_long,
)
OF_A_SITE: tuple[Callable[[Sequence[Device]], Iterator[ReviewFinding]], ...] = (
    one_way_targets,
    imports_of_nobody,
    shared_numbers,
)


def reviewed(devices: Sequence[Device]) -> list[ReviewFinding]:
    """Everything that the checks find, what is wrong first."""
    found = [f for check in OF_A_DEVICE for device in devices for f in check(device)]
    found += [f for check in OF_A_SITE for f in check(devices)]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.rank)
