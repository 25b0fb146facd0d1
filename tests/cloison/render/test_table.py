"""Tables in a terminal, a notebook and pandas."""

from __future__ import annotations

import pytest

from cloison.render.table import Table

TABLE = Table(({"name": "<b>acme</b>", "n": 1}, {"name": "globex", "n": 2}), "Things")


def test_it_is_a_sequence() -> None:
    assert len(TABLE) == 2
    assert TABLE[1]["name"] == "globex"
    assert [row["n"] for row in TABLE] == [1, 2]
    assert TABLE.where(name="globex").rows == (TABLE[1],)


def test_text_and_html_hold_the_cells_and_no_markup() -> None:
    assert "globex" in str(TABLE)
    page = TABLE._repr_html_()
    assert "&lt;b&gt;acme&lt;/b&gt;" in page
    assert page.count("<tr>") == 3


def test_long_tables_say_how_much_is_left_out() -> None:
    page = Table(tuple({"n": n} for n in range(1000)))._repr_html_()
    assert "800 more" in page


def test_pandas() -> None:
    pytest.importorskip("pandas")
    assert TABLE.to_pandas()["n"].sum() == 3
