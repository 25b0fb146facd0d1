"""Settings of NVUE's neighbours and peer groups that nobody models and that may change routes.

They are told in FRR's words (`PeerSetting`), which NVUE writes for them. One that is off is none.
Their lines are listed, so that no value of theirs is lost; the value of a password is in neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compiler.imports.device_facts import PeerSetting
from compiler.imports.nvue.nvue_tree import OFF, Branch, said

ITSELF = {"password": "password", "ttl-security": "ttl-security", "local-as": "local-as"}
"""Of a neighbour itself."""
IN_FAMILY = {
    "default-route-origination": "default-originate", "conditional-advertise": "advertise-map",
    "route-server-client": "route-server-client", "weight": "weight",
    "attribute-mod": "attribute-unchanged", "prefix-limits": "maximum-prefix",
}  # fmt: skip
PATHS = {
    "allow-my-asn": "allowas-in", "replace-peer-as": "as-override",
    "private-as": "remove-private-AS",
}  # fmt: skip
USUAL = {"ipv4": ("auto", "self"), "ipv6": ("auto", "self"), "evpn": ("auto", "unchanged")}
"""Next hops that eBGP has anyway, by family."""
NEITHER = OFF | {"none", "0", ""}


def of_neighbor(branch: Branch) -> Iterator[PeerSetting]:
    """The settings of a neighbour or group itself."""
    yield from switched(branch, ITSELF)


def of_family(family: str, branch: Branch) -> Iterator[PeerSetting]:
    """The settings of a neighbour or group in a family."""
    yield from switched(branch, IN_FAMILY)
    if branch.has("aspath"):
        yield from switched(below(branch, "aspath"), PATHS)
    if branch.has("nexthop-setting"):
        hop = below(branch, "nexthop-setting")
        wanted = [*hop.value] if isinstance(hop.value, dict) else [said(hop.value)]
        if any(one not in USUAL[family] for one in wanted):
            yield PeerSetting("next-hop", hop.span)
    if branch.has("community-advertise"):
        sent = below(branch, "community-advertise")
        extended = sent.value.get("extended", "on") if isinstance(sent.value, dict) else sent.value
        if family == "evpn" and not is_on(extended):
            yield PeerSetting("send-community", sent.span)


def switched(branch: Branch, kinds: dict[str, str]) -> Iterator[PeerSetting]:
    """Those of some keys that are there and on."""
    for key, kind in kinds.items():
        if branch.has(key):
            here = below(branch, key)
            if is_on(here.value):
                yield PeerSetting(kind, here.span)


def is_on(value: Any) -> bool:
    """Whether a setting is on: it is there, and says nothing else."""
    if isinstance(value, dict):
        for key in ("enable", "state"):
            if key in value and not isinstance(value[key], dict):
                return is_on(value[key])
        return not value or any(is_on(inner) for inner in value.values())
    return value is not None and said(value).lower() not in NEITHER


def below(branch: Branch, key: str) -> Branch:
    """A key below, looked at and not taken: its lines are accounted for elsewhere."""
    return branch.at(key)
