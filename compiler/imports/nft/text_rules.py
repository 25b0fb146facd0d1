"""A rule in text, as statements of libnftables-json(5).

What is no statement that is read here, and all that stands behind it in the rule, is one statement
that may do anything (`xt`).
Source: nft(8), STATEMENTS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compiler.imports.nft.known_lines import KnownRule
from compiler.imports.nft.nft_words import END
from compiler.imports.nft.text_values import (
    OPERATORS,
    VERDICTS,
    NotReadError,
    Tokens,
    braces,
    devices,
    expression,
    plain,
    value,
    verdict,
)

COMPARE = ("==", "!=", "<", ">", "<=", ">=", "!", "eq", "ne", "lt", "gt", "le", "ge")
SPELT = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "!": "!="}
LOG = ("prefix", "level", "group", "snaplen", "queue-threshold", "flags")
TO_THE_END = (
    "snat", "dnat", "masquerade", "redirect", "tproxy", "fwd", "queue", "synproxy",
)  # fmt: skip


def rule_of_line(tokens: Tokens) -> KnownRule:
    """A rule, which is known by its text where it is a line."""
    line, begun, known = tokens.line(), tokens.at, tokens.known
    found = known.rules.get(line) if known is not None and line is not None else None
    if found is not None:
        tokens.at += found.words
        return found
    statements, comment = rule(tokens)
    found = KnownRule(statements, comment, tokens.at - begun, line is not None and "@" not in line)
    if known is None or line is None or not tokens.ends(begun) or tokens.at == begun:
        found.alone = False
        return found
    return known.keep(known.rules, line, found)


def rule(tokens: Tokens) -> tuple[list[Any], str | None]:
    """The statements up to the end of the rule, and its comment."""
    out: list[Any] = []
    comment: str | None = None
    while tokens.peek() not in (END, ";", "}", ""):
        if tokens.accept("comment"):
            comment = tokens.take().text
            continue
        begun = tokens.at
        try:
            out.append(_statement(tokens))
        except NotReadError:
            tokens.at = begun
            out.append({"xt": " ".join(_rest(tokens))})
    return out, comment


def _rest(tokens: Tokens) -> list[str]:
    """Words up to the end of the rule or its comment."""
    words, depth = [], 0
    while tokens.peek() and (depth or tokens.peek() not in (END, ";", "}", "comment")):
        word = tokens.take()
        depth += {"{": 1, "}": -1}.get("" if word.quoted else word.text, 0)
        words.append(word.text)
    return words


def _statement(tokens: Tokens) -> Any:
    word = tokens.peek()
    if word in READERS:
        tokens.take()
        return READERS[word](tokens)
    if word in TO_THE_END:
        return {tokens.take().text: " ".join(_rest(tokens))}
    if word in VERDICTS or word in ("jump", "goto"):
        return verdict(tokens)
    if word in ("add", "update", "delete", "set"):
        return _set(tokens)
    if word == "ct" and tokens.peek(1) in ("helper", "timeout", "expectation", "count"):
        tokens.take()
        kind = f"ct {tokens.take().text}"
        tokens.accept("set", "over")
        return {kind: tokens.take().text}
    return _match(tokens)


def _match(tokens: Tokens) -> Any:
    asked = expression(tokens)
    if tokens.accept("vmap"):
        return {"vmap": {"key": asked, "data": _mapped(tokens, devices(asked))}}
    if tokens.accept("set"):
        return {"mangle": {"key": asked, "value": _written(tokens)}}
    operator = tokens.take().text if tokens.peek() in COMPARE else ""
    right = _right(tokens, devices(asked))
    if not operator:
        operator = "in" if isinstance(right, list) or _is_flags(asked) else "=="
    return {"match": {"op": SPELT.get(operator, operator), "left": asked, "right": right}}


def _is_flags(asked: Any) -> bool:
    """Whether a value of it is a flag among others."""
    return bool(asked == {"ct": {"key": "state"}})


def _right(tokens: Tokens, names: bool) -> Any:
    if tokens.peek().startswith("@"):
        return tokens.take().text
    return value(tokens, names)


def _mapped(tokens: Tokens, names: bool) -> Any:
    if tokens.peek().startswith("@"):
        return tokens.take().text
    return {"set": braces(tokens, names)}


def _written(tokens: Tokens) -> Any:
    """What is written into a field: a value, another field, or what a map or operators make."""
    begun = tokens.at
    try:
        found = expression(tokens)
    except NotReadError:
        tokens.at = begun
        return value(tokens)
    if tokens.accept("map"):
        return {"map": {"key": found, "data": _mapped(tokens, devices(found))}}
    while tokens.peek() in OPERATORS:
        found = {OPERATORS[tokens.take().text]: [found, value(tokens)]}
    return found


def _set(tokens: Tokens) -> Any:
    """`add @set { … }`: packets are put into a set."""
    operator = tokens.take().text
    if operator == "set":
        operator = tokens.take().text
        _skip_to(tokens, "@")
        return {"set": {"op": operator, "set": tokens.take().text}}
    if not tokens.peek().startswith("@"):
        tokens.fail("a set is missing")
    name = tokens.take().text
    tokens.expect("{")
    depth, words = 1, []
    while depth:
        depth += {"{": 1, "}": -1}.get(tokens.peek(), 0)
        words.append(tokens.take().text)
    return {"set": {"op": operator, "set": name, "elem": " ".join(words[:-1])}}


def _skip_to(tokens: Tokens, start: str) -> None:
    while not tokens.peek().startswith(start):
        if tokens.peek() in (END, ";", "}", ""):
            tokens.fail("a set is missing")
        tokens.take()


def _counter(tokens: Tokens) -> Any:
    out: dict[str, Any] = {}
    if tokens.accept("name"):
        return {"counter": tokens.take().text}
    while tokens.peek() in ("packets", "bytes"):
        out[tokens.take().text] = plain(tokens.take())
    return {"counter": out}


def _log(tokens: Tokens) -> Any:
    out: dict[str, Any] = {}
    while tokens.peek() in LOG:
        name = tokens.take().text
        found = [tokens.take().text]
        while name == "flags" and tokens.peek() in (",", "all", "sequence", "options"):
            found.append(tokens.take().text)
        out[name] = " ".join(found)
    return {"log": out}


def _limit(tokens: Tokens) -> Any:
    if tokens.accept("name"):
        return {"limit": tokens.take().text}
    tokens.expect("rate")
    words = []
    while tokens.peek() in ("over", "until", "burst", "packets") or _like_rate(tokens.peek()):
        words.append(tokens.take().text)
    return {"limit": {"rate": " ".join(words)}}


def _like_rate(word: str) -> bool:
    return word[:1].isdecimal() or word.partition("/")[0] in (
        "bytes",
        "kbytes",
        "mbytes",
        "packets",
    )


def _quota(tokens: Tokens) -> Any:
    if tokens.accept("name"):
        return {"quota": tokens.take().text}
    words = []
    while tokens.peek() in ("over", "until", "used", "bytes", "kbytes", "mbytes", "gbytes") or (
        tokens.peek()[:1].isdecimal()
    ):
        words.append(tokens.take().text)
    return {"quota": {"val": " ".join(words)}}


def _reject(tokens: Tokens) -> Any:
    words = []
    if tokens.accept("with"):
        words.append(tokens.take().text)
        tokens.accept("type")
        words.append(tokens.take().text)
    return {"reject": {"type": " ".join(words)}}


def _dup(tokens: Tokens) -> Any:
    tokens.expect("to")
    words = [tokens.take().text]
    if tokens.accept("device"):
        words.append(tokens.take().text)
    return {"dup": {"addr": " ".join(words)}}


def _flow(tokens: Tokens) -> Any:
    tokens.accept("add", "offload")
    return {"flow": {"op": "add", "flowtable": tokens.take().text}}


READERS: dict[str, Callable[[Tokens], Any]] = {
    "counter": _counter,
    "log": _log,
    "limit": _limit,
    "quota": _quota,
    "reject": _reject,
    "notrack": lambda _: {"notrack": None},
    "dup": _dup,
    "flow": _flow,
}
