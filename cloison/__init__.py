"""cloison: who can reach whom in a multi-tenant GPU cloud, why, and can you prove it?

    import cloison
    world = cloison.world("topologies/demo.yaml", down="spine1")
    cloison.simulate(world)                                   # the report
    cloison.explain(world, "192.0.2.1", "inference/edge/gateway:443/tcp")
    cloison.replay(world, "traffic.pcap", vrf="acme/main").flows
    cloison.diff("old.yaml", "new.yaml").to_pandas()

Names are imported when they are first used; `import cloison` alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloison.api import (
        build,
        check,
        compile,
        diff,
        explain,
        load,
        prove,
        reach,
        replay,
        simulate,
        world,
    )
    from cloison.render.plot import Drawing
    from cloison.render.table import Table
    from cloison.views.report import Simulation
    from cloison.views.world import World
    from fabric.diagnostics import CloisonError, InputError

HOME = {
    "CloisonError": "fabric.diagnostics",
    "Drawing": "cloison.render.plot",
    "InputError": "fabric.diagnostics",
    "Simulation": "cloison.views.report",
    "Table": "cloison.render.table",
    "World": "cloison.views.world",
    "build": "cloison.api",
    "check": "cloison.api",
    "compile": "cloison.api",
    "diff": "cloison.api",
    "explain": "cloison.api",
    "load": "cloison.api",
    "prove": "cloison.api",
    "reach": "cloison.api",
    "replay": "cloison.api",
    "simulate": "cloison.api",
    "world": "cloison.api",
}

__all__ = [
    "CloisonError",
    "Drawing",
    "InputError",
    "Simulation",
    "Table",
    "World",
    "build",
    "check",
    "compile",
    "diff",
    "explain",
    "load",
    "prove",
    "reach",
    "replay",
    "simulate",
    "world",
]


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module 'cloison' has no attribute {name!r}")
    return getattr(import_module(HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
