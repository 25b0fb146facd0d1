"""Who has an address, as objects write it: endpoints of all tenants and zones.

It is that of the endpoints with exactly this address; where there are none, of those that own a
prefix with it as a whole; and only where there is no such prefix either, of a default route's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from fabric.values.address_sets import mapped
from fabric.values.inventory import Endpoint, Prefix

Address = tuple[int, int]


class Holders:
    """Endpoints by their addresses."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._exact: defaultdict[Address, list[Endpoint]] = defaultdict(list)
        self._wide: list[tuple[Prefix, Endpoint]] = []
        for endpoint in endpoints:
            for prefix in endpoint.prefixes:
                if prefix.num_addresses == 1:
                    key = prefix.version, int(prefix.network_address)
                    self._exact[key].append(endpoint)
                else:
                    self._wide.append((prefix, endpoint))

    def of(self, text: str, shortest: int = 0) -> Sequence[Endpoint]:
        """The endpoints that have an address, in prefixes that are not shorter; none where the text
        is no address. An IPv4 address inside IPv6 is the IPv4 one, as Kubernetes takes it."""
        try:
            written = ip_address(text)
        except ValueError:
            return ()
        address = mapped(written) or written
        found = self._exact.get((address.version, int(address)), [])
        for least in (max(shortest, 1), shortest):
            found = found or [e for p, e in self._wide if p.prefixlen >= least and address in p]
        return [*{e.index: e for e in found}.values()]
