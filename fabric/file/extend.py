"""A fabric file that is another one with a few lines changed: `extends` and `patch`.

    extends: ../demo.yaml
    name: demo-hole
    patch:
      - { at: [zones, zone0, rules, 0], set: { name: open, from: "*", to: "zone0/*" } }
      - { tenant: acme, object: NetworkPolicy/web/front, at: [spec, egress, 1], remove: true }

Rules that hold here:

1. An edit does one thing at one place: `set` replaces or adds a value, `append` adds to a list,
   `remove: true` takes away. Edits apply in order; each sees what the ones before it left.
2. With `tenant` and `object` (Kind/namespace/name) the place is in that tenant's manifests; with
   `tenant` and `add` an object more is.
3. What an edit brings in is found at the edit's own line, all else where it was: findings blame
   the patch when the patch is at fault.
4. Relative paths of manifests, tables and expectations of the file that is extended keep their
   meaning, and its lock file counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.render_spec import moved
from fabric.file.yaml.reader import MAX_DEPTH, TOO_DEEP, Document, read_yaml
from fabric.io.reading import Trees, there, trees_around

Place = tuple[str | int, ...]
ACTIONS = ("set", "append", "remove")
ADD = "add"
KEYS = {"cloison", "extends", "name", "patch"}
MAX_CHAIN = 10
MAX_EDITS = 10_000


class ReadableDocument(Protocol):
    """What a document offers to those who read it."""

    @property
    def value(self) -> Any: ...
    @property
    def file(self) -> str: ...
    def span(self, path: Place = ()) -> Span: ...
    def key_span(self, path: Place) -> Span: ...


@dataclass(frozen=True, slots=True)
class PatchEdit:
    """`action` with `value` at `at`; the value stands at `place` of `origin`.

    `target` is (tenant, object) for an edit of a manifest, None for one of the fabric file. With
    the action `ADD` the value is an object of its own, for a tenant.
    """

    at: Place
    action: str
    value: Any
    origin: ReadableDocument
    place: Place
    target: tuple[str, str] | None = None

    def span(self, rest: Place = ()) -> Span:
        """Where the value that it brings in stands, or something inside that value."""
        return self.origin.span((*self.place, *rest))


@dataclass(frozen=True, slots=True)
class Added:
    """An object that an edit brings in (rule 2); reads like a `Document`."""

    edit: PatchEdit

    @property
    def value(self) -> Any:
        """The object."""
        return self.edit.value

    @property
    def file(self) -> str:
        """The file of the edit."""
        return self.edit.origin.file

    def span(self, path: Place = ()) -> Span:
        """The place of the value at `path`, or of its nearest ancestor that exists."""
        return self.edit.span(path)

    def key_span(self, path: Place) -> Span:
        """The place of the key that ends `path`."""
        return self.edit.origin.key_span((*self.edit.place, *path))


@dataclass(frozen=True, slots=True)
class Patched:
    """A document after one edit (rule 3); reads like a `Document`."""

    base: ReadableDocument
    edit: PatchEdit
    at: Place
    value: Any

    @property
    def file(self) -> str:
        """The file that the edit changes."""
        source: ReadableDocument = self
        while isinstance(source, Patched):
            source = source.base
        return source.file

    def span(self, path: Place = ()) -> Span:
        """The place of the value at `path`, or of its nearest ancestor that exists."""
        source, path, edited = self._unpatched(path)
        return edited.span(path) if edited else source.span(path)

    def key_span(self, path: Place) -> Span:
        """The place of the key that ends `path`."""
        source, path, edited = self._unpatched(path)
        return edited.span(path) if edited else source.key_span(path)

    def _unpatched(self, path: Place) -> tuple[ReadableDocument, Place, PatchEdit | None]:
        """The path in the file that was read, or in the value of the edit that brought it in; one
        step per edit, as there may be thousands."""
        source: ReadableDocument = self
        while isinstance(source, Patched):
            patched: Patched = source
            rest = patched._inside(path)
            if rest is not None:
                return patched.base, rest, patched.edit
            source, path = patched.base, patched._before(path)
        return source, path, None

    def _inside(self, path: Place) -> Place | None:
        """What leads on from the edit's value; None when the path leads elsewhere."""
        path = tuple(path)
        inside = self.edit.action != "remove" and path[: len(self.at)] == self.at
        return path[len(self.at) :] if inside else None

    def _before(self, path: Place) -> Place:
        """The same path before the edit: removing an item moves the ones behind it."""
        path, depth = tuple(path), len(self.at) - 1
        if self.edit.action == "remove" and path[:depth] == self.at[:depth] and len(path) > depth:
            step, removed = path[depth], self.at[depth]
            if isinstance(step, int) and isinstance(removed, int) and step >= removed:
                return (*path[:depth], step + 1, *path[depth + 1 :])
        return path


