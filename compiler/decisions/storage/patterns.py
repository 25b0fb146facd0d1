"""Texts with wildcards, names of resources and actions, and ranges of addresses.

Rules that hold here:

1. `*` is any text, `?` any character; nothing escapes them.
2. The names of resources have six parts between colons. A wildcard stays within its part, but the
   last part is all the rest: `arn:aws:s3:::b/*` matches a key that has colons. A whole `*` matches
   everything.
3. Of actions, both parts match without regard to case; `*` alone is every action.
4. A range may have host bits; IPv4 and IPv6 have nothing in common.

Source: the RADOS gateway, as conformance cases of its own matchers record it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

PARTS = 6
"""Of the name of a resource: arn, partition, service, region, account, resource."""


def fits_text(pattern: str, text: str) -> bool:
    """Rule 1; linear in the text for each wildcard, whatever the pattern.

    >>> fits_text("a*c", "abcc"), fits_text("a?c", "ac")
    (True, False)
    """
    at = found = resume = 0
    star, end = -1, len(pattern)
    while at < len(text):
        if found < end and pattern[found] == "*":
            star, resume = found, at
            found += 1
        elif found < end and pattern[found] in ("?", text[at]):
            at, found = at + 1, found + 1
        elif star >= 0:
            resume += 1
            at, found = resume, star + 1
        else:
            return False
    return not pattern[found:].strip("*")


def fits_name(pattern: str, name: str) -> bool:
    """Rule 2.

    >>> fits_name("arn:aws:s3:::b/*", "arn:aws:s3:::b/x:y"), fits_name("arn:*", "arn:aws:s3:::b")
    (True, False)
    """
    if pattern == "*":
        return True
    parts, others = pattern.split(":", PARTS - 1), name.split(":", PARTS - 1)
    return len(parts) == len(others) and all(map(fits_text, parts, others))


def fits_action(pattern: str, action: str) -> bool:
    """Rule 3.

    >>> fits_action("s3:Get*", "s3:getObject"), fits_action("*", "s3:GetObject")
    (True, True)
    """
    if pattern == "*":
        return True
    parts, others = pattern.lower().split(":"), action.lower().split(":")
    return len(parts) == len(others) and all(map(fits_text, parts, others))


def has_wildcard(text: str) -> bool:
    """Whether a text holds `*` or `?`."""
    return "*" in text or "?" in text


@lru_cache(2**14)
def network(text: str) -> IPv4Network | IPv6Network:
    """A range or an address; ValueError where it is none (rule 4).

    >>> str(network("192.168.1.1/24"))
    '192.168.1.0/24'
    """
    if not re.fullmatch(r"[0-9a-fA-F.:]+(/\d{1,3})?", text, re.ASCII):
        raise ValueError(f'"{text}" is no range of addresses')
    return ip_network(text, strict=False)


def within(range_: str, address: str) -> bool:
    """Whether an address lies in a range; ValueError where one of them is none."""
    found, where = ip_address(address), network(range_)
    return found.version == where.version and found in where
