"""SPIFFE IDs: what the standard says is one, and is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.identity.spiffe_id import SpiffeId, spiffe_id

GOOD = (
    "spiffe://a",
    "spiffe://acme.example",
    "spiffe://acme_1-2.example/ns/web/sa/front",
    "spiffe://acme/UPPER/lower/0-9._",
    "spiffe://a/...",
    f"spiffe://{'a' * 255}",
    f"spiffe://a/{'b' * 2037}",
)
BAD = {
    "": "does not begin",
    "acme.example/web": "does not begin",
    "https://acme.example/web": "does not begin",
    "SPIFFE://acme.example/web": "does not begin",
    "spiffe:/acme.example/web": "does not begin",
    "spiffe://": "trust domain is missing",
    "spiffe:///web": "trust domain is missing",
    "spiffe://ACME.example/web": "is of a-z",
    "spiffe://acme.example:8443/web": "is of a-z",
    "spiffe://user@acme.example/web": "is of a-z",
    "spiffe://acmé.example/web": "is of a-z",
    "spiffe://acme%2eexample/web": "is of a-z",
    f"spiffe://{'a' * 256}/web": "at most 255",
    f"spiffe://a/{'b' * 2038}": "at most 2,048",
    "spiffe://acme.example/": "no empty segments",
    "spiffe://acme.example/web/": "no empty segments",
    "spiffe://acme.example//web": "no empty segments",
    "spiffe://acme.example/./web": "no segments . and ..",
    "spiffe://acme.example/web/..": "no segments . and ..",
    "spiffe://acme.example/web?x": "letters, digits",
    "spiffe://acme.example/web#x": "letters, digits",
    "spiffe://acme.example/%77eb": "letters, digits",
    "spiffe://acme.example/web\n": "letters, digits",
    "spiffe://acme.example\n": "is of a-z",
    "spiffe://acme.example/wéb": "letters, digits",
    " spiffe://acme.example/web": "does not begin",
}


@pytest.mark.parametrize("text", GOOD)
def test_what_is_one_reads_as_itself(text: str) -> None:
    assert str(spiffe_id(text)) == text


@pytest.mark.parametrize("text", BAD)
def test_what_is_none_says_why(text: str) -> None:
    with pytest.raises(ValueError, match=BAD[text]):
        spiffe_id(text)


@given(st.text() | st.from_regex(r"spiffe://[a-z.]*(/[^\x00]*)?"))
def test_there_is_one_way_to_write_an_id(text: str) -> None:
    try:
        found = spiffe_id(text)
    except ValueError:
        return
    assert str(found) == text and isinstance(found, SpiffeId)
    assert text.isascii() and not text.endswith("/") and "//" not in found.path
