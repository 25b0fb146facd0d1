"""SPIFFE IDs: who a workload is, as a URI of its trust domain.

Source: SPIFFE, "The SPIFFE Identity and Verifiable Identity Document" §2, with the characters that
its later versions allow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SCHEME = "spiffe://"
MOST, MOST_DOMAIN = 2048, 255
"""Bytes of an ID, and of the name of a trust domain."""
DOMAIN = re.compile(r"[a-z0-9._-]+")
SEGMENT = re.compile(r"[a-zA-Z0-9._-]+")


@dataclass(frozen=True, slots=True, order=True)
class SpiffeId:
    """A trust domain and a path, which is empty or begins with a slash."""

    trust_domain: str
    path: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.trust_domain}{self.path}"


def trust_domain(text: str) -> str:
    """The name of a trust domain; ValueError where it is none."""
    if not text:
        raise ValueError("the trust domain is missing")
    if not DOMAIN.fullmatch(text):
        raise ValueError("a trust domain is of a-z, 0-9, dot, dash and underline")
    if len(text) > MOST_DOMAIN:
        raise ValueError(f"a trust domain has at most {MOST_DOMAIN} bytes")
    return text


def spiffe_id(text: str) -> SpiffeId:
    """The ID that a text is; ValueError with the reason where it is none.

    >>> spiffe_id("spiffe://acme.example/ns/web/sa/front")
    SpiffeId(trust_domain='acme.example', path='/ns/web/sa/front')
    """
    if not text.startswith(SCHEME):
        raise ValueError(f"it does not begin with {SCHEME}")
    if len(text.encode("utf-8", "surrogatepass")) > MOST:
        raise ValueError(f"an ID has at most {MOST:,} bytes")
    domain, slash, rest = text[len(SCHEME) :].partition("/")
    trust_domain(domain)
    for segment in rest.split("/") if slash else ():
        if segment in (".", ".."):
            raise ValueError("a path has no segments . and ..")
        if not segment:
            raise ValueError("a path has no empty segments, nor a slash at its end")
        if not SEGMENT.fullmatch(segment):
            raise ValueError("a path is of letters, digits, dot, dash and underline")
    return SpiffeId(domain, f"/{rest}" if slash else "")