def extended(
    document: Document, trees: Trees | None = None, chain: int = 0
) -> tuple[ReadableDocument, tuple[PatchEdit, ...]]:
    """The fabric file that a document amounts to, and its edits of manifests; what it extends must
    lie in `trees`.

    A document without `extends` is returned as it is.
    """
    value = document.value
    if not isinstance(value, Mapping) or "extends" not in value:
        return document, ()
    problems = Diagnostics()
    for key in sorted(set(value) - KEYS):
        hint = "put the change into patch"
        problems.error(
            "C290", f'"{key}" cannot stand beside extends', document.key_span((key,)), hint
        )
    trees = trees or trees_around(Path(document.file))
    base, inherited = read_base(document, trees, chain, problems)
    edits = read_edits(document, problems)
    problems.check()
    result = base
    for edit in (*moves(base, document), *renames(document), *edits):
        if edit.target is None:
            result = patched(result, edit, problems)
    problems.check()
    return result, (*inherited, *(edit for edit in edits if edit.target is not None))


def read_base(
    document: Document, trees: Trees, chain: int, problems: Diagnostics
) -> tuple[ReadableDocument, tuple[PatchEdit, ...]]:
    """The file that is extended, itself extended if it says so."""
    span, name = document.span(("extends",)), document.value["extends"]
    if not isinstance(name, str) or chain >= MAX_CHAIN:
        what = "extends in a circle" if chain >= MAX_CHAIN else "extends must name a file"
        raise InputError(Diagnostic("C290", what, span))
    path = Path(os.path.normpath(Path(document.file).parent / name))
    refused = trees.refusal(path, span)
    if refused is not None:
        raise InputError(refused)
    if not there(path):
        raise InputError(Diagnostic("C290", f"cannot extend {path}: no such file", span))
    documents = read_yaml(path)
    if len(documents) != 1:
        raise InputError(Diagnostic("C290", f"cannot extend {path}: not one document", span))
    problems.check()
    return extended(documents[0], trees, chain + 1)


def read_edits(document: Document, problems: Diagnostics) -> list[PatchEdit]:
    """The entries of `patch` that make sense; the others become problems."""
    written = document.value.get("patch") or []
    if not isinstance(written, list):
        problems.error("C291", "patch must be a list of edits", document.span(("patch",)))
        return []
    if len(written) > MAX_EDITS:
        what = f"patch has {len(written):,} edits, and {MAX_EDITS:,} are read"
        problems.error("C113", what, document.span(("patch",)), "change the file itself")
        return []
    out = []
    for index, item in enumerate(written):
        wrong = misshapen(item)
        if wrong:
            problems.error("C291", wrong, document.span(("patch", index)))
            continue
        action = next(a for a in (*ACTIONS, ADD) if a in item)
        target = (item["tenant"], item.get("object", "")) if "tenant" in item else None
        place = ("patch", index, action)
        at = tuple(item.get("at", ()))
        out.append(PatchEdit(at, action, item[action], document, place, target))
    return out


def misshapen(item: Any) -> str | None:
    """What is wrong with the shape of one edit."""
    if not isinstance(item, Mapping):
        return "an edit is a mapping with at and one of set, append, remove"
    if ADD in item:
        return _misadded(item)
    at = item.get("at")
    if not isinstance(at, list) or not at or not all(isinstance(s, (str, int)) for s in at):
        return "at must list the keys and indexes that lead to the place"
    actions = [a for a in ACTIONS if a in item]
    if len(actions) != 1 or set(item) - {"at", "tenant", "object", *ACTIONS}:
        return "an edit has at, one of set, append, remove, and for manifests tenant and object"
    if actions == ["remove"] and item["remove"] is not True:
        return "write remove: true"
    target = [item.get("tenant"), item.get("object")]
    if any(target) and not all(isinstance(part, str) for part in target):
        return "an edit of a manifest names its tenant and its object (Kind/namespace/name)"
    return None


def _misadded(item: Mapping[str, Any]) -> str | None:
    """What is wrong with the shape of an edit that adds an object."""
    if set(item) != {"tenant", ADD} or not isinstance(item["tenant"], str):
        return "an edit that adds an object has tenant and add"
    if not isinstance(item[ADD], Mapping) or not identity(item[ADD]):
        return "add has an object, with a kind and a name"
    if not all(isinstance(item[ADD].get(key), str) for key in ("apiVersion", "kind")):
        return "an object needs apiVersion and kind, as text"
    return None


def patched(base: ReadableDocument, edit: PatchEdit, problems: Diagnostics) -> ReadableDocument:
    """A document after an edit; the document itself and a problem when the place is not there."""
    try:
        if len(edit.at) + depth(edit.value) > MAX_DEPTH:
            problems.error("C108", TOO_DEEP, edit.span())
            return base
        value, at = applied(base.value, edit.at, edit)
    except (KeyError, IndexError, TypeError):
        where = edit.origin.span((*edit.place[:-1], "at"))
        place = ".".join(map(str, edit.at))
        hint = "indexes count from 0; at lists one key or index per level"
        problems.error("C292", f"there is no {place} in {base.file} to {edit.action}", where, hint)
        return base
    return Patched(base, edit, at, value)


