"""What is written comes back equal, shares what it shared, and takes what was left out by name."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from ipaddress import ip_network
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fabric.diagnostics import Diagnostic, Span
from fabric.io import pickled
from fabric.values.inventory import Prefix
from sim.blocks.arena import Arena

SPANS = st.builds(Span, st.text(), st.integers(), st.integers())
WORDS = st.text(max_size=5)
TOLD = st.builds(Diagnostic, WORDS, WORDS, SPANS | st.none(), st.none() | WORDS)
PREFIXES = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.tuples(st.integers(2**32, 2**128 - 1), st.integers(0, 128)),
).map(lambda pair: ip_network(pair, strict=False))


@dataclass(frozen=True, slots=True)
class Empty:
    """Without fields."""


def back(value: Any, **named: Any) -> Any:
    file = BytesIO()
    pickled.write(value, file, {id(v): name for name, v in named.items()})
    return pickled.read(file.getvalue(), named)


@given(st.lists(TOLD | PREFIXES | st.builds(Empty) | st.frozensets(SPANS)))
def test_what_is_written_comes_back(value: list[Any]) -> None:
    found = back(value)
    assert found == value
    assert [*map(hash, found)] == [*map(hash, value)]
    told = [repr(one) for one in found if not isinstance(one, frozenset)]
    assert told == [repr(one) for one in value if not isinstance(one, frozenset)]


def test_prefixes_are_whole() -> None:
    prefix: Prefix = back(ip_network("2001:db8::/33"))
    assert (prefix.prefixlen, prefix.num_addresses, str(prefix.netmask)) == (
        33, 2**95, "ffff:ffff:8000::",
    )  # fmt: skip
    assert back(ip_network("fe80::%eth0/64")) == ip_network("fe80::%eth0/64")


def test_one_object_stays_one() -> None:
    span = Span("a", 1)
    one, other = back((Diagnostic("C1", "x", span), Diagnostic("C2", "y", span)))
    assert one.span is other.span


def test_the_beginning_of_an_array_shares_its_memory() -> None:
    arena = Arena(np.int32, 3)
    arena.append(np.arange(2400, dtype=np.int32).reshape(-1, 3))
    view, rest = arena.view, arena.view[5:]
    there, again, beyond = back((arena, view, rest))
    assert np.array_equal(again, view) and np.array_equal(beyond, rest)
    assert np.shares_memory(there.view, again) and not np.shares_memory(again, beyond)
    small = np.zeros(10**6)[:10]
    file = BytesIO()
    pickled.write(small, file)
    assert len(file.getvalue()) < 1000
    frozen = np.arange(8)
    frozen.flags.writeable = False
    assert not back(frozen).flags.writeable


def test_what_has_a_name_is_left_out() -> None:
    inside, other = [1, 2], [3]
    file = BytesIO()
    pickled.write({"a": inside, "b": (inside, 5)}, file, {id(inside): "inside"})
    assert pickled.read(file.getvalue(), {"inside": other}) == {"a": other, "b": (other, 5)}
