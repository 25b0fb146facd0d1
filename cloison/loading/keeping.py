"""Whether this command may use worlds that commands before it kept, and keep its own.

Commands may, unless `CLOISON_CACHE=off`; Python that imports cloison does not, unless it says so
(`keeping`). What is kept, and when it counts, is in `cloison.loading.kept_worlds`, which costs more
to import than a command that needs no world should pay.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SWITCH = "CLOISON_CACHE"
_on: ContextVar[bool] = ContextVar("keeping", default=False)


@contextmanager
def keeping(on: bool = True) -> Iterator[None]:
    """Inside the block worlds are kept and used, or not."""
    token = _on.set(on and os.environ.get(SWITCH) != "off")
    try:
        yield
    finally:
        _on.reset(token)


def kept() -> bool:
    """Whether worlds are kept and used now."""
    return _on.get()
