"""Empty lists of addresses: of rules that match packets of one IP version alone."""

from __future__ import annotations

import numpy as np

from sim.classify.ruleset import Prefixes, Prefixes6


def nothing6(n: int) -> Prefixes6:
    """Empty IPv6 lists: rules that match IPv4 packets alone."""
    words = np.zeros(0, np.uint64)
    return Prefixes6(np.zeros(n + 1, np.int64), words, words, np.zeros(0, np.uint8))


def nothing4(n: int) -> Prefixes:
    """Empty IPv4 lists: rules that match IPv6 packets alone."""
    return Prefixes(np.zeros(n + 1, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint8))
