"""What connection tracking sees in an ICMP packet: a query, its reply, an error, or neither.

Rules that hold here, as in Linux (nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c):

1. A query is known by its identifier and its kind (echo, timestamp, …), and by who asked. Its reply
   has the answering type and the same identifier; another query from the other side, or a reply to
   another identifier, is none.
2. Only a request opens a flow. A reply that nobody asked for is decided by the policies.
3. An error quotes the packet that it is about (RFC 792, RFC 4443 §2.4). If that packet belongs to a
   known flow and the error goes to its sender, it is related to that flow. Errors about anything
   else, and all other types, are decided by the policies, each for itself.

A *mark* is one word per packet: kind << 24 | class << 16 | identifier. 0 says that nothing is known
(packets that never were on a wire): then opposite headers answer each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabric.values.ports import ICMP4, ICMP6
from sim.packets.headers import Packets

REQUEST, REPLY, ERROR, OTHER = 1, 2, 3, 4
QUERIES = {4: ((8, 0), (13, 14), (15, 16), (17, 18)), 6: ((128, 129), (139, 140))}
"""Types of requests and their replies: echo, timestamp, information, address mask; echo, node
information."""
ERRORS = {4: (3, 4, 5, 11, 12), 6: tuple(range(1, 128))}
PROTOCOL = {4: ICMP4, 6: ICMP6}
Words = NDArray[np.uint32]


class Marks(NamedTuple):
    """Marks of packets. `inner` is the row of what an error quotes in `quoted`, whose own marks are
    `quoted_marks`; -1 for everything else."""

    mark: Words
    inner: NDArray[np.int32]
    quoted: Packets
    quoted_marks: Words

    @staticmethod
    def unknown(n: int) -> Marks:
        """Nothing is known about any packet."""
        none = np.zeros(0, np.uint32)
        return Marks(np.zeros(n, np.uint32), np.full(n, -1, np.int32), Packets.of([]), none)


def _kinds(version: int) -> Words:
    """Kind and class of each type."""
    table = np.full(256, OTHER << 24, np.uint32)
    table[list(ERRORS[version])] = ERROR << 24
    for number, (request, reply) in enumerate(QUERIES[version], 1):
        table[request] = REQUEST << 24 | number << 16
        table[reply] = REPLY << 24 | number << 16
    return table


KINDS = {version: _kinds(version) for version in (4, 6)}


def marks_of(
    version: NDArray[np.int64], types: NDArray[np.int64], ident: NDArray[np.int64]
) -> Words:
    """Marks by type and identifier; only queries have one."""
    found = np.where(version == 6, KINDS[6][types], KINDS[4][types])
    query = (found >> 24 == REQUEST) | (found >> 24 == REPLY)
    return np.where(query, found | ident.astype(np.uint32), found).astype(np.uint32)
