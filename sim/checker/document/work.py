"""How much work a certificate may cause: in proportion to its size, so that no small file keeps its
reader busy for long."""

from __future__ import annotations

AT_LEAST, PER_BYTE = 2_000_000, 5


class Budget:
    """Steps that may still be made. A step is about a microsecond."""

    def __init__(self, size: int) -> None:
        self.left = AT_LEAST + PER_BYTE * size

    def spend(self, steps: int) -> None:
        """Make steps; `OverflowError` when there are too many."""
        self.left -= steps
        if self.left < 0:
            raise OverflowError("checking it takes more steps than a file of its size may cost")
