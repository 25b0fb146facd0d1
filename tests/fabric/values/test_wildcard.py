"""Patterns of names: numbers in brackets are ranges, wherever a name is matched."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.building.build import build
from fabric.building.load import load
from fabric.values.wildcard import among, any_fits, beyond, fits, meant, mistake

WORLD = """\
cloison: 1
name: ranges
sites: {{ lab: {{ spines: 2, leaves: 2, hosts_per_pair: 12 }} }}
pools: {{ blocks: {{ v4: 28 }} }}
tenants:
  acme:
    hosts: [{hosts}]
    manifests: [{folder}]
    vrfs: {{ main: {{ prefixes: [10.0.0.0/16] }} }}
"""
EVERYWHERE = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent, namespace: ops }
spec: { template: { spec: {} } }
"""


def expanded(listed: list[tuple[int, int]]) -> set[int]:
    """The slow twin: every number of a list."""
    return {number for low, high in listed for number in range(low, high + 1)}


ranges = st.tuples(st.integers(0, 130), st.integers(0, 130)).map(lambda two: (min(two), max(two)))


@given(st.lists(ranges, min_size=1, max_size=4), st.integers(0, 140), st.sampled_from("-:"))
def test_a_list_is_its_numbers(listed: list[tuple[int, int]], number: int, dash: str) -> None:
    inner = ",".join(f"{low}{dash}{high}" if low < high else f"{low}" for low, high in listed)
    assert mistake(f"host[{inner}]", numbers_only=True) is None
    assert fits(f"host{number}", f"host[{inner}]") == (number in expanded(listed))
    assert not fits(f"host{number}x", f"host[{inner}]")
    assert fits(f"r{number}-dpu", f"r[{inner}]-*") == (number in expanded(listed))


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 120))
def test_padding_is_tolerated_and_never_asked_for(one: int, two: int, number: int) -> None:
    low, high = sorted((one, two))
    inside = low <= number <= high
    assert fits(f"n{number}", f"n[{low:03}-{high:03}]") == inside
    assert fits(f"n{number:03}", f"n[{low:03}-{high:03}]") == inside


@given(st.text("ab*?.-", max_size=8), st.text("ab.-", max_size=8))
def test_without_brackets_it_is_the_shells_glob(pattern: str, name: str) -> None:
    assert fits(name, pattern) == fnmatchcase(name, pattern)


@given(st.from_regex(r"w-\[[0-9]-[0-9]]", fullmatch=True), st.integers(0, 9))
def test_single_digits_are_what_they_were(pattern: str, digit: int) -> None:
    if mistake(pattern) is None:
        assert fits(f"w-{digit}", pattern) == fnmatchcase(f"w-{digit}", pattern)


@pytest.mark.parametrize("pattern", ["h[12-9]", "h[!1-4]", "h[1-3,]", "h[]", "h[1--3]"])
def test_brackets_without_a_meaning_match_nothing(pattern: str) -> None:
    assert mistake(pattern)
    assert not any(fits(f"h{number}", pattern) for number in range(20))


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [('"host[9-12]"', {9, 10, 11, 12}), ('"host[01-10]"', {*range(1, 11)}),
     ('"host[1,3,5-7]", host12', {1, 3, 5, 6, 7, 12}), ('"host1?"', {10, 11, 12})],
)  # fmt: skip
def test_a_tenant_has_the_hosts_of_its_ranges(
    tmp_path: Path, hosts: str, expected: set[int]
) -> None:
    (tmp_path / "agent.yaml").write_text(EVERYWHERE)
    text = WORLD.format(hosts=hosts, folder=tmp_path)
    network = build(load(tmp_path / "f.yaml", text)[0], lock=False)
    assert {e.host for e in network.endpoints if e.kind == "pod"} == {f"host{n}" for n in expected}


names_ = st.lists(
    st.sampled_from(
        [f"{stem}{n}" for stem in ("h", "h0", "r01-h", "r1-h") for n in (0, 1, 2, 9, 10)]
    ),
    unique=True,
)
patterns_ = st.sampled_from(
    ["h[1-3]", "h[01-10]", "r01-h[1-2]", "r1-h[0-9]", "h*", "h1", "r[1-2]-h[1,9]", "*[1-2]",
     "x[1-2]", "h[3-1]", "h[ab]1", "h"]
)  # fmt: skip


@given(names_, st.lists(patterns_, max_size=3))
def test_looking_up_finds_what_trying_every_name_does(
    names: list[str], patterns: list[str]
) -> None:
    found = [name for name in names if any(fits(name, pattern) for pattern in patterns)]
    assert among(names, patterns) == found
    assert among([*names, *names], patterns) == [*found, *found]
    for pattern in patterns:
        assert any_fits(pattern, names) == any(fits(name, pattern) for name in names)
        there = {plain(name) for name in names if fits(name, pattern)}
        spelled = meant(pattern) if "[" in pattern else ()
        assert beyond(pattern, names) == tuple(n for n in spelled if plain(n) not in there)[:4]


def plain(name: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", name)
