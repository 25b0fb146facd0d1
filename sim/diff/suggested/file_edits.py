"""Edits of a fabric file or its manifests, as `patch:` has them (`fabric.file.extend`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fabric.building.network import Network
from fabric.diagnostics import Span
from fabric.file.extend import ADD, ReadableDocument, identity
from fabric.file.yaml.written_yaml import written_yaml
from fabric.kubernetes.files.claimed_kinds import NETWORK_POLICY
from sim.why.blame import Cause

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class FileEdit:
    """`action` (set, append, remove) with `value` at a place of the fabric file, or of an object
    `Kind/namespace/name` of a tenant; `ADD`: an object more. `words` says what it does, `span`
    where."""

    at: Place
    action: str
    value: Any
    words: str
    span: Span | None = None
    tenant: str = ""
    named: str = ""

    def row(self) -> dict[str, Any]:
        """As `patch:` lists it."""
        if self.action == ADD:
            return {"tenant": self.tenant, ADD: self.value}
        whom = {"tenant": self.tenant, "object": self.named} if self.tenant else {}
        what = True if self.action == "remove" else self.value
        return {**whom, "at": list(self.at), self.action: what}

    @property
    def size(self) -> int:
        """How much it says."""
        return len(str(self.row()))


@dataclass(frozen=True, slots=True)
class PolicyObject:
    """A NetworkPolicy as it stands in a tenant's manifests."""

    tenant: str
    document: ReadableDocument

    @property
    def spec(self) -> Mapping[str, Any]:
        """What it says."""
        found: Mapping[str, Any] = self.document.value["spec"]
        return found

    def edit(self, at: Place, action: str, value: Any, words: str) -> FileEdit:
        """An edit at a place of it."""
        span, named = self.document.span(at), identity(self.document.value)
        return FileEdit(at, action, value, words, span, self.tenant, named)

    def append(self, at: Place, value: Any, words: str) -> FileEdit:
        """One more of a list, which may not be there yet."""
        there: Any = self.document.value
        for step in at:
            there = there.get(step) if isinstance(there, Mapping) else there[step]
        return (
            self.edit(at, "append", value, words) if there else self.edit(at, "set", [value], words)
        )


def extending(fabric: Path, edits: Iterable[FileEdit]) -> str:
    """A fabric file beside another one, which it extends with edits.

    >>> print(extending(Path("a/b.yaml"), [FileEdit(("leaks", 0), "remove", None, "")]), end="")
    extends: b.yaml
    patch:
      - {at: [leaks, 0], remove: true}
    """
    name = _flow([fabric.name])[1:].rstrip()[:-1]
    return f"extends: {name}\npatch:\n" + "".join(f"  - {_flow(edit.row())}" for edit in edits)


def _flow(value: Any) -> str:
    return written_yaml(value, default_flow_style=True, width=2**30)


def one_more(value: Any, at: Place, entry: Any, words: str) -> FileEdit:
    """One more entry of a list of the fabric file, whose value this is; where the list or what it
    would stand in is missing, with these.

    >>> one_more({"zones": {}}, ("zones", "zone1", "rules"), 7, "").row()
    {'at': ['zones', 'zone1'], 'set': {'rules': [7]}}
    >>> one_more({"leaks": [1]}, ("leaks",), 7, "").row()
    {'at': ['leaks'], 'append': 7}
    """
    for depth, step in enumerate(at):
        if not isinstance(value, Mapping) or value.get(step) is None:
            inside: Any = [entry]
            for outer in reversed(at[depth + 1 :]):
                inside = {outer: inside}
            return FileEdit(at[: depth + 1], "set", inside, words)
        value = value[step]
    return FileEdit(at, "append", entry, words)


def policy_objects(network: Network) -> Iterator[tuple[str, PolicyObject]]:
    """Every NetworkPolicy, by the name that origins have: tenant/namespace/name."""
    for tenant, manifests in network.manifests.items():
        for document in manifests.objects:
            about = document.value["apiVersion"], document.value["kind"]
            if NETWORK_POLICY.covers(*about) and identity(document.value):
                meta = document.value["metadata"]
                name = f"{tenant}/{meta.get('namespace', 'default')}/{meta['name']}"
                yield name, PolicyObject(tenant, document)


def named_in(cause: Cause) -> tuple[str, int | None]:
    """The object that a cause is about, and which of its rules: titles end with either.

    >>> named_in(Cause("NetworkPolicy a/n/front rule 2", "permits it", kind="NetworkPolicy"))
    ('a/n/front', 2)
    >>> named_in(Cause("NetworkPolicy a/n/front", "denies it", kind="NetworkPolicy"))
    ('a/n/front', None)
    """
    name, _, number = cause.title.partition(" rule ")
    return name.removeprefix(f"{cause.kind} "), int(number) if number.isdecimal() else None


def stands_at(document: ReadableDocument, place: Place, span: Span | None) -> bool:
    """Whether a value, or something inside it, stands there."""
    value: Any = document.value
    for step in place:
        value = value[step]
    return any(span == document.span(inside) for inside in _places(value, place))


def list_of(document: ReadableDocument, cause: Cause, rule: int) -> str | None:
    """In which list of a policy a rule of that number stands at the line of a cause."""
    for key in ("ingress", "egress"):
        items = document.value["spec"].get(key) or ()
        if rule < len(items) and _inside(document, key, rule, cause.span):
            return key
    return None


def _inside(document: ReadableDocument, key: str, rule: int, span: Span | None) -> bool:
    """Whether a rule, or a part of it, stands there."""
    return span is not None and any(
        span in (document.span(place), document.key_span(place))
        for place in _places(document.value["spec"][key][rule], ("spec", key, rule))
    )


def _places(value: Any, place: Place) -> Iterator[Place]:
    """A value and everything inside it."""
    yield place
    inside: Any = value.items() if isinstance(value, Mapping) else ()
    inside = enumerate(value) if isinstance(value, list) else inside
    for step, below in inside:
        yield from _places(below, (*place, step))
