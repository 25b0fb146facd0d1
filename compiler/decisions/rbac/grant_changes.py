"""Who gains and who loses what between two versions of a cluster's roles, class by class.

Rules that hold here:

1. Everybody whom a binding names is asked about by himself, with no group beside. Whoever is in
   several groups gains and loses what each of them does, but for what another one keeps.
2. A class is a request in whose place any other may stand that has the same words, or words that
   no rule of his has: these are `OTHER`. Classes are exact: all requests of one fare alike.
3. Only classes of rules that one version has and not the other are tried: what a rule of both
   allows is the same in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from compiler.decisions.rbac.api_requests import ANY, MASTERS, ApiRequest, ApiSubject, RoleRule
from compiler.decisions.rbac.grant_table import VERDICTS, GrantTable
from compiler.decisions.rbac.role_semantics import BoundSubject, Grant, Permission, covers_path
from fabric.diagnostics import Diagnostic, UndecidedError

OTHER = "\N{HORIZONTAL ELLIPSIS}"
"""A word that no rule has."""
MOST = 2_000_000


@dataclass(frozen=True, slots=True)
class AccessChange:
    """A class of requests that fare otherwise; `grant` is what allows, or may allow, the better of
    both."""

    subject: BoundSubject
    request: ApiRequest
    before: Permission
    after: Permission
    grant: Grant


@dataclass(frozen=True, slots=True)
class WordAtoms:
    """Every word that rules of somebody have, and `OTHER`."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    bases: tuple[str, ...]
    parts: tuple[str, ...]
    names: tuple[str, ...]
    paths: tuple[str, ...]

    @staticmethod
    def of(rules: Iterable[RoleRule]) -> WordAtoms:
        """The words of some rules."""
        every = tuple(rules)

        def words(texts: Iterable[str], *more: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys((*(t for t in texts if t != ANY), *more)))

        resources = [word.partition("/") for rule in every for word in rule.resources]
        named = [name for rule in every for name in rule.names]
        urls = [url for rule in every for url in rule.urls]
        inside = [url.rstrip(ANY) + OTHER for url in urls if url.endswith(ANY)]
        return WordAtoms(
            words((v for r in every for v in r.verbs), OTHER),
            words((g for r in every for g in r.groups), OTHER),
            words((base for base, _, _ in resources), OTHER),
            words((part for _, slash, part in resources if slash), "", OTHER),
            tuple(dict.fromkeys((*named, "", OTHER))) if named else (OTHER,),
            words((u for u in urls if not u.endswith(ANY)), *inside),
        )

    def classes(self, namespaces: tuple[str, ...], rule: RoleRule) -> Iterator[ApiRequest]:
        """The classes that a rule is about in namespaces, of which "" is all others."""
        verbs = self.verbs if ANY in rule.verbs else rule.verbs
        groups = self.groups if ANY in rule.groups else rule.groups
        names = rule.names or self.names
        resources = [*dict.fromkeys(r for word in rule.resources for r in self._resources(word))]
        paths = [p for p in self.paths if any(covers_path(url, p) for url in rule.urls)]
        each = len(groups) * len(resources) * len(names) * len(namespaces) + len(paths)
        if len(verbs) * each > MOST:
            what = "roles differ in more classes of requests than can be compared"
            raise UndecidedError(Diagnostic("C661", what, rule.span))
        for verb, group, (base, part), name, space in product(
            verbs, groups, resources, names, namespaces
        ):
            yield ApiRequest(verb, group, base, part, name, space)
        if "" in namespaces:
            for verb, path in product(verbs, paths):
                yield ApiRequest(verb, path=path)

    def _resources(self, word: str) -> Iterator[tuple[str, str]]:
        base, slash, part = word.partition("/")
        if word == ANY:
            yield from product(self.bases, self.parts)
        elif slash and base == ANY:
            yield from ((one, part) for one in self.bases)
        else:
            yield base, part


def changes(old: GrantTable, new: GrantTable) -> Iterator[AccessChange]:
    """What every subject gains and loses, subject by subject."""
    known = {one.key: one for table in (old, new) for one in table.subjects()}
    for key in sorted(known):
        if key != ("Group", MASTERS):
            yield from _of_one(old, new, known[key])


def _of_one(old: GrantTable, new: GrantTable, bound: BoundSubject) -> Iterator[AccessChange]:
    kind, name = bound.key
    one = ApiSubject(name) if kind == "User" else ApiSubject("", (name,))
    had, has = (dict.fromkeys(table.rules_of(one)) for table in (old, new))
    if had.keys() == has.keys():
        return
    atoms = WordAtoms.of(rule for _, rule in (*had, *has))
    spaces = tuple(dict.fromkeys(("", *(space for space, _ in (*had, *has)))))
    tried: dict[ApiRequest, None] = {}
    for namespace, rule in (*had, *has):
        if ((namespace, rule) in had) != ((namespace, rule) in has):
            where = (namespace,) if namespace else spaces
            tried.update(dict.fromkeys(atoms.classes(where, rule)))
    asked = (*tried,)
    (was,), (now,) = old.matrix([one], asked), new.matrix([one], asked)
    for place in np.flatnonzero(was != now):
        request, better = asked[place], new if now[place] > was[place] else old
        before, after = VERDICTS[was[place]], VERDICTS[now[place]]
        grant = next(better.grants(one, request))
        yield AccessChange(bound, request, before, after, grant)
