"""What is being done and how long it takes: named phases, for whoever listens.

    with listening(print):
        build(spec)                 # prints a line for each phase that ends

Rules that hold here:

1. Nobody listening costs nothing. A phase inside another is its part; parts of one name add up.
2. A phase is told when it ends, with its parts below it: `seconds  name`, parts indented.
3. Only the thread that listens is heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

Hear = Callable[[str], object]


@dataclass(slots=True)
class Phase:
    """A phase that ended, maybe several times, and its parts."""

    name: str
    seconds: float = 0.0
    times: int = 0
    parts: dict[str, Phase] = field(default_factory=dict)

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The phase and its parts, a line each."""
        again = f" × {self.times}" if self.times > 1 else ""
        yield f"{self.seconds:9.3f} s  {'  ' * depth}{self.name}{again}"
        for part in self.parts.values():
            yield from part.lines(depth + 1)


@dataclass(slots=True)
class Listener:
    """Who hears of phases, and which are open, the outermost first."""

    hear: Hear
    open: list[Phase] = field(default_factory=list)


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(hear: Hear) -> Iterator[None]:
    """Tell `hear` of all phases of the block, a line at a time."""
    token = _listener.set(Listener(hear))
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Name what the block, or the function that this decorates, does."""
    listener = _listener.get()
    if listener is None:
        yield
        return
    inside = listener.open[-1].parts if listener.open else {}
    this = inside.setdefault(name, Phase(name))
    listener.open.append(this)
    start = time.perf_counter()
    try:
        yield
    finally:
        this.seconds += time.perf_counter() - start
        this.times += 1
        listener.open.pop()
        if not listener.open:
            for line in this.lines():
                listener.hear(line)
