"""A page holds all that it needs, and nothing that is filled in is more than text."""

from __future__ import annotations

import re
from itertools import product

import pytest

from cloison.render.pages.html_page import anchor, shown, text_of

STYLE = text_of("report.css")
PAIRS = [("ink", "paper"), ("ink", "card"), ("soft", "paper"), ("soft", "card"), ("good", "card"),
         ("bad", "card"), ("open", "card"), ("link", "paper"), ("link", "card"), ("good", "paper"),
         ("bad", "paper"), ("open", "paper")]  # fmt: skip


def palettes() -> list[dict[str, str]]:
    """Colours by name: in the light, and in the dark."""
    found = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", text)) for text in found]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("dark", "pair"), [*product([0, 1], PAIRS)])
def test_words_stand_out_from_what_is_behind_them(dark: int, pair: tuple[str, str]) -> None:
    """WCAG 2.2 §1.4.3: a ratio of 4.5."""
    light, dim = sorted((luminance(palettes()[dark][name]) for name in pair), reverse=True)
    assert (light + 0.05) / (dim + 0.05) >= 4.5


def test_numbers_have_commas_and_hidden_signs_are_seen() -> None:
    assert (shown(1234567), shown(0), shown(True), shown(None)) == ("1,234,567", "0", True, None)
    assert "\u202e" not in shown("left\u202eright")
    assert shown("one\ntwo") == "one\ntwo"


def test_places_have_names_of_letters() -> None:
    assert anchor('What <this> "rests" on') == "what-this-rests-on"


FORBIDDEN = ("fetch", "XMLHttp", "import", "innerHTML", "eval", "http", "document.write")


def test_the_script_asks_for_nothing() -> None:
    script = text_of("report.js")
    assert not [word for word in FORBIDDEN if word in script]
    assert "url(" not in STYLE and "@import" not in STYLE
