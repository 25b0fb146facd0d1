"""Packets as people write them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from compiler.policy.fields import shown
from fabric.values.ports import WITH_PORTS, name_of
from sim.packets.headers import Flow


def show(flow: Flow) -> str:
    """A flow as people write it.

    >>> show(Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 443))
    '10.0.0.1:40000 -> 10.0.0.2:443/tcp'
    >>> show(Flow(0, 6, 1, 2, 58))
    '::1 -> [::2]:icmp'
    """
    name = name_of(flow.protocol, flow.version)
    besides = shown(flow.fields)
    if flow.protocol not in WITH_PORTS:
        return f"{_host(flow, flow.src)} -> {_end(flow, flow.dst, name)}{besides}"
    port = f"{flow.dport}/{name}"
    return f"{_end(flow, flow.src, str(flow.sport))} -> {_end(flow, flow.dst, port)}{besides}"


def _end(flow: Flow, ip: int, port: str) -> str:
    host = _host(flow, ip)
    return f"{host}:{port}" if flow.version == 4 else f"[{host}]:{port}"


def _host(flow: Flow, ip: int) -> str:
    return str((IPv4Address if flow.version == 4 else IPv6Address)(ip))
