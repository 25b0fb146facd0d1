"""A process that answers and ends.

What it has read stays until then: the collector of garbage, which otherwise looks through all of it
again and again, finds nothing there (`fabric.io.uncollected`). Commands are such processes, unless
they read more later on; Python that imports cloison is not.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_soon: ContextVar[bool] = ContextVar("brief", default=False)


@contextmanager
def brief(on: bool = True) -> Iterator[None]:
    """Inside the block this process answers and ends, or it goes on and reads more."""
    token = _ends_soon.set(on)
    try:
        yield
    finally:
        _ends_soon.reset(token)


def read_for_good() -> None:
    """What there is stays to the end, if that is soon: the collector looks at it no more."""
    if _ends_soon.get():
        gc.freeze()
