"""Columns keep what flows say, and refuse what is not a column."""

import ast
from pathlib import Path
from types import UnionType
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.policy.fields import FIELDS, classified
from sim.classify import columns as classifier
from sim.classify.ruleset import KEYS
from sim.packets.headers import DTYPES, HEADER, Flow, Packets

ROOT = Path(__file__).parents[3]
FLOWS = st.builds(
    Flow,
    vrf=st.integers(-1, 2**31 - 1),
    version=st.sampled_from((4, 6)),
    src=st.integers(0, 2**128 - 1),
    dst=st.integers(0, 2**128 - 1),
    protocol=st.integers(0, 255),
    sport=st.integers(0, 65535),
    dport=st.integers(0, 65535),
    src_endpoint=st.integers(-1, 2**31 - 1),
    length=st.integers(0, 2**32 - 1),
    count=st.integers(0, 2**32 - 1),
)


@given(st.lists(FLOWS, max_size=5))
def test_columns_keep_flows(flows: list[Flow]) -> None:
    packets = Packets.of(flows)
    assert [packets.flow(i) for i in range(len(packets))] == flows
    assert packets.bytes == sum(f.length * f.count for f in flows) % 2**64


@given(st.lists(FLOWS, min_size=1, max_size=5))
def test_take_slice_concat(flows: list[Flow]) -> None:
    packets = Packets.of(flows)
    again = Packets.concat([packets[:1], packets[1:]])
    assert all(np.array_equal(again.columns()[c], packets.columns()[c]) for c in DTYPES)
    last = packets.take(np.array([len(flows) - 1]))
    assert last.flow(0) == flows[-1]


def test_reply_swaps_ends() -> None:
    flow = Flow(1, 6, 2**100, 5, 6, 1000, 443, 7)
    assert flow.reply(2, 9) == Flow(2, 6, 5, 2**100, 6, 443, 1000, 9)


def test_wrong_columns_are_named() -> None:
    good = Packets.of([Flow(0, 4, 1, 2, 6, 3, 4)]).columns()
    with pytest.raises(ValueError, match="sport must be uint16"):
        Packets(**{**good, "sport": np.zeros(1, np.int64)})
    with pytest.raises(ValueError, match="dport has shape"):
        Packets(**{**good, "dport": np.zeros(2, np.uint16)})
    twice = {name: np.repeat(column, 2) for name, column in good.items()}
    with pytest.raises(ValueError, match="vrf must be contiguous"):
        Packets(**{**twice, "vrf": np.zeros(4, np.int32)[::2]})
    with pytest.raises(ValueError, match="70000 does not fit column sport"):
        Packets.of([Flow(0, 4, 1, 2, 6, 70000, 4)])
    with pytest.raises(ValueError, match="unknown columns: port"):
        Packets.make(np.array([4]), port=1)


def test_make_fills_defaults() -> None:
    packets = Packets.make(np.array([4, 6]), dport=np.array([80, 443]))
    assert packets.flow(1) == Flow(0, 6, 0, 0, 0, 0, 443)


def test_columns_have_the_types_of_the_fields_that_they_hold() -> None:
    assert all(FIELDS[name].dtype == DTYPES[name] for name in FIELDS if name in DTYPES)
    assert {name for name in FIELDS if FIELDS[name].own} == set(HEADER) & set(FIELDS)


def test_columns_of_the_classifier_are_addresses_keys_and_fields() -> None:
    hints = get_type_hints(classifier.Columns)
    said = {name: [np.dtype(kind) for kind in types(hint)] for name, hint in hints.items()}
    wanted = {name: [np.dtype(kind)] for name, kind in classifier.DTYPES.items()}
    wide = {name: [*wanted[name], np.dtype(np.uint64)] for name in ("src", "dst")}
    assert said == wanted | wide
    assert said.keys() == {"src", "dst", "src_lo", "dst_lo", *KEYS, *classified()}
    assert set(classifier.REQUIRED) == {"src", "dst", *(n for n in FIELDS if FIELDS[n].own)}


def types(hint: Any) -> list[Any]:
    """Those of the arrays that a column may be."""
    kinds = hint.__args__ if isinstance(hint, UnionType) else [hint]
    return [kind.__args__[1].__args__[0] for kind in kinds if kind is not type(None)]


PACKETS = {
    "packets/headers.py",
    "packets/flow_log.py",
    "diff/permitted/observed.py",
    "classify/columns.py",
    "lab/probes.py",
}
"""Of the fabric, of lines that logs have and what was observed by them, of the classifier, whose
keys are not the fabric's, and one packet of the lab."""
RULES = {
    "classify/ruleset.py",
    "classify/expand.py",
    "round_trip/same_lists.py",
}


def test_nobody_lists_the_header_again() -> None:
    """Neither as names in a row, nor as what a class declares. Rules have columns of their own."""
    listed = {
        str(path.relative_to(ROOT / "sim"))
        for path in (ROOT / "sim").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if {"sport", "dport", "protocol"} <= names_in(node)
    }
    assert listed == PACKETS | RULES


def names_in(node: ast.AST) -> set[str]:
    """Strings of a list, or annotated names of a class."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return {
            n.value for n in node.elts if isinstance(n, ast.Constant) and isinstance(n.value, str)
        }
    body = node.body if isinstance(node, ast.ClassDef) else ()
    own = (n.target for n in body if isinstance(n, ast.AnnAssign))
    return {target.id for target in own if isinstance(target, ast.Name)}
