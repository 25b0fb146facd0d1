"""Expressions as rules of requests have them, texts, rules, and requests."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from compiler.requests.http_rules import HeaderAsk, HttpRequest, HttpRule

LETTERS = "ab/."
TEXTS = st.text("ab/.-1", max_size=7)
ATOMS = st.sampled_from(("a", "b", "/", r"\.", ".", "[ab]", "[^/]", "[a-z0-9]", r"\d", r"\w", "-"))
TIMES = st.sampled_from(("", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}"))


def _bigger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeated = st.tuples(inner, TIMES).map(lambda p: f"(?:{p[0]}){p[1]}")
    joined = st.lists(inner, min_size=1, max_size=3).map("".join)
    either = st.lists(joined, min_size=2, max_size=3).map(lambda p: f"({'|'.join(p)})")
    return repeated | joined | either


EXPRESSIONS = st.recursive(st.tuples(ATOMS, TIMES).map("".join), _bigger, max_leaves=6)
METHODS = st.sampled_from(("GET", "POST", "get"))
PATHS = st.sampled_from(("/", "/a", "/a/b", "/b", "/a?x=1", "/a/", "/aa"))
HOSTS = st.sampled_from(("", "a.io", "A.io", "a.io:8080", "axio"))
HEADERS = st.dictionaries(
    st.sampled_from(("x-a", "x-b")), st.sampled_from(("1", "2", "")), max_size=2
)
REQUESTS = st.builds(
    lambda m, p, h, held: HttpRequest(m, p, h, tuple(sorted(held.items()))),
    METHODS,
    PATHS,
    HOSTS,
    HEADERS,
)
ASKS = st.builds(HeaderAsk, st.sampled_from(("X-A", "x-b")), st.sampled_from((None, "1", "2")))
RULES = st.builds(
    lambda m, p, h, held: HttpRule(m, p, h, tuple(held)),
    st.sampled_from(("", "GET", "GET|POST", ".*T")),
    st.sampled_from(("", "/", "/a", "/a.*", "/.*", "/[ab]/?.*", "/a[^?]*")),
    st.sampled_from(("", r"a\.io", "a.io", ".*")),
    st.lists(ASKS, max_size=2),
)


def naive(rule: HttpRule, request: HttpRequest) -> bool:
    """Whether a rule holds a request, by Python's matcher and nothing else."""
    held = dict(request.headers)
    texts = ((rule.method, request.method), (rule.path, request.path), (rule.host, request.host))
    return all(not asked or re.fullmatch(asked, given) for asked, given in texts) and all(
        ask.name.lower() in held and ask.value in (None, held[ask.name.lower()])
        for ask in rule.headers
    )
