"""A way that is known while it is the shortest one is not known any more where a failure makes it
longer."""

from __future__ import annotations

from pathlib import Path

import pytest
from two_dpus import ENDS, Edits, changed, edited

import cloison
from sim.worlds.axes import moved

SITE = """\
cloison: 1
name: two
devices: { from: configs, transit: [leaf*, TRANSIT] }
sites:
  s:
    clos: none
    nodes:
      bf1: { role: dpu, host: gpu1 }
      bf2: { role: dpu, host: gpu2 }
      leaf1: { role: leaf }
      leaf2: { role: leaf }
      leaf3: { role: leaf }
      spine1: { role: spine, asn: 65301 }
      spine2: { role: spine, asn: 65302 }
    cables:
      - bf1:p0 -- leaf1:swp1
      - bf1:p1 -- leaf2:swp1
      - bf2:p0 -- leaf1:swp2
      - bf2:p1 -- leaf3:swp1
      - leaf1:up1 -- spine1:swp1
      - leaf2:up1 -- spine1:swp2
      - leaf3:up1 -- spine1:swp3
      - leaf1:up2 -- spine2:swp1
      - leaf2:up2 -- spine2:swp2
      - leaf3:up2 -- spine2:swp3
tenants:
  web: { manifests: [pods/good.yaml] }
"""
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
    two.write_text(SITE.replace("TRANSIT", "spine1"))
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
    dual.write_text(SITE.replace("TRANSIT", "spine*"))
    assert expected(dual, f"{{ {allow}, hold_under: [any-1-link] }}") == "holds"


def test_so_it_is_in_a_world_with_a_failure(dual: Path) -> None:
    there = f"{ENDS[1]}:80"
    assert cloison.explain(cloison.world(dual), ENDS[0], there).verdict == "allow"
    failed = cloison.world(dual, down="bf1--leaf1")
    assert cloison.explain(failed, ENDS[0], there).verdict == "unknown"
    down = moved(cloison.world(dual), {"down": ("bf1--leaf1",)})
    assert cloison.explain(down, ENDS[0], there).verdict == "unknown"
    drained = cloison.world(dual, drained="leaf1")
    assert cloison.explain(drained, ENDS[0], there).verdict == "unknown"


def test_a_session_of_which_not_all_is_sure_is_a_doubt_of_both_ends(dual: Path) -> None:
    """The way around it is longer than the one over it, of which nobody knows what it is."""
    dual.write_text(SITE.replace("TRANSIT", "spine*"))
    assert cloison.explain(dual, ENDS[0], f"{ENDS[1]}:80").verdict == "allow"
    text = "p0_if: { type: unnumbered, peer-group: up"
    odd = f"{text}, address-family: {{ ipv4-unicast: {{ weight: 9 }} }}"
    edited(dual.parent / "configs" / "bf2.yaml", text, odd)
    assert cloison.explain(dual, ENDS[0], f"{ENDS[1]}:80").verdict == "unknown"


def test_numbers_that_nobody_said_open_no_way_under_a_failure(dual: Path) -> None:
    """A path over two spines is a loop if they have one number."""
    text = SITE.replace("TRANSIT", "spine*").replace("      - leaf2:up1 -- spine1:swp2\n", "")
    text = text.replace("      - leaf3:up2 -- spine2:swp3\n", "")
    down = ("bf1--leaf1", "bf2--leaf1")
    for spines, wanted in (("", "unknown"), (", asn: 65300", "deny"), (", asn: 6530N", "allow")):
        here = text
        for number in "12":
            said = spines.replace("N", number)
            here = here.replace(f"spine, asn: 6530{number}", f"spine{said}")
        dual.write_text(here)
        failed = cloison.world(dual, down=down)
        assert cloison.explain(failed, ENDS[0], f"{ENDS[1]}:80").verdict == wanted
