"""Other namespaces that an object names, and so may lead to.

Rules that hold here:

1. Named is what stands below a key `namespace`, or one that ends in `Namespace`, and a Service that
   is called by its name inside the cluster: `web.shop.svc.cluster.local`.
2. A Service of type ExternalName behind an Ingress or a route leads on to whatever it stands for.
3. What no key and no such name says (labels, names of other meshes) is not looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from fabric.kubernetes.networking.services import Service
from fabric.kubernetes.networking.ways_in import WayIn
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated

INSIDE = re.compile(r"(?:.*[/@*.])?([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:[.:/].*)?")
STEPS = 10
"""ExternalNames that stand for each other."""


def elsewhere(
    record: Unevaluated,
    value: Mapping[str, object],
    ways: Iterable[WayIn] = (),
    services: Sequence[Service] = (),
) -> Iterator[Unevaluated]:
    """The record of an object once for every other namespace to which it may lead."""
    if record.scope != "namespace":
        return
    found = [*named({key: part for key, part in value.items() if key != "metadata"})]
    for way in ways:
        found += [way.behind[0], *stands_for(way.behind, services)]
    for namespace in dict.fromkeys(found):
        if namespace != record.namespace:
            yield replace(record, touches=namespace)


def named(value: object, key: str = "") -> Iterator[str]:
    """The namespaces that a part of an object names (rule 1)."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from named(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from named(part, key)
    elif isinstance(value, str):
        inside = INSIDE.fullmatch(value)
        if inside:
            yield inside[2]
        elif str(key).endswith(("namespace", "Namespace")):
            yield value


def stands_for(name: tuple[str, str], services: Iterable[Service]) -> Iterator[str]:
    """The namespaces of what an ExternalName of this namespace and name stands for."""
    known = {(s.namespace, s.name): s.leads_to for s in services}
    for _ in range(STEPS):
        inside = INSIDE.fullmatch(known.get(name) or "")
        if not inside:
            return
        name = inside[2], inside[1]
        yield name[0]
