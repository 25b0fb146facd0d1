"""Who has any of a set of addresses (`fabric.values.address_sets`)."""

from __future__ import annotations

from compiler.program.ownership import owned_addresses
from fabric.building.network import Network
from fabric.values.address_sets import AddressSet
from fabric.values.interval_sets import touch
from fabric.values.inventory import Endpoint


def owning(network: Network, block: AddressSet) -> list[Endpoint]:
    """Whoever has any of these addresses, in any VRF."""
    owned = network.once(owned_addresses)
    return [
        e
        for e in network.endpoints
        if any(touch(owned[e.index][v == 6], block.of(v)) for v in block.versions)
    ]
