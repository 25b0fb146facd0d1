"""What full names stand for: `acme`, `acme/web/*`, `zone2/main`, `10.0.0.1-10.0.0.9`.

Rules that hold here:

1. Addresses stand for whoever owns any of them, in every VRF.
2. What `fabric.values.names` selects is meant; where that is nobody, the name of a VRF stands for
   all endpoints in it, nodes and host-network pods included, and that of a host for its nodes in
   all tenants. Who is in these and not in what is meant makes a name ambiguous. Prefixes of a VRF
   or a tenant that no endpoint has are nobody: nothing is sent there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.values.address_sets import addresses_in, refusal
from fabric.values.inventory import Endpoint
from fabric.values.names import nodes_of, others, selected_in
from sim.names.address_sets import owning

ANYBODY = "*"


def chosen(network: Network, name: str) -> list[Endpoint]:
    """The endpoints that a full name, a pattern or addresses stand for, in order; `InputError`
    where these are IPv4 ones inside IPv6."""
    block = addresses_in(name)
    if block is not None:
        if wrong := refusal(name):
            raise InputError(wrong)
        return owning(network, block)
    return next(filter(None, _readings(network, name)), [])


def also_meant(network: Network, name: str) -> list[Endpoint]:
    """Whom a name might mean as well, beside those whom it stands for: a tenant may be called as a
    host is, an endpoint of a zone as a VRF."""
    if addresses_in(name) is not None:
        return []
    meanings = [*_readings(network, name)]
    first = {e.index for e in next(filter(None, meanings), [])}
    others = {e.index: e for found in meanings for e in found if e.index not in first}
    return [others[index] for index in sorted(others)]


def _readings(network: Network, name: str) -> Iterator[list[Endpoint]]:
    """Whom a name may mean, first things first (rule 2)."""
    yield _fitting(network, name)
    vrfs = {vrf.index for vrf in network.vrfs if vrf.name == name}
    yield [e for e in network.endpoints if e.vrf in vrfs] if vrfs else []
    if "/" not in name:
        yield _fitting(network, nodes_of(name))


def _fitting(network: Network, pattern: str) -> list[Endpoint]:
    """Whom a pattern selects. Claims and answers ask about few names, many times."""
    known = network.once(_asked)
    if pattern not in known:
        known[pattern] = [*selected_in(network, pattern)]
    return [*known[pattern]]


def _asked(_: Network) -> dict[str, list[Endpoint]]:
    """Nobody has asked yet."""
    return {}


def patterns(network: Network, name: str) -> tuple[str, ...]:
    """Patterns of everything that a name might select if more were evaluated: addresses may be
    anybody's, and whoever is in a VRF is its tenant's."""
    if addresses_in(name) is not None:
        return (ANYBODY,)
    vrfs = (f"{vrf.tenant}/*" for vrf in network.vrfs if vrf.name == name)
    return (name, *vrfs, *([nodes_of(name)] if "/" not in name else ()))


def pattern_names(endpoints: Iterable[Endpoint]) -> list[str]:
    """What a pattern could have meant: endpoints, workloads, whole tenants and namespaces."""
    found: set[str] = set()
    for e in endpoints:
        parts = e.name.split("/")
        found |= {e.name, *others(e), *("/".join([*parts[:i], "*"]) for i in range(1, len(parts)))}
        if e.workload:
            found.add("/".join([*parts[:-1], e.workload]))
    return sorted(found)
