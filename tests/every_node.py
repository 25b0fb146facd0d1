"""An underlay in which nobody stands for anybody: what shared points are compared with."""

from __future__ import annotations

import numpy as np

from fabric.control.attachments import UnderlayPoints
from fabric.control.bgp_sessions import Sessions
from fabric.wiring.topology import Fabric


def every_node(fabric: Fabric, sessions: Sessions) -> UnderlayPoints:
    """Every node of a fabric as a point of its own."""
    n, none = len(fabric.nodes), np.zeros(len(fabric.links), np.int32)
    every = np.arange(n + 1, dtype=np.int32)
    node = np.append(every[:-1], np.int32(-1))
    return UnderlayPoints(every[:-1], node, every, n, np.zeros(n + 1, np.int32), none[:0], none)
