"""Kinds of causes: what a rule, a selection or a default comes from, and how it is spoken of.

A kind is its name with declared properties, so that nobody interprets the name. A new kind is a
`OriginKind` of its own: whoever makes origins passes it, `KINDS` has those of this house by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any


class Listed(Enum):
    """How a kind is told in the matrix of who may talk to whom."""

    NAMED = "by its names"
    COUNTED = "by the number of its names"
    ALONE = "by its names, where there is nothing else"
    NEVER = "not at all"


class OriginKind(str):
    """The name of a kind, and:

    `declared`: an intent, without which packets between VRFs must not pass.
    `silent`: never told as what permits something.
    `own`: what tenants and zones may do among themselves; no hint, and nothing that differs.
    `closing`: its denies close a group, as a default does; blamed is what should have come before.
    `bare`: its name says all; the kind is left out of steps.
    `policy`: an object of a cluster, called `tenant/namespace/name`, with numbered rules; with
    `whole` it is about all namespaces, and called `tenant/name`.
    `suspicion`: of several causes of an unexpected permit the lowest is blamed; the second number
    counts where zone 0 is an end.
    `listed`: see `Listed`; `many` is the plural of the name. `said`: what stands before the name
    in a list, if it is not the kind (empty: the kind).
    `leads`: its rules are about addresses of the VRF into which they lead.
    `echo`: it only says that others have decided, and is told of nothing.
    `lines`: its rules are lines of the fabric file, each of which doubts ask about by itself.
    `items`: its rules list peers as `networking.k8s.io/v1` does, which some doubts read.

    >>> KINDS["leak"], KINDS["leak"].declared, KINDS["tenant"].said
    ('leak', True, 'same VRF')
    """

    declared: bool
    silent: bool
    own: bool
    closing: bool
    bare: bool
    policy: bool
    suspicion: tuple[int, int]
    listed: Listed
    said: str
    whole: bool
    leads: bool
    echo: bool
    lines: bool
    items: bool

    def __new__(
        cls,
        name: str,
        *,
        declared: bool,
        silent: bool,
        own: bool,
        closing: bool,
        bare: bool,
        policy: bool,
        suspicion: tuple[int, int],
        listed: Listed,
        said: str,
        whole: bool,
        leads: bool,
        echo: bool,
        lines: bool,
        items: bool,
    ) -> OriginKind:
        self = super().__new__(cls, name)
        self.declared, self.silent, self.own, self.closing = declared, silent, own, closing
        self.bare, self.policy, self.suspicion = bare, policy, suspicion
        self.listed, self.said, self.whole = listed, said or name, whole
        self.leads, self.echo, self.lines, self.items = leads, echo, lines, items
        return self

    @property
    def many(self) -> str:
        """The plural of the name.

        >>> NETWORK_POLICY.many, LEAK.many
        ('NetworkPolicies', 'leaks')
        """
        return f"{self[:-1]}ies" if self.endswith("y") else f"{self}s"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (str(self), vars(self))

    def __deepcopy__(self, memo: object) -> OriginKind:
        return self


def _restored(name: str, properties: Mapping[str, Any]) -> OriginKind:
    return OriginKind(name, **properties)


NEVER_BLAMED = (8, 8)

NETWORK_POLICY = OriginKind(
    "NetworkPolicy", declared=False, silent=False, own=False, closing=False, bare=False,
    policy=True, suspicion=(1, 3), listed=Listed.COUNTED,
    said="", whole=False, leads=False, echo=False, lines=False, items=True,
)  # fmt: skip
ADMIN_POLICY, BASELINE_POLICY, CLUSTER_POLICY = (
    OriginKind(
        name, declared=False, silent=False, own=False, closing=False, bare=False,
        policy=True, suspicion=(1, 3), listed=Listed.COUNTED,
        said="", whole=True, leads=False, echo=False, lines=False, items=False,
    )
    for name in ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")
)  # fmt: skip
CILIUM_POLICY, CILIUM_WIDE_POLICY = (
    OriginKind(
        name, declared=False, silent=False, own=False, closing=False, bare=False,
        policy=True, suspicion=(1, 3), listed=Listed.COUNTED,
        said="", whole=whole, leads=False, echo=False, lines=False, items=False,
    )
    for name, whole in (
        ("CiliumNetworkPolicy", False), ("CiliumClusterwideNetworkPolicy", True),
    )
)  # fmt: skip
ZONE_RULE = OriginKind(
    "zone rule", declared=True, silent=False, own=False, closing=False, bare=False,
    policy=False, suspicion=(2, 1), listed=Listed.NAMED,
    said="", whole=False, leads=False, echo=False, lines=True, items=False,
)  # fmt: skip
BOOT_SERVICE = OriginKind(
    "boot service", declared=True, silent=False, own=False, closing=False, bare=False,
    policy=False, suspicion=(3, 2), listed=Listed.NAMED,
    said="", whole=False, leads=False, echo=False, lines=True, items=False,
)  # fmt: skip
LEAK = OriginKind(
    "leak", declared=True, silent=False, own=False, closing=False, bare=False,
    policy=False, suspicion=(4, 4), listed=Listed.NAMED,
    said="", whole=False, leads=True, echo=False, lines=False, items=False,
)  # fmt: skip
PEERING = OriginKind(
    "peering", declared=True, silent=False, own=False, closing=False, bare=False,
    policy=False, suspicion=(5, 5), listed=Listed.NAMED,
    said="", whole=False, leads=True, echo=False, lines=False, items=False,
)  # fmt: skip
ZONE = OriginKind(
    "zone", declared=True, silent=False, own=True, closing=True, bare=False,
    policy=False, suspicion=(6, 6), listed=Listed.ALONE,
    said="", whole=False, leads=False, echo=False, lines=False, items=False,
)  # fmt: skip
TENANT = OriginKind(
    "tenant", declared=False, silent=False, own=True, closing=False, bare=False,
    policy=False, suspicion=(7, 7), listed=Listed.NEVER,
    said="same VRF", whole=False, leads=False, echo=False, lines=False, items=False,
)  # fmt: skip
HOST_STATE = OriginKind(
    "host state", declared=False, silent=True, own=False, closing=False, bare=False,
    policy=False, suspicion=NEVER_BLAMED, listed=Listed.NAMED,
    said="", whole=False, leads=False, echo=False, lines=False, items=False,
)  # fmt: skip
ACCESS_LIST = OriginKind(
    "access list", declared=False, silent=False, own=False, closing=False, bare=False,
    policy=False, suspicion=(1, 3), listed=Listed.NAMED,
    said="", whole=False, leads=False, echo=False, lines=False, items=False,
)  # fmt: skip
LAST_WORD = OriginKind(
    "last word", declared=False, silent=True, own=False, closing=False, bare=True,
    policy=False, suspicion=NEVER_BLAMED, listed=Listed.NEVER,
    said="", whole=False, leads=False, echo=True, lines=False, items=False,
)  # fmt: skip
DEFAULT = OriginKind(
    "default", declared=False, silent=True, own=False, closing=False, bare=True,
    policy=False, suspicion=NEVER_BLAMED, listed=Listed.NEVER,
    said="", whole=False, leads=False, echo=False, lines=False, items=False,
)  # fmt: skip

KINDS: Mapping[str, OriginKind] = MappingProxyType(
    {
        str(kind): kind
        for kind in (
            NETWORK_POLICY, ADMIN_POLICY, BASELINE_POLICY, CLUSTER_POLICY, CILIUM_POLICY,
            CILIUM_WIDE_POLICY, ZONE_RULE, BOOT_SERVICE, LEAK, PEERING, ZONE, TENANT, HOST_STATE,
            ACCESS_LIST, LAST_WORD, DEFAULT,
        )
    }
)  # fmt: skip


def kind_of(name: str) -> OriginKind:
    """The kind itself, or the one of this house with that name.

    >>> kind_of("leek")
    Traceback (most recent call last):
    ...
    LookupError: no kind of origin is called "leek": declare its properties as an OriginKind
    """
    if isinstance(name, OriginKind):
        return name
    if name not in KINDS:
        message = f'no kind of origin is called "{name}": declare its properties as an OriginKind'
        raise LookupError(message)
    return KINDS[name]
