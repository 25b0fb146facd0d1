"""A way that is known while it is the shortest one is not known any more where a failure makes it
longer."""

from __future__ import annotations

from pathlib import Path

import pytest
from two_dpus import ENDS, Edits, asked, changed, edited, site_of

import cloison
from sim.worlds.axes import moved

SPINES = {"spine1": 65301, "spine2": 65302}
CABLES = (
    "bf1:p0 -- leaf1:swp1", "bf1:p1 -- leaf2:swp1", "bf2:p0 -- leaf1:swp2", "bf2:p1 -- leaf3:swp1",
    *(f"leaf{leaf}:up{n} -- spine{n}:swp{leaf}" for n in (1, 2) for leaf in (1, 2, 3)),
)  # fmt: skip
SECOND: Edits = [
    (at, *edit)
    for at in ("bf1", "bf2")
    for edit in (
        ("      p0_if: { type: swp }", "      p0_if: { type: swp }\n      p1_if: { type: swp }"),
        (
            "p0_if: { type: unnumbered, peer-group: up }",
            "p0_if: { type: unnumbered, peer-group: up }\n"
            "              p1_if: { type: unnumbered, peer-group: up }",
        ),
    )
]


@pytest.fixture
def dual(two: Path) -> Path:
    """Two DPUs at two leaves each; what one of the spines does nobody knows."""
    (two.parent / "configs" / "leaf1.yaml").unlink()
    changed(two, SECOND)
    (two.parent / "configs" / "leaf1.yaml").unlink()
    two.write_text(site_of("leaf*, spine1", CABLES, SPINES))
    return two


def expected(site: Path, claim: str) -> str:
    """What becomes of an expectation."""
    text = site.read_text().partition("expect:")[0]
    site.write_text(f"{text}expect:\n  - {claim}\n")
    (said,) = cloison.prove(site).proof.verdicts()
    return said


def test_a_longer_way_may_be_none(dual: Path) -> None:
    allow = f'allow: "{ENDS[0]} -> {ENDS[1]}"'
    assert expected(dual, f"{{ {allow} }}") == "holds"
    assert expected(dual, f"{{ {allow}, hold_under: [any-1-link] }}") == "unknown"
    deny = 'deny: "web/* -> red/bf2/pf0hpf_if:80/udp"'
    assert expected(dual, f"{{ {deny}, hold_under: [any-1-link] }}") == "fails"
    dual.write_text(site_of("leaf*, spine*", CABLES, SPINES))
    assert expected(dual, f"{{ {allow}, hold_under: [any-1-link] }}") == "holds"


def test_so_it_is_in_a_world_with_a_failure(dual: Path) -> None:
    assert asked(dual).verdict == "allow"
    assert asked(dual, down="bf1--leaf1").verdict == "unknown"
    down = moved(cloison.world(dual), {"down": ("bf1--leaf1",)})
    assert cloison.explain(down, ENDS[0], f"{ENDS[1]}:80").verdict == "unknown"
    assert asked(dual, drained="leaf1").verdict == "unknown"


def test_a_session_of_which_not_all_is_sure_is_a_doubt_of_both_ends(dual: Path) -> None:
    """The way around it is longer than the one over it, of which nobody knows what it is."""
    dual.write_text(site_of("leaf*, spine*", CABLES, SPINES))
    assert asked(dual).verdict == "allow"
    text = "p0_if: { type: unnumbered, peer-group: up"
    odd = f"{text}, address-family: {{ ipv4-unicast: {{ weight: 9 }} }}"
    edited(dual.parent / "configs" / "bf2.yaml", text, odd)
    assert asked(dual).verdict == "unknown"


def test_numbers_that_nobody_said_open_no_way_under_a_failure(dual: Path) -> None:
    """A path over two spines is a loop if they have one number."""
    cut = ("leaf2:up1 -- spine1:swp2", "leaf3:up2 -- spine2:swp3")
    left = [cable for cable in CABLES if cable not in cut]
    assert len(left) == len(CABLES) - len(cut)
    down = ("bf1--leaf1", "bf2--leaf1")
    for spines, wanted in (
        ({}, "unknown"),
        (dict.fromkeys(SPINES, 65300), "deny"),
        (SPINES, "allow"),
    ):
        dual.write_text(site_of("leaf*, spine*", left, spines))
        assert asked(dual, down=down).verdict == wanted
