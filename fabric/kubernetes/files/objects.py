"""Kubernetes objects of files and directories, in order, with the place of everything.

Rules that hold here:

1. Which files of a directory count is said in `fabric.kubernetes.files.folders`.
2. Lists (`kubectl get … -o yaml`, `NetworkPolicyList`) count as their items. To kubectl whatever
   has `items` is a list; what is none by its kind is an error here if objects are in them.
3. What is not a Kubernetes object, or is a template that has not been rendered, is a warning in a
   directory, for all such objects together (`fabric.kubernetes.files.foreign`), and an error in a
   file that was named, or where directories have nothing else. Recipes go by their names, whatever
   is in them: what they say about kinds and versions may be left out.
4. An object that matters to the network may be given twice if both say the same; otherwise it is
   unclear which one counts: an error. Services decide nothing by themselves: a warning, and who
   asks about the name is told. Of kinds that only a source of policy reads, its claim says whether
   they matter so, and whether they have a namespace.
5. YAML is read as 1.2. Where kubectl, which reads 1.1, sees a boolean in an unquoted `y` or `on`,
   a warning says so and the text is kept. A number that starts with 0 is octal to kubectl: it is
   refused, since nobody can tell what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fabric.diagnostics import Diagnostics, InputError, Span
from fabric.file.extend import PatchEdit, Place, ReadableDocument, edit_objects, identity
from fabric.file.yaml.reader import Document, KeyEntry, Mark, descend, read_yaml
from fabric.io.decoded_text import read_text
from fabric.kubernetes.files.claimed_kinds import ClaimedKind
from fabric.kubernetes.files.folders import RECIPES, files
from fabric.kubernetes.files.foreign import Foreign, held, may_be_object, may_hold_object
from fabric.kubernetes.files.kinds import READ_VERSIONS
from fabric.kubernetes.files.metadata import NAMESPACES
from fabric.kubernetes.files.wide_selectors import is_wide

YAML_1_1_BOOLEANS = frozenset(
    word
    for low in ("y", "n", "yes", "no", "on", "off")
    for word in (low, low.upper(), low.capitalize())
)
NAMING = frozenset({"name", "namespace", "labels", "matchLabels", "values", "key", "nodeName"})
MAX_LIST_DEPTH = 10
AS_LISTS = "write kind: List, or the objects one after the other"
OCTAL = re.compile(r"(^|[\s,:\[-])0[0-7]+")
MEANINGFUL = frozenset(kind for _, kind in READ_VERSIONS)
UNSPACED = frozenset({*NAMESPACES, ("", "Node")})
"""Groups and kinds that are read here and have no namespace; policies of the whole cluster have
none either."""


def read_objects(
    paths: Sequence[Path | str],
    problems: Diagnostics,
    tenant: str = "",
    edits: Sequence[PatchEdit] = (),
) -> list[ReadableDocument]:
    """Every object under the paths, edited, each once; mistakes go to `problems`."""
    found: list[ReadableDocument] = []
    foreign, told = Foreign(), len(problems.items)
    for path, named in files(paths, problems):
        found += of_file(path, None if named else foreign, problems)
    unrendered = any(problem.code == "C603" for problem in problems.items[told:])
    foreign.tell(problems, nothing_else=not (found or unrendered))
    return distinct(edit_objects(found, tenant, edits, problems), problems)


class FileLines(NamedTuple):
    """The lines of a file, and whether any may have a number that starts with 0."""

    texts: Sequence[str]
    octal: bool


def of_file(
    path: Path, foreign: Foreign | None, problems: Diagnostics
) -> Iterator[ReadableDocument]:
    """The objects of one file; `foreign` hears of other data, None for a file that was named."""
    complain = problems.error if foreign is None else problems.warn
    try:
        text, file = read_text(path)
    except InputError as error:
        problems.items += error.diagnostics
        return
    try:
        found = read_yaml(text, name=file)
    except InputError as error:
        if "{{" in text:
            span = Span(file, text.count("\n", 0, text.index("{{")) + 1)
            complain("C603", "a template, not a manifest", span, "render it first: helm template")
        elif foreign is not None and not may_hold_object(text):
            foreign.add(Span(file, 1), unread=True)
        else:
            problems.items += error.diagnostics
        return
    split = text.split("\n")
    lines = FileLines(split, any(OCTAL.search(line) for line in split))
    for document in found:
        yield from flatten(document, foreign, problems, lines)


def flatten(
    document: Document,
    foreign: Foreign | None,
    problems: Diagnostics,
    lines: FileLines,
    depth: int = 0,
) -> Iterator[ReadableDocument]:
    """An object as it is, a list as its items (rule 2)."""
    complain = problems.error if foreign is None else problems.warn
    value = document.value
    recipe = Path(document.file).name in RECIPES and isinstance(value, Mapping)
    if not recipe and foreign is not None and not may_be_object(value):
        foreign.add(document.span(), value)
        return
    meant = isinstance(value, Mapping) and {str(key).lower() for key in value}
    if not (recipe or (meant and {"apiversion", "kind"} & meant)):
        inside = next(held(value), ())
        what = "not a Kubernetes object" + (", and holds what may be one" if inside else "")
        problems.error("C602", what, document.span(inside), AS_LISTS if inside else None)
        return
    missing = {"apiVersion", "kind"} - value.keys()
    if is_kustomization(value) or (missing and recipe):
        hint = "render it first: kustomize build, or helm template"
        complain("C603", "says how to make manifests, and is none", document.span(), hint)
    elif missing or not all(isinstance(value[k], str) for k in ("apiVersion", "kind")):
        problems.error("C604", "an object needs apiVersion and kind, as text", document.span())
    elif value["kind"].endswith("List") and isinstance(value.get("items"), list):
        if depth == MAX_LIST_DEPTH:
            what = f"lists in lists, more than {MAX_LIST_DEPTH} deep"
            problems.error("C604", what, document.span(), "write the objects one after the other")
            return
        for item in items(document):
            yield from flatten(item, foreign, problems, lines, depth + 1)
    elif inside := next(held(value.get("items"), ("items",)), ()):
        what = f"items of {value['kind']}, which is no list by its name, may be objects"
        problems.error("C604", what, document.span(inside), AS_LISTS)
    else:
        problems.items += ambiguous(document, lines)
        yield document


def is_kustomization(value: Mapping[str, Any]) -> bool:
    """Whether this is kustomize's own file; other groups have objects of that kind."""
    group = str(value.get("apiVersion", "")).rpartition("/")[0]
    return value.get("kind") == "Kustomization" and group in ("", "kustomize.config.k8s.io")


