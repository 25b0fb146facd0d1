"""Sorts of matchers: what all of a sort answer alike, said once.

* `EndpointMatcher`: endpoints, by what they are, whoever asks. A packet matches by the owner of its
  remote address.
* `NeighbourMatcher`: endpoints, by where they are seen from the rule's own side.
* `AddressMatcher`: addresses in blocks, perhaps without those that some endpoints own.

What a sort answers is final: a matcher of which it is not so is of another sort, or of none.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, final

from compiler.policy.domain import Domain
from compiler.policy.matcher import AddressBlocks, Around, Matcher, Members
from fabric.values.inventory import Endpoint, Prefix

if TYPE_CHECKING:
    from compiler.policy.ir import Packet

NOTHING: frozenset[str] = frozenset()


class EndpointMatcher(Matcher):
    """Endpoints that it selects, and no address that nobody has."""

    __slots__ = ()
    near: ClassVar[bool] = False

    @final
    def means(
        self, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Domain
    ) -> bool:
        return remote is not None and self.selects(remote, network)

    @final
    def covers(self, around: Around, local: Endpoint | None) -> Members:
        return Members(around.endpoints(self))

    @final
    def cuts(self) -> Iterable[Prefix]:
        return ()

    @final
    def addresses(self) -> None:
        return None


class NeighbourMatcher(Matcher):
    """Endpoints around the local one, and no address that nobody has. As the local side it means
    nobody: it would have to know whom from."""

    __slots__ = ()
    near: ClassVar[bool] = True

    @abstractmethod
    def beside(self, local: Endpoint, remote: Endpoint) -> bool:
        """Whether an endpoint is meant, seen from another one."""

    @abstractmethod
    def members(self, around: Around, local: Endpoint) -> Iterable[int]:
        """All that are meant (indices), for tables."""

    @final
    def means(
        self, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Domain
    ) -> bool:
        return remote is not None and self.beside(local, remote)

    @final
    def covers(self, around: Around, local: Endpoint | None) -> Members:
        assert local is not None
        return Members(tuple(self.members(around, local)))

    @final
    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        return False

    @final
    def looks(self) -> frozenset[str]:
        return NOTHING

    @final
    def label_keys(self) -> Iterable[str]:
        return ()

    @final
    def cuts(self) -> Iterable[Prefix]:
        return ()

    @final
    def addresses(self) -> None:
        return None


class AddressMatcher(Matcher):
    """Addresses in blocks. It tells addresses apart where its blocks begin and end."""

    __slots__ = ()

    @abstractmethod
    def addresses(self) -> AddressBlocks:
        """See `Matcher`."""

    @final
    def cuts(self) -> Iterable[Prefix]:
        blocks = self.addresses()
        return (*(blocks.prefixes or ()), *blocks.excepts)

    @final
    def label_keys(self) -> Iterable[str]:
        return ()
