"""Whether one rule says all that another one says, whatever pods there are or come.

This compares words, not what they mean in a network: where it says yes, that is so everywhere;
where it says no, it may still be so.
"""

from __future__ import annotations

from compiler.policy.ir import L4, Matcher, Rule
from compiler.policy.labels import LabelSelector, Requirement
from compiler.policy.matcher import AddressBlocks
from fabric.values.inventory import Prefix
from fabric.values.ports import ANY, MAX_PORT

EVERYTHING = AddressBlocks()


def covers(wide: Rule, narrow: Rule) -> bool:
    """Whether `wide` holds all packets that `narrow` holds, at all of its endpoints."""
    return (
        not wide.conditions
        and all(any(within(n, w) for w in wide.local) for n in narrow.local)
        and all(any(within(n, w) for w in wide.remote) for n in narrow.remote)
        and (not wide.l4 or _ports(narrow.l4 or (L4(),), wide.l4))
    )


def within(narrow: Matcher, wide: Matcher) -> bool:
    """Whether one matcher means nobody that another does not mean."""
    blocks = None if wide.near else wide.addresses()
    if narrow == wide or blocks == EVERYTHING:
        return True
    mine, theirs = narrow.by_labels(), wide.by_labels()
    if mine is not None and theirs is not None:
        return (
            mine.cluster == theirs.cluster
            and theirs.namespace in (None, mine.namespace)
            and (not theirs.namespaces or implies(mine.namespaces or (), theirs.namespaces))
            and implies(mine.labels, theirs.labels)
        )
    own = None if narrow.near else narrow.addresses()
    return blocks is not None and own is not None and _inside(own, blocks)


def _inside(narrow: AddressBlocks, wide: AddressBlocks) -> bool:
    """Whether blocks hold no address that others do not hold; who leaves out pods holds none."""
    if wide.prefixes is None or narrow.prefixes is None or not wide.pods:
        return False
    return all(
        any(_within(prefix, other) for other in wide.prefixes)
        and all(hole in narrow.excepts or not hole.overlaps(prefix) for hole in wide.excepts)
        for prefix in narrow.prefixes
    )


def _within(narrow: Prefix, wide: Prefix) -> bool:
    return narrow.version == wide.version and narrow.subnet_of(wide)  # type: ignore[arg-type]


def implies(narrow: LabelSelector, wide: LabelSelector) -> bool:
    """Whether labels for which all terms of `narrow` hold meet those of `wide` too.

    >>> one, many = (Requirement("a", "In", frozenset(v)) for v in ("x", "xy"))
    >>> implies((one,), (many,)), implies((many,), (one,)), implies((one,), ())
    (True, False, True)
    """
    return all(any(_term(has, wanted) for has in narrow) for wanted in wide)


def _term(has: Requirement, wanted: Requirement) -> bool:
    if has.key != wanted.key:
        return False
    match has.operator, wanted.operator:
        case "In", "In":
            return has.values <= wanted.values
        case "In", "NotIn":
            return not has.values & wanted.values
        case (("In" | "Exists"), "Exists"):
            return True
        case "NotIn", "NotIn":
            return has.values >= wanted.values
        case "DoesNotExist", ("DoesNotExist" | "NotIn"):
            return True
    return False


def _ports(narrow: tuple[L4, ...], wide: tuple[L4, ...]) -> bool:
    return all(any(_within_ports(n, w) for w in wide) for n in narrow)


def _within_ports(narrow: L4, wide: L4) -> bool:
    if wide.protocol not in (ANY, narrow.protocol) or wide.fields:
        return False
    if not wide.source_first <= narrow.source_first <= narrow.source_last <= wide.source_last:
        return False
    if wide.name is not None:
        return narrow.name == wide.name
    if narrow.name is not None:
        return wide.first <= 1 and wide.last == MAX_PORT
    return wide.first <= narrow.first and narrow.last <= wide.last
