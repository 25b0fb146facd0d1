"""What containers ask for that is a GPU, or a part of one.

Kubernetes has no kind for it: devices are extended resources, `domain/name`, and what they are says
their name alone (`nvidia.com/gpu`, `nvidia.com/mig-1g.5gb`, `amd.com/gpu`). Source: Kubernetes
documentation, Schedule GPUs; NVIDIA device plugin, resource names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fabric.kubernetes.files.cursor import Cursor

NAMED = re.compile(r"[^/]+/(.*[.-])?gpu([.-].*)?|nvidia\.com/mig-.*")


def gpus(spec: Cursor) -> tuple[str, ...]:
    """The resources of a pod's containers that are GPUs, sorted. What is malformed asks for none:
    others tell of it."""
    return tuple(sorted(set(_asked(spec.value))))


def _asked(spec: Any) -> Iterator[str]:
    for key in ("containers", "initContainers"):
        for container in _list(_of(spec, key)):
            for part in ("limits", "requests"):
                asked = _of(_of(container, "resources"), part)
                for name, amount in asked.items() if isinstance(asked, Mapping) else ():
                    if NAMED.fullmatch(str(name)) and str(amount) != "0":
                        yield str(name)


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _of(found: Any, key: str) -> Any:
    return found.get(key) if isinstance(found, Mapping) else None
