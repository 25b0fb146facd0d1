"""Bindings compiled for look-ups: each word of a rule, and each subject, is a set of bits.

Rules that hold here:

1. Bits of rules: what is set in the words of verb, group, resource and name of a request, or of
   its verb and path, are the rules about it. Rules that are equal are one.
2. Bits of bindings: those that bind one of such rules, hold where the request is, and are about
   the user or one of his groups. Any bit that is left allows, or leaves unknown, where the rule is
   in doubt.
3. Requests that are asked about again are looked up once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.decisions.rbac.api_requests import ANY, MASTERS, ApiRequest, ApiSubject, RoleRule
from compiler.decisions.rbac.role_semantics import (
    BoundSubject,
    Grant,
    Permission,
    RoleGrants,
    covers_path,
    is_about,
    is_one,
)

VERDICTS: tuple[Permission, ...] = ("denied", "unknown", "allowed")
"""By the numbers that `GrantTable.matrix` has."""


class BindingBits(NamedTuple):
    """Bindings that allow a request, and those that may."""

    sure: int
    doubtful: int


@dataclass(frozen=True, eq=False)
class GrantTable:
    """Bindings, and the bits of every word. A word that no rule has is in none but `anyway`."""

    bindings: tuple[RoleGrants, ...]
    known: dict[ApiRequest, BindingBits] = field(default_factory=dict)

    @cached_property
    def rules(self) -> tuple[RoleRule, ...]:
        """Every rule once (rule 1)."""
        return tuple(dict.fromkeys(_bare(r) for b in self.bindings for r in b.rules))

    @cached_property
    def binders(self) -> tuple[list[int], list[int]]:
        """Per rule the bindings of it without doubt, and with."""
        number = {rule: n for n, rule in enumerate(self.rules)}
        sure, doubtful = [0] * len(number), [0] * len(number)
        for place, binding in enumerate(self.bindings):
            for rule in binding.rules:
                (doubtful if rule.doubt else sure)[number[_bare(rule)]] |= 1 << place
        return sure, doubtful

    @cached_property
    def words(self) -> dict[str, dict[str, int]]:
        """Per part of rules the rules that have a word; `*` is every word's."""
        out: dict[str, dict[str, int]] = {}
        for part in ("verbs", "groups", "resources", "names", "urls"):
            bits: dict[str, int] = defaultdict(int)
            for number, rule in enumerate(self.rules):
                for word in getattr(rule, part):
                    bits[word] |= 1 << number
            out[part] = dict(bits)
        unnamed = sum(1 << n for n, rule in enumerate(self.rules) if not rule.names)
        out["unnamed"] = {"": unnamed}
        return out

    @cached_property
    def prefixes(self) -> tuple[str, ...]:
        """Words for paths that end in `*`."""
        return tuple(word for word in self.words["urls"] if word.endswith(ANY))

    @cached_property
    def bound(self) -> dict[tuple[str, str], int]:
        """Bindings by user and by group."""
        out: dict[tuple[str, str], int] = defaultdict(int)
        for place, binding in enumerate(self.bindings):
            for one in binding.subjects:
                out[one.key] |= 1 << place
        return dict(out)

    @cached_property
    def places(self) -> dict[str, int]:
        """Bindings by namespace; those that hold everywhere by none."""
        out: dict[str, int] = defaultdict(int)
        for place, binding in enumerate(self.bindings):
            out[binding.namespace] |= 1 << place
        return dict(out)

    def about(self, request: ApiRequest) -> BindingBits:
        """The bindings that grant a request, to whomever they bind."""
        if (found := self.known.get(request)) is None:
            found = self.known[request] = self._looked_up(request)
        return found

    def _looked_up(self, request: ApiRequest) -> BindingBits:
        sure, doubtful = self.binders
        here = self.places.get("", 0)
        if request.path is None and request.namespace:
            here |= self.places.get(request.namespace, 0)
        found = [0, 0]
        for number in bits(self._rules_about(request)):
            found[0] |= sure[number]
            found[1] |= doubtful[number]
        return BindingBits(found[0] & here, found[1] & here)

    def _rules_about(self, request: ApiRequest) -> int:
        """Rule 1."""
        words = self.words
        verbs = self._with_any("verbs", request.verb)
        if request.path is not None:
            urls = words["urls"].get(request.path, 0)
            for prefix in self.prefixes:
                if covers_path(prefix, request.path):
                    urls |= words["urls"][prefix]
            return verbs & urls
        resources = self._with_any("resources", request.combined)
        if request.subresource:
            resources |= words["resources"].get(f"*/{request.subresource}", 0)
        names = words["unnamed"][""] | words["names"].get(request.name, 0)
        return verbs & self._with_any("groups", request.group) & resources & names

    def _with_any(self, part: str, word: str) -> int:
        return self.words[part].get(word, 0) | self.words[part].get(ANY, 0)

    def of(self, subject: ApiSubject) -> int:
        """The bindings that are about somebody."""
        found = self.bound.get(("User", subject.user), 0) if subject.user else 0
        for group in subject.groups:
            found |= self.bound.get(("Group", group), 0)
        return found

    def permission(self, subject: ApiSubject, request: ApiRequest) -> Permission:
        """Whether somebody may do something."""
        if MASTERS in subject.groups:
            return "allowed"
        mine, found = self.of(subject), self.about(request)
        if mine & found.sure:
            return "allowed"
        return "unknown" if mine & found.doubtful else "denied"

    def matrix(
        self, subjects: Sequence[ApiSubject], requests: Sequence[ApiRequest]
    ) -> NDArray[np.int8]:
        """The same for each of many with each of many, as numbers of `VERDICTS`."""
        found = [self.about(request) for request in requests]
        alike = list(dict.fromkeys(found))
        column = {one: n for n, one in enumerate(alike)}
        columns = np.fromiter((column[one] for one in found), np.intp, len(found))
        out = np.empty((len(subjects), len(requests)), np.int8)
        rows: dict[int, NDArray[np.int8]] = {}
        for number, subject in enumerate(subjects):
            if MASTERS in subject.groups:
                out[number] = 2
                continue
            mine = self.of(subject)
            if mine not in rows:
                each = (2 if mine & s else 1 if mine & d else 0 for s, d in alike)
                rows[mine] = np.fromiter(each, np.int8, len(alike))[columns]
            out[number] = rows[mine]
        return out

    def grants(self, subject: ApiSubject, request: ApiRequest) -> Iterator[Grant]:
        """Why somebody may, or perhaps may: those without doubt first."""
        mine, found = self.of(subject), self.about(request)
        for place in (*bits(mine & found.sure), *bits(mine & found.doubtful & ~found.sure)):
            binding = self.bindings[place]
            one = next(bound for bound in binding.subjects if is_one(subject, bound))
            yield from (Grant(binding, one, rule) for rule in _about(binding, request))

    def who(self, request: ApiRequest) -> Iterator[Grant]:
        """Whom bindings allow a request, or perhaps allow it: a grant per subject of each."""
        found = self.about(request)
        for place in bits(found.sure | found.doubtful):
            binding = self.bindings[place]
            rule = next(_about(binding, request))
            yield from (Grant(binding, one, rule) for one in binding.subjects)

    def rules_of(self, subject: ApiSubject) -> Iterator[tuple[str, RoleRule]]:
        """The rules about somebody, in which namespace (none: everywhere) each holds."""
        for place in bits(self.of(subject)):
            binding = self.bindings[place]
            yield from ((binding.namespace, replace(rule, span=None)) for rule in binding.rules)

    def subjects(self) -> Iterator[BoundSubject]:
        """Everybody whom a binding names, once."""
        found = {one.key: one for binding in self.bindings for one in binding.subjects}
        return iter(found.values())


def _about(binding: RoleGrants, request: ApiRequest) -> Iterator[RoleRule]:
    """The rules of a binding about a request, those without doubt first."""
    found = [rule for rule in binding.rules if is_about(rule, request)]
    return iter(sorted(found, key=lambda rule: bool(rule.doubt)))


def _bare(rule: RoleRule) -> RoleRule:
    """A rule as its words: whether it is in doubt, and where it stands, is the binding's."""
    return replace(rule, span=None, doubt="")


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, from the lowest."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def compiled(bindings: Iterable[RoleGrants]) -> GrantTable:
    """The table of bindings."""
    return GrantTable(tuple(bindings))
