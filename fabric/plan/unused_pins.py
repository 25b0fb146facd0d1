"""Pins that come to nothing: for endpoints that are not there, or have no address of their own, and
numbers for what has none.

The value stays reserved: a slip, or what is kept for later. `fabric.plan.kept_addresses` and
`fabric.plan.placement` tell pins that manifests contradict.
"""

from __future__ import annotations

from collections.abc import Sequence

from fabric.diagnostics import Diagnostics, did_you_mean
from fabric.file.spec import FabricSpec
from fabric.plan.draws import Draws
from fabric.values import ip
from fabric.values.inventory import Endpoint

NUMBERS = ("asn", "loopback", "vni", "rd", "router_mac", "prefixes")


def unused_pins(spec: FabricSpec, endpoints: Sequence[Endpoint], problems: Diagnostics) -> None:
    """C449 for endpoints that are not there, C459 for host-network pods, C680 for nodes."""
    if not spec.pins.addresses and not spec.pins.hosts:
        return
    there = {name for e in endpoints for name in (e.name, *e.also, *e.aliases)}
    for section in ("addresses", "hosts"):
        for key in sorted(set(getattr(spec.pins, section)) - there):
            what = f'no endpoint is called "{key}" now: its pin stays reserved'
            span = spec.at_key("pins", section, key)
            problems.warn("C449", what, span, did_you_mean(key, there))
    node_of = {alias: e for e in endpoints for alias in e.aliases}
    for key in sorted(node_of.keys() & spec.pins.addresses):
        node, texts = node_of[key], spec.pins.addresses[key]
        own = [prefix.network_address for prefix in node.prefixes]
        if not {*map(ip.address, texts)} <= {*own}:
            had = " and ".join(map(str, own))
            what = f"{key} is pinned to {texts[0]}, and has the address of {node.name}, {had}"
            span = spec.at_key("pins", "addresses", key)
            problems.warn("C459", what, span, "pin the node's address")
    nodes = {name: e for e in endpoints if e.kind != "pod" for name in (e.name, *e.also)}
    for key in sorted(nodes.keys() & spec.pins.hosts):
        if spec.pins.hosts[key] != nodes[key].host:
            what = f"{key} is {nodes[key].host} itself: it cannot run on {spec.pins.hosts[key]}"
            span = spec.at_key("pins", "hosts", key)
            problems.error("C680", what, span, "pods are pinned to hosts")


def unused_numbers(spec: FabricSpec, draws: Draws, problems: Diagnostics) -> None:
    """C449 for numbers of nodes, VRFs and prefixes that exist and have no such number."""
    for section in NUMBERS:
        ledger = draws.ledgers[section]
        for key in sorted(set(getattr(spec.pins, section)) - ledger.wanted):
            what = f'nothing has the {ledger.name} that is pinned for "{key}": it stays reserved'
            span = spec.at_key("pins", section, key)
            problems.warn("C449", what, span, did_you_mean(key, ledger.wanted))
