"""The plug for a matcher: everything that cloison asks of one, in one place.

A matcher is a frozen value that stands in rules. Its class *is* its row: what it leaves out of the
list below is an error of mypy where it is made, and a `TypeError` when it is. Nobody asks which
class a matcher has. Most are of one of the sorts in `compiler.policy.matcher_sorts`, which answer
what all of their sort answer alike.

Rules that hold here:

1. `selects` and `means` are the definition (`compiler.policy.semantics`); `covers` is what tables
   are compiled from. They share no code, so that each tests the other.
2. A matcher reads no more of an endpoint than it says in `looks` and `label_keys`, and of addresses
   no more than it says in `cuts`: whoever puts either into classes relies on it.
3. `near` matchers depend on the tenant and the host of the endpoint at the rule's own side.
4. `by_labels`, `inside` and `in_namespace` say again what `selects` says, to whoever can do with
   less than all endpoints. None is never wrong: it takes longer, or less is told.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from compiler.policy.domain import Domain
from compiler.policy.labels import LabelSelector
from fabric.values.inventory import Endpoint, Prefix
from fabric.values.ip import Address

if TYPE_CHECKING:
    from compiler.policy.ir import Packet


@dataclass(frozen=True, slots=True)
class Members:
    """The addresses that these endpoints (indices) own."""

    endpoints: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses behind these VRFs (None: any) in `prefixes` (None: all of both families), but not
    in `excepts`, and not those that the endpoints `without` own."""

    vrfs: frozenset[str] | None = None
    prefixes: tuple[Prefix, ...] | None = None
    excepts: tuple[Prefix, ...] = ()
    without: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class AddressBlocks:
    """Addresses whoever has them: those in `prefixes` (None: all of both families) but not in
    `excepts`; without `pods` not those that pods of the matcher's own cluster have."""

    prefixes: tuple[Prefix, ...] | None = None
    excepts: tuple[Prefix, ...] = ()
    pods: bool = True

    def holds(self, address: Address) -> bool:
        """Whether an address is one of them, or would be if no pod had it."""
        return self.prefixes is None or (
            any(address in p for p in self.prefixes if p.version == address.version)
            and not any(address in p for p in self.excepts if p.version == address.version)
        )


@dataclass(frozen=True, slots=True)
class PodTerms:
    """Pods of a cluster by labels, in one namespace or in those with some labels (both None: in
    every one)."""

    cluster: str
    labels: LabelSelector
    namespace: str | None
    namespaces: LabelSelector | None


class Around(Protocol):
    """What a matcher may ask about the network while it is compiled."""

    network: Domain

    def endpoints(self, matcher: Matcher) -> tuple[int, ...]:
        """Endpoints that a matcher selects."""

    def of_tenant(self, tenant: str) -> Sequence[int]:
        """The endpoints of a tenant."""


Inside = tuple[Literal["tenant", "vrf"], frozenset[str]]


class Matcher(ABC):
    """One side of a rule: see the module."""

    __slots__ = ()
    near: ClassVar[bool]

    def __init_subclass__(cls, **more: Any) -> None:
        """Who says what it `means`, and nobody else, says whether that is `near`: a default would
        be wrong of who forgets it."""
        super().__init_subclass__(**more)
        if "means" in vars(cls) and "near" not in vars(cls):
            raise TypeError(f"{cls.__name__} does not say whether it is `near`")
        if "near" in vars(cls) and "means" not in vars(cls):
            raise TypeError(f"{cls.__name__} says whether it is `near`, and not what it means")

    @abstractmethod
    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        """Whether the endpoint as a whole is meant, whatever the packet."""

    @abstractmethod
    def means(
        self, packet: Packet, local: Endpoint, remote: Endpoint | None, network: Domain
    ) -> bool:
        """Whether the remote side of a packet matches: its address, the VRF behind which that
        lies, and the endpoint that owns it."""

    @abstractmethod
    def covers(self, around: Around, local: Endpoint | None) -> Members | Addresses:
        """Where a remote that matches may lie. `local` is given to matchers that are `near`."""

    @abstractmethod
    def text(self) -> str:
        """The matcher in a few words."""

    @abstractmethod
    def looks(self) -> frozenset[str]:
        """The fields of `Endpoint` that `selects` reads."""

    @abstractmethod
    def label_keys(self) -> Iterable[str]:
        """The keys of labels that it reads."""

    @abstractmethod
    def cuts(self) -> Iterable[Prefix]:
        """The prefixes that it tells addresses apart by."""

    @abstractmethod
    def addresses(self) -> AddressBlocks | None:
        """The addresses that it means, whoever has them; None where it means endpoints, or
        addresses behind some VRFs alone. Of one that is `near` all that it may mean."""

    def outside(self) -> bool:
        """Whether it means all that lies outside, or all of it but some."""
        found = self.addresses()
        return found is not None and (
            found.prefixes is None or any(p.prefixlen == 0 for p in found.prefixes)
        )

    def by_labels(self) -> PodTerms | None:
        """The labels by which it selects pods, if nothing else counts."""
        return None

    def inside(self) -> Inside | None:
        """Where all endpoints are that it selects, if that is known without looking at them."""
        return None

    def name_patterns(self) -> tuple[str, ...] | None:
        """Patterns (`fabric.values.names`) of which one selects each endpoint that it selects, if
        that is known."""
        return None

    def in_namespace(self) -> str | None:
        """The namespace of all endpoints that it selects, if it is about one; `looks` names it."""
        return None
