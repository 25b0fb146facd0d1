"""Who has any of a set of addresses (`fabric.address_sets`)."""

from __future__ import annotations

from compiler.program.ownership import owned_addresses
from fabric.address_sets import AddressSet
from fabric.interval_sets import touch
from fabric.inventory import Endpoint
from fabric.network import Network


def owning(network: Network, block: AddressSet) -> list[Endpoint]:
    """Whoever has any of these addresses, in any VRF."""
    owned = owned_addresses(network)
    return [
        e
        for e in network.endpoints
        if any(touch(owned[e.index][v == 6], block.of(v)) for v in block.versions)
    ]