def depth(value: Any) -> int:
    """How deep collections are nested; 0 for anything else.

    >>> depth([{"a": [1]}]), depth(1)
    (3, 0)
    """
    found, level = 0, [value]
    while level := [v for v in level if isinstance(v, (list, Mapping))]:
        found += 1
        level = [b for v in level for b in (v.values() if isinstance(v, Mapping) else v)]
    return found


def applied(value: Any, path: Place, edit: PatchEdit) -> tuple[Any, Place]:
    """The value after an edit at `path` (nothing shared is changed), and the place of what is new.

    Raises KeyError, IndexError or TypeError when the path leads nowhere.
    """
    if edit.action == "append" and not path:
        if not isinstance(value, list):
            raise TypeError
        return [*value, edit.value], (len(value),)
    step: Any = path[0]
    rest = path[1:]
    if isinstance(value, list) != isinstance(step, int) or not isinstance(value, (list, Mapping)):
        raise TypeError
    if isinstance(step, int) and not 0 <= step < len(value):
        raise IndexError
    copy: Any = [*value] if isinstance(value, list) else {**value}
    if rest or edit.action == "append":
        copy[step], below = applied(value[step], rest, edit)
        return copy, (step, *below)
    if edit.action == "remove":
        del copy[step]
    else:
        copy[step] = edit.value
    return copy, (step,)


def renames(document: Document) -> list[PatchEdit]:
    """The name of its own that an extending file may give."""
    if "name" not in document.value:
        return []
    return [PatchEdit(("name",), "set", document.value["name"], document, ("name",))]


def moves(base: ReadableDocument, document: Document) -> list[PatchEdit]:
    """Rule 4: paths of manifests, tables and expectations as seen from the extending file's
    directory, at their old lines."""
    here = Path(document.file).parent
    there = os.path.relpath((here / document.value["extends"]).parent, here)
    value = base.value if isinstance(base.value, Mapping) else {}
    lists: list[tuple[Place, Any]] = [(("expect_files",), value.get("expect_files"))]
    for section, key in (("tenants", "manifests"), ("sites", "tables")):
        parts = value.get(section)
        for name, part in (parts if isinstance(parts, Mapping) else {}).items():
            paths = part.get(key) if isinstance(part, Mapping) else None
            lists.append(((section, name, key), paths))
    out = [*moved_commands(base, value, there), *moved_policies(base, value, there)]
    for at, paths in lists:
        if isinstance(paths, list) and all(isinstance(path, str) for path in paths):
            moved = [os.path.normpath(Path(there, path)) for path in paths]
            out.append(PatchEdit(at, "set", moved, base, at))
    return out


def moved_policies(
    base: ReadableDocument, value: Mapping[str, Any], there: str
) -> Iterator[PatchEdit]:
    """Files of bucket policies."""
    storage = value.get("storage")
    buckets = storage.get("buckets") if isinstance(storage, Mapping) else None
    for name, part in (buckets if isinstance(buckets, Mapping) else {}).items():
        if isinstance(part, Mapping) and isinstance(part.get("policy"), str):
            at = ("storage", "buckets", name, "policy")
            way = os.path.normpath(Path(there, part["policy"]))
            yield PatchEdit(at, "set", way, base, at)


def moved_commands(
    base: ReadableDocument, value: Mapping[str, Any], there: str
) -> Iterator[PatchEdit]:
    """Commands run where they ran; `there` is the way to the directory of the base."""
    tenants = value.get("tenants")
    for name, part in (tenants if isinstance(tenants, Mapping) else {}).items():
        if isinstance(part, Mapping) and "render" in part:
            at = ("tenants", name, "render")
            yield PatchEdit(at, "set", moved(part["render"], there), base, at)


def edit_objects(
    objects: Sequence[ReadableDocument],
    tenant: str,
    edits: Sequence[PatchEdit],
    problems: Diagnostics,
) -> list[ReadableDocument]:
    """A tenant's manifest objects after the edits that name them (rule 2)."""
    out = list(objects)
    for edit in edits:
        if edit.target is None or edit.target[0] != tenant:
            continue
        if edit.action == ADD:
            out.append(Added(edit))
            continue
        places = [i for i, o in enumerate(out) if identity(o.value) == edit.target[1]]
        if not places:
            what = f"tenant {tenant} has no {edit.target[1]}"
            where = edit.origin.span((*edit.place[:-1], "object"))
            problems.error("C293", what, where, "write Kind/namespace/name")
        for place in places:
            out[place] = patched(out[place], edit, problems)
    return out


def identity(value: Any) -> str:
    """What an edit calls a Kubernetes object.

    >>> identity({"kind": "Service", "metadata": {"name": "dns", "namespace": "kube-system"}})
    'Service/kube-system/dns'
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("metadata"), Mapping):
        return ""
    metadata = value["metadata"]
    if not metadata.get("name"):
        return ""
    return f"{value.get('kind')}/{metadata.get('namespace', 'default')}/{metadata.get('name')}"