def items(document: Document) -> Iterator[Document]:
    """Items of a list; those of a typed list need not repeat its kind."""
    value = document.value
    entry = descend(document.mark, "items")
    marks = entry.mark.below if isinstance(entry, KeyEntry) else None
    kind = value["kind"].removesuffix("List")
    implied = {"apiVersion": value["apiVersion"], "kind": kind} if kind else {}
    for number, item in enumerate(value["items"]):
        mark = marks[number] if isinstance(marks, list) else Mark(0, 0)
        whole = {**implied, **item} if isinstance(item, Mapping) else item
        yield Document(whole, mark, document.file)


def distinct(objects: Iterable[ReadableDocument], problems: Diagnostics) -> list[ReadableDocument]:
    """Rule 4, about what is read here."""
    return standing_once(objects, problems, _as_read)


def claimed_once(
    objects: Iterable[ReadableDocument], claims: Sequence[ClaimedKind], problems: Diagnostics
) -> list[ReadableDocument]:
    """Rule 4, about what sources of policy claim."""

    def identified(value: Mapping[str, Any]) -> str:
        covering = (c for c in claims if c.covers(value["apiVersion"], value["kind"]))
        claim = next(covering, None)
        return named(value, claim.namespaced) if claim and claim.once else ""

    return standing_once(objects, problems, identified)


def named(value: Mapping[str, Any], namespaced: bool) -> str:
    """An object as people call it: with its namespace, where it has one; nothing without a name."""
    name = identity(value)
    return name if namespaced or not name else f"{value['kind']} {value['metadata']['name']}"


def _as_read(value: Mapping[str, Any]) -> str:
    group, kind = value["apiVersion"].rpartition("/")[0], value["kind"]
    if is_wide(value):
        return named(value, False)
    return named(value, (group, kind) not in UNSPACED) if kind in MEANINGFUL else ""


def standing_once(
    objects: Iterable[ReadableDocument],
    problems: Diagnostics,
    identified: Callable[[Mapping[str, Any]], str],
) -> list[ReadableDocument]:
    """Objects of which those that are `identified` stand once."""
    first: dict[tuple[str, str], ReadableDocument] = {}
    out = []
    for item in objects:
        name = identified(item.value)
        group = item.value["apiVersion"].rpartition("/")[0]
        known = first.setdefault((group, name), item) if name else item
        if known is item:
            out.append(item)
        elif known.value != item.value:
            hint = "read one overlay at a time"
            what = f"{name} stands already at {known.span()}, with other contents"
            if (group, item.value["kind"]) == ("", "Service"):
                problems.warn("C608", what, item.span(), hint)
                out.append(item)
            else:
                problems.error("C608", what, item.span(), hint)
    return out


def ambiguous(document: Document, lines: FileLines) -> list[Any]:
    """Rule 5: names, labels and selector values."""
    found = Diagnostics()
    if str(document.value.get("kind", "")).startswith("Secret"):
        return []
    for path, word in words(document.value, ()):
        span = document.span(path)
        if lines.texts[span.line - 1][span.column - 1 :].startswith(word):
            what = f"unquoted {word} is a boolean to kubectl; read as text here"
            found.warn("C607", what, span, f'write "{word}"')
    if lines.octal:
        for path, number in numbers(document.value, ()):
            span = document.span(path)
            rest = lines.texts[span.line - 1][span.column - 1 :]
            digits = re.match(r"0[0-7]+(?![0-9.])", rest)
            if digits and number:
                what = f"{digits[0]} is {int(digits[0], 8)} to kubectl, and {number} in YAML 1.2"
                found.error("C650", what, span, f"write {int(digits[0], 8)} or {number}")
    return found.items


def numbers(value: Any, path: Place) -> Iterator[tuple[Place, int]]:
    """Whole numbers and their places."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from numbers(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from numbers(below, (*path, index))
    elif type(value) is int:
        yield path, value


def words(value: Any, path: Place) -> Iterator[tuple[Place, str]]:
    """Strings in places that name something which YAML 1.1 takes for booleans."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from words(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from words(below, (*path, index))
    elif value in YAML_1_1_BOOLEANS and NAMING.intersection(path[-2:]):
        yield path, value
