"""Names of IPv6 addresses: packets in the same innermost prefix get one name, others another."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.classify import rename as module
from sim.classify.rename import AddressNames, Forest, rename
from sim.classify.ruleset import Prefixes6
from sim.kernels.match.name_forest import TRIES
from sim.kernels.match.rename import K0, K1, SCRATCH, U, slot_of
from sim.kernels.match.rename import rename as kernel

MOST, WORD = (1 << 128) - 1, (1 << 64) - 1
Pair = tuple[int, int]


def lists(prefixes: list[Pair]) -> Prefixes6:
    """One list per prefix (address, length), host bits cut off."""
    cut = [a >> (128 - n) << (128 - n) for a, n in prefixes]
    return Prefixes6(
        np.arange(len(cut) + 1, dtype=np.int64),
        np.array([a >> 64 for a in cut], np.uint64),
        np.array([a & WORD for a in cut], np.uint64),
        np.array([n for _, n in prefixes], np.uint8),
    )


def names_of(names: AddressNames, addresses: list[int]) -> np.ndarray:
    """What both kernels say, for slices that begin and end anywhere."""
    hi = np.array([a >> 64 for a in addresses], np.uint64)
    lo = np.array([a & WORD for a in addresses], np.uint64)
    out = np.zeros(len(addresses), np.uint32)
    cut = len(addresses) // 3
    for begin, end in ((0, cut), (cut, cut), (cut, len(addresses))):
        names.write(hi, lo, begin, end, out)
    again = np.zeros(len(addresses), np.uint32)
    kernel(names, hi, lo, 0, len(addresses), np.empty(SCRATCH, np.uint64), again)
    assert (again == out).all()
    return out


def innermost(forest: Forest, addresses: list[int]) -> list[int]:
    """The naive twin: the longest prefix of the forest that holds an address, -1 for none."""
    keys = zip(forest.hi.tolist(), forest.lo.tolist(), forest.length.tolist(), strict=True)
    known = {(high << 64 | low, n): i for i, (high, low, n) in enumerate(keys)}
    lengths = sorted({n for _, n in known}, reverse=True)
    found = []
    for address in addresses:
        keyed = ((address >> (128 - n) << (128 - n), n) for n in lengths)
        found.append(next((known[key] for key in keyed if key in known), -1))
    return found


def edges(prefixes: list[Pair], random: Random, most: int) -> list[int]:
    """Addresses at, before and after both ends of prefixes, inside them, and anywhere."""
    out = [0, 1, WORD, WORD + 1, MOST - WORD, MOST - 1, MOST]
    for address, n in random.sample(prefixes, min(most, len(prefixes))):
        first = address >> (128 - n) << (128 - n)
        last = first + (1 << (128 - n)) - 1
        out += [first - 1, first, first + 1, last - 1, last, last + 1, random.randint(first, last)]
        out += [first & ~WORD, first | WORD, (first | WORD) + 1, first ^ 1 << random.randrange(128)]
    out += [random.getrandbits(128) for _ in range(300)]
    random.shuffle(out)
    return [address & MOST for address in out]


def check(prefixes: list[Pair], random: Random, most: int = 400) -> AddressNames:
    """Names tell apart what the innermost prefix does, lie in its block, and in no block inside."""
    made = rename(lists(prefixes))
    assert made is not None
    renamed, names, forest = made
    addresses = edges(prefixes, random, most)
    inside = np.array(innermost(forest, addresses))
    got = names_of(names, addresses).astype(np.int64)
    name_of = dict(zip(inside.tolist(), got.tolist(), strict=True))
    assert len(set(name_of.values())) == len(name_of)
    np.testing.assert_array_equal(got, [name_of[i] for i in inside.tolist()])
    known = inside >= 0
    shift = 32 - forest.bits.astype(np.int64)[inside[known]]
    np.testing.assert_array_equal(
        got[known] >> shift, forest.first.astype(np.int64)[inside[known]] >> shift
    )
    assert len(renamed.first) == len(prefixes)
    within_bounds(names)
    return names


def within_bounds(names: AddressNames) -> None:
    """Every entry and link leads to a node or to intervals; comparisons of high halves, which look
    at three ends more, stay inside, and those of low halves stop at the last end there is."""
    node = names.node.reshape(-1, 4).astype(object)
    assert sum(last + 1 for last in node[:, 2]) == len(names.entry)
    assert all(at + last < len(names.entry) for _, _, last, at in node.tolist())
    assert len(names.name) == len(names.end)
    places = np.append(names.entry, names.link).astype(np.int64)
    deep = places >> 31 > 0
    assert (places[deep] & 0x7FFFFFFF).max(initial=0) < len(node)
    assert names.end[-1] == WORD
    assert places[~deep].max() + (0 if len(names.link) else 3) < len(names.end)


def random_prefixes(
    random: Random, n: int, first: int, bits: int, lengths: list[int]
) -> list[Pair]:
    """Inside the prefix of `bits` bits that `first` begins with."""
    host = (1 << (128 - bits)) - 1
    return [
        (first & ~host | random.getrandbits(128) & host, random.choice(lengths)) for _ in range(n)
    ]


DB8, GLOBAL, LOCAL = 0x20010DB8 << 96, 0x2 << 124, 0xFD << 120
SETS: dict[str, Callable[[Random], list[Pair]]] = {
    "spread": lambda r: random_prefixes(r, 3000, GLOBAL, 3, [32, 40, 48, 56, 64]),
    "one /32": lambda r: random_prefixes(r, 3000, DB8, 32, [48, 56, 60, 64]),
    "few /32": lambda r: [
        p
        for first in (DB8, DB8 + (5 << 112), GLOBAL | 0xA02 << 112, LOCAL)
        for p in random_prefixes(r, 500, first, 32, [48, 56, 64])
    ],
    "one /48 and spread": lambda r: random_prefixes(r, 2000, DB8, 48, [64])
    + random_prefixes(r, 2000, GLOBAL, 3, [48, 64]),
    "every /64 of a /54": lambda r: [(DB8 | i << 64, 64) for i in range(1024)] + [(DB8, 48)],
    "links": lambda r: random_prefixes(r, 2000, DB8, 32, [64, 112, 126, 127, 128]),
    "one /64": lambda r: random_prefixes(r, 3000, DB8, 64, [70, 80, 96, 112, 120, 127, 128]),
    "two /64 that touch": lambda r: [
        *random_prefixes(r, 300, DB8, 63, [66, 96, 127]), (DB8, 64), (DB8 + (1 << 64), 64),
    ],
    "powers of two": lambda r: [(1 << k, 128 - k) for k in range(1, 128)],
    "below powers of two": lambda r: [(MOST ^ 1 << k, 128 - k) for k in range(1, 127)],
    "nested": lambda r: [(DB8, n) for n in range(4, 128, 5)],
    "nested at the top": lambda r: [(MOST, n) for n in range(0, 129, 5)],
    "clusters in clusters": lambda r: [
        p for bits in (8, 24, 40, 56, 72, 88, 104, 116)
        for p in random_prefixes(r, 60, DB8 | 0x55AA55AA55AA << 32, bits, [bits + 8, bits + 10])
    ],
    "short": lambda r: random_prefixes(r, 60, 0, 0, [0, 1, 2, 4, 5, 8]),
    "singles": lambda r: random_prefixes(r, 1500, DB8, 100, [128]),
    "everything": lambda r: [(0, 0)],
    "nothing": lambda r: [],
}  # fmt: skip


@pytest.mark.parametrize("kind", SETS)
def test_names_are_those_of_the_innermost_prefix(kind: str) -> None:
    random = Random(kind)
    check(SETS[kind](random), random)


@pytest.mark.parametrize("n", range(12))
def test_few_prefixes(n: int) -> None:
    random = Random(n)
    for first, bits in ((0, 0), (DB8, 32), (DB8, 64), (MOST, 60)):
        check(random_prefixes(random, n, first, bits, [64, 65, 96, 127, 128]), random)


WORDS = st.sampled_from([0, 1, 2, 1 << 63, WORD, WORD - 1, 0x20010DB8 << 32]) | st.integers(0, WORD)
ADDRESSES = st.builds(lambda high, low: high << 64 | low, WORDS, WORDS)
NEAR = st.builds(lambda near, bit: near ^ 1 << bit, ADDRESSES, st.integers(0, 127))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(ADDRESSES | NEAR, st.integers(0, 128)), max_size=24),
    st.randoms(use_true_random=False),
)
def test_any_prefixes(prefixes: list[Pair], random: Random) -> None:
    check(prefixes, random)


def test_tables_stay_small() -> None:
    """In proportion to the intervals, and no more for a few prefixes."""
    random = Random(1)
    for kind in ("spread", "one /32", "few /32", "one /48 and spread", "clusters in clusters"):
        names = check(SETS[kind](random), random, 50)
        assert names.nbytes <= 32 * len(names.end), kind
    assert check(SETS["nothing"](random), random).nbytes < 100
    assert check(random_prefixes(random, 20, DB8, 32, [48, 64]), random).nbytes < 3000


def test_what_an_entry_cannot_number_is_not_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 2)
    assert rename(lists([(0, 1), (MOST, 1)])) is not None
    assert rename(lists([(0, 1), (MOST, 1), (0, 2)])) is None


def colliding(n: int) -> list[Pair]:
    """Single addresses that the hash table looks for at one place: the hash mixes high and low
    halves by one multiplication each, which can be undone."""
    inverse = pow(int(K1), -1, 1 << 64)
    return [
        (high << 64 | (high * int(K0) & WORD) * inverse & WORD, 128) for high in range(1, n + 1)
    ]


def test_addresses_that_were_chosen_to_collide() -> None:
    """Few stand in the hash table; others are intervals, found as fast as any."""
    prefixes = colliding(2000)
    with np.errstate(over="ignore"):
        hashes = {slot_of.py_func(U(1), U(a >> 64), U(a & WORD)) for a, _ in prefixes[:9]}
    assert hashes == {U(0)}
    names = check(prefixes, Random(5))
    assert np.count_nonzero(names.single[2::3]) == TRIES


def test_most_of_the_space_is_sure() -> None:
    """Random addresses are far from every prefix, and told by their first bits."""
    random = Random(7)
    prefixes = [(0x2 << 124 | random.getrandbits(122) >> 80 << 80, 48) for _ in range(500)]
    names = check(prefixes, random)
    assert len(names.sure) == int(names.node[2]) + 3
    assert names.sure[0] == names.sure[-1] != 0xFFFFFFFF
