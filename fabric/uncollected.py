"""The collector of garbage, told to wait.

What is read and built stays. A collector that looks through all of it whenever it has grown by a
quarter takes a fifth of the time and finds nothing. Nor does one find anything in it later on, in a
process that ends when it has answered (`brief`).
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


@contextmanager
def uncollected() -> Iterator[None]:
    """No collection within the block, or within a function that this decorates."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
