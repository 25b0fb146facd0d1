"""Fields of a packet that are numbers of their own: the name and the largest value of each, once.

Columns of headers (`sim.packets.headers`), columns and rules of the classifier (`sim.classify`)
draw their types and limits from these rows. Addresses are none: a family decides how wide they are.
What a packet does not carry (time, failures) is an axis of worlds, not a field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fabric.ports import MAX_PORT
from fabric.rows import Rows

STATES = ("new", "established", "related", "invalid")


@dataclass(frozen=True, slots=True)
class Field:
    """One row; values are 0 to `last`.

    >>> Field("dscp", 63).dtype
    dtype('uint8')
    """

    name: str
    last: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """The narrowest unsigned type that holds every value."""
        return np.min_scalar_type(self.last)

    @property
    def tight(self) -> bool:
        """Whether that type holds nothing else."""
        return int(np.iinfo(self.dtype).max) == self.last


FIELDS: Rows[Field] = Rows(
    Field("protocol", 255),
    Field("sport", MAX_PORT),
    Field("dport", MAX_PORT),
    Field("state", len(STATES) - 1),
    Field("dscp", 63),
)
