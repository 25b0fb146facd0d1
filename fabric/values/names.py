"""Names of endpoints and the patterns that select them.

A pattern has up to three `/`-separated segments, each a glob in which `[9-12]` is a range
(`fabric.values.wildcard`). A pattern with fewer segments than the name selects it if it ends in
`*`: `acme/*` is everything of acme, nodes included, and so is the name of a tenant or a zone alone.
The last segment also matches the name of the workload that a pod belongs to.

A host has a node endpoint in every VRF of a tenant that it serves: `acme/@node/host1` is all of
them, `acme/@node/host1@main` the one in that VRF. A host-network pod has its node's address, so a
pattern that selects the pod, or its workload, selects the node.

>>> matches("acme/*", "acme/web/front-0", "front")
True
>>> matches("acme/web/front", "acme/web/front-0", "front")
True
>>> matches("acme/web", "acme/web/front-0", "front"), matches("*", "acme/@node/host1", None)
(False, True)
>>> matches("acme/@node/host1", "acme/@node/host1@v1", None)
True
>>> [matches(name, "acme/@node/host1", None) for name in ("acme", "acme/*", "host1")]
[True, True, False]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fabric.values.wildcard import fits

if TYPE_CHECKING:
    from fabric.values.inventory import Endpoint

NODE = "@node"
T = TypeVar("T")


def matches(pattern: str, name: str, workload: str | None) -> bool:
    """Whether `pattern` selects the endpoint called `name` of `workload`."""
    wanted, parts = _segments(pattern), name.split("/")
    if len(parts) > 1 and not fits(parts[0], wanted[0]):
        return False
    if len(wanted) == 1 < len(parts):
        wanted = (*wanted, "*")
    if len(wanted) > len(parts) or (len(wanted) < len(parts) and wanted[-1] != "*"):
        return False
    for part, want in zip(parts[1:-1], wanted[1:], strict=False):
        if not fits(part, want):
            return False
    if len(wanted) < len(parts):
        return True
    last, want = parts[-1], wanted[-1]
    return (
        fits(last, want)
        or (workload is not None and fits(workload, want))
        or (NODE in parts[1:-1] and fits(host_of(last), want))
    )


@lru_cache(4096)
def _segments(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.split("/"))


def nodes_of(host: str) -> str:
    """The pattern of a host's nodes in all tenants."""
    return f"*/{NODE}/{host}"


def host_of(node: str) -> str:
    """The host in the last segment of a node endpoint's name, `host1` or `host1@vrf`."""
    return node.partition("@")[0]


def selects(pattern: str, endpoint: Endpoint) -> bool:
    """Whether a pattern selects an endpoint by any of the names that it answers to."""
    if matches(pattern, endpoint.name, endpoint.workload):
        return True
    more = others(endpoint)
    return bool(more) and any(matches(pattern, other, None) for other in more)


def selected(pattern: str, endpoints: Iterable[Endpoint]) -> Iterator[Endpoint]:
    """The endpoints that a pattern selects, in their order. The first segment is tried once for a
    tenant or zone; endpoints with further names are asked about each of them."""
    first, known = pattern.partition("/")[0], dict[str, bool]()
    for endpoint in endpoints:
        head, slash, _ = endpoint.name.partition("/")
        if head not in known:
            known[head] = not slash or fits(head, first)
        if (known[head] or any(others(endpoint))) and selects(pattern, endpoint):
            yield endpoint


class Somewhere(Protocol):
    """What has endpoints, and remembers what was made of them."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""

    def once(self, make: Callable[[Any], T], /) -> T:
        """What is made of it, made when it is first asked for."""


def selected_in(there: Somewhere, pattern: str) -> Iterator[Endpoint]:
    """As `selected` of all endpoints there, of which only those are asked of whom a name begins as
    the pattern does: lines with names cost what they select."""
    perhaps = beginning([pattern], there.once(heads))
    return selected(pattern, (there.endpoints[number] for number in perhaps))


def heads(there: Somewhere) -> dict[str, list[int]]:
    """Endpoints (numbers, in order) by the first segments of all their names; under "" those that
    have a name of one segment, which no first segment rules out."""
    out: dict[str, list[int]] = {}
    for number, endpoint in enumerate(there.endpoints):
        for name in (endpoint.name, *others(endpoint)):
            head, slash, _ = name.partition("/")
            out.setdefault(head if slash else "", []).append(number)
    return out


def beginning(patterns: Iterable[str], known: Mapping[str, list[int]]) -> list[int]:
    """Of endpoints by their `heads` those that patterns may select, in order: whom they do select
    is among them."""
    firsts = {pattern.partition("/")[0] for pattern in patterns}
    return sorted(
        {
            number
            for head, members in known.items()
            if not head or any(fits(head, first) for first in firsts)
            for number in members
        }
    )


def others(endpoint: Endpoint) -> tuple[str, ...]:
    """The names of an endpoint beside its own."""
    return endpoint.aliases + endpoint.runs + endpoint.also
