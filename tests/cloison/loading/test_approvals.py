"""Approvals as files: what is written is what is read, and every mistake has its line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloison.loading.approvals import (
    Approval,
    box_text,
    moment,
    parsed_box,
    read_approvals,
    written,
)
from fabric.diagnostics import InputError
from sim.blocks.port_sets import Box
from sim.diff.access_regions import AccessRegion, end_of

ports = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(lambda t: (min(t), max(t)))
protocols = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(lambda t: (min(t), max(t)))
boxes = st.builds(Box, protocols, ports, ports)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    str.strip
)
ends = st.lists(
    st.tuples(st.tuples(texts, texts), st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 9))),
    min_size=1, max_size=3,
).map(lambda found: end_of((o, (a, min(a + n, 2**32 - 1))) for o, (a, n) in found))  # fmt: skip
NEVER = datetime(2030, 1, 1, tzinfo=UTC)


@given(boxes)
@example(Box((6, 6), (443, 443), (0, 0)))
@example(Box((1, 1), (0, 0), (0, 0)))
@example(Box((0, 255)))
def test_layer_4_is_written_exactly(box: Box) -> None:
    assert parsed_box(box_text(box)) == box


@given(ends, ends, st.lists(boxes, min_size=1, max_size=3), texts, st.booleans())
def test_what_is_written_is_what_is_read(
    source: object, target: object, found: list[Box], words: str, own: bool
) -> None:
    region = AccessRegion("gained", 4, own, source, target, tuple(found))  # type: ignore[arg-type]
    six = AccessRegion("lost", 6, own, source, target, tuple(found))  # type: ignore[arg-type]
    made = Approval(words, words, NEVER, (region, six), (words,))
    path = Path("approvals.yaml")
    from fabric.file.yaml import reader

    documents = reader.read_yaml(written([made]), name=str(path))
    (again,) = parse(documents, path)
    assert (again.access, again.other) == (made.access, made.other)
    assert (again.reason, again.approved_by, again.expires) == (words, words, NEVER)


def parse(documents: object, path: Path) -> tuple[Approval, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cloison.loading.approvals.read_yaml", lambda _: documents)
        return read_approvals(path)


GOOD = """cloison_approvals: 1
approvals:
  - reason: r
    approved_by: a
    expires: "2030-01-01T00:00:00Z"
    access:
      - change: gained
        family: 4
        from: [{vrf: a/m, name: a/n/p, addresses: [10.0.0.1/32, 10.0.0.3-10.0.0.5]}]
        to: [{vrf: a/m, name: a/n/q, addresses: [10.0.0.2]}]
        ports: [tcp 443]
    other: [new peer a/n/r]
"""
MISTAKES = {
    "cloison_approvals: 1": "cloison_approvals: 2",
    "    reason": "    raeson",
    "reason: r": "reason: ''",
    "approved_by: a": "approved_by: [a]",
    "2030-01-01T00:00:00Z": "2030-01-01",
    '"2030-01-01T00:00:00Z"': "soon",
    "T00:00:00Z": "T00:00:00",
    "change: gained": "change: anything",
    "family: 4": "family: 5",
    "10.0.0.1/32": "10.0.0.1/8",
    "10.0.0.2]": "fd00::2]",
    "10.0.0.3-10.0.0.5": "10.0.0.5-10.0.0.3",
    "tcp 443": "443",
    "[tcp 443]": "[tcp 443-80]",
    "ports: [tcp 443]": "ports: tcp 443",
    "vrf: a/m, name: a/n/p": "name: a/n/p",
    "        family": "        more: x\n        family",
    "[new peer a/n/r]": "[7]",
}


def test_a_good_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(GOOD)
    (one,) = read_approvals(path)
    assert one.access[0].ports == (Box((6, 6), (443, 443)),)
    assert not one.is_over(moment("2029-12-31T23:59:59Z"))
    assert one.is_over(moment("2030-01-01T00:00:00Z"))
    assert one.is_over(moment("2030-01-01T01:30:00+01:00"))
    path.write_text("")
    assert read_approvals(path) == ()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_has_its_line(tmp_path: Path, mistake: str) -> None:
    path = tmp_path / "a.yaml"
    text = GOOD.replace(mistake, MISTAKES[mistake], 1)
    assert text != GOOD or mistake == "    reason"
    path.write_text(text if text != GOOD else GOOD.replace("- reason", "- raeson"))
    with pytest.raises(InputError) as caught:
        read_approvals(path)
    assert {d.code for d in caught.value.diagnostics} == {"C894"}
    assert all(d.span is not None and d.span.file == str(path) for d in caught.value.diagnostics)
