"""What a tenant's cluster with Cilium is told besides its manifests: the names that its pods
resolve, and the addresses of entities that are neither pods nor nodes there.

A file of names is a mapping of domain names to lists of addresses. It is taken as complete: what it
does not list resolves to nothing that is known here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from fabric.diagnostics import Diagnostics, InputError, Span
from fabric.file.spec import FabricSpec
from fabric.file.yaml.reader import read_yaml
from fabric.values.address_sets import refusal
from fabric.values.inventory import Prefix

if TYPE_CHECKING:
    from fabric.io.reading import Trees

Names = Mapping[str, tuple[Prefix, ...]]


def names_file(spec: FabricSpec, tenant: str) -> Path | None:
    """The file of names of a tenant, if it has one; paths start at the fabric file's directory."""
    named = spec.tenants[tenant].names
    folder = spec.path.parent if spec.path else Path()
    return None if named is None else Path(os.path.normpath(folder / named))


def known_names(spec: FabricSpec, tenant: str, problems: Diagnostics) -> Names:
    """Names in lower case with their addresses; mistakes go to `problems`."""
    path = names_file(spec, tenant)
    if path is None:
        return {}
    span = spec.at("tenants", tenant, "names")
    trees: Trees | None = spec._trees
    if trees and (refused := trees.refusal(path, span)):
        problems.items += (refused,)
        return {}
    try:
        documents = read_yaml(path)
    except InputError as error:
        problems.items += (d for d in error.diagnostics if d not in problems.items)
        return {}
    out: dict[str, tuple[Prefix, ...]] = {}
    for document in documents:
        if not isinstance(document.value, dict):
            problems.error("C646", "not a mapping of names to addresses", document.span())
            continue
        for name, listed in document.value.items():
            if not isinstance(name, str) or not isinstance(listed, list):
                what = f"{name}: needs a list of addresses"
                problems.error("C646", what, document.span((name,)))
                continue
            found = [
                address(text, document.span((name, place)), problems)
                for place, text in enumerate(listed)
            ]
            key = name.lower().rstrip(".")
            out[key] = (*out.get(key, ()), *(one for one in found if one is not None))
    return out


def entity_addresses(
    spec: FabricSpec, tenant: str, problems: Diagnostics
) -> dict[str, tuple[Prefix, ...]]:
    """The addresses of entities that a tenant says."""
    out = {}
    for entity, listed in spec.tenants[tenant].entities.items():
        at = ("tenants", tenant, "entities", entity)
        found = [address(text, spec.at(*at, n), problems) for n, text in enumerate(listed)]
        out[str(entity)] = tuple(one for one in found if one is not None)
    return out


def address(text: object, span: Span | None, problems: Diagnostics) -> Prefix | None:
    """One address, or a prefix of several."""
    try:
        if not isinstance(text, str):
            raise ValueError
        found = ip_network(text)
    except ValueError:
        problems.error("C646", f'"{text}" is neither an address nor a prefix', span)
        return None
    if wrong := refusal(text):
        problems.error("C646", wrong.message, span, wrong.hint)
    return found
