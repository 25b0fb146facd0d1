"""Names of ports where a kernel has to take them: an interface has 15 letters, no slash, and none
of the names that the devices beside it have, be they of `linux` or of a lab. FRR tells a port from
an address and from its peer group by the name alone.
"""

from __future__ import annotations

import re

from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError

DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")
TAKEN = re.compile(
    r"lo|all|default|FABRIC|(vrf|vni|br|vxlan|vx|tun|ep)[0-9]+|(in|j)[0-9]+t[0-9]+"
    r"|[0-9]+(\.[0-9]+){3}"
)
"""Devices of ours, the kernel's words for all of them, FRR's peer group, and addresses."""
HINT = "15 of a-z, 0-9, dot, dash, underline, and none that another device has, such as lo or vrf1"


def ports_of(network: Network, node: int) -> tuple[str, ...]:
    """The ports of a node that lead to other speakers. `InputError` C869 where one has a name that
    no Linux interface may have."""
    links = network.fabric.links_of.get(node, ())
    ends = ((end, k) for k in links for end in ((k.a, k.a_port), (k.b, k.b_port)))
    found = tuple(port for (at, port), k in ends if at == node and k.kind != "host")
    for port in found:
        if not DEVICE.fullmatch(port) or TAKEN.fullmatch(port):
            name = network.fabric.nodes[node].name
            message = f'"{port}", a port of {name}, is no name of a Linux interface'
            raise InputError(Diagnostic("C869", message, None, HINT))
    return found
