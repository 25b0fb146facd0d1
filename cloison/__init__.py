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
    from cloison.loading.keeping import keeping
    from cloison.render.plot import Drawing
    from cloison.render.table import Table
    from cloison.verbs.api import (
        build,
        check,
        compile,
        coverage,
        expect,
        explain,
        load,
        plot,
        prove,
        prove_all_times,
        reach,
        replay,
        review,
        simulate,
        spof,
        timeline,
        world,
    )
    from cloison.verbs.api_of_two import diff, diff_all_times, report, rollout
    from cloison.views.reports.report import Simulation
    from cloison.views.world import World
    from fabric.diagnostics import CloisonError, InputError

HOME = {
    "CloisonError": "fabric.diagnostics",
    "Drawing": "cloison.render.plot",
    "InputError": "fabric.diagnostics",
    "Simulation": "cloison.views.reports.report",
    "Table": "cloison.render.table",
    "World": "cloison.views.world",
    "build": "cloison.verbs.api",
    "check": "cloison.verbs.api",
    "compile": "cloison.verbs.api",
    "coverage": "cloison.verbs.api",
    "diff": "cloison.verbs.api_of_two",
    "diff_all_times": "cloison.verbs.api_of_two",
    "expect": "cloison.verbs.api",
    "explain": "cloison.verbs.api",
    "keeping": "cloison.loading.keeping",
    "load": "cloison.verbs.api",
    "plot": "cloison.verbs.api",
    "prove": "cloison.verbs.api",
    "prove_all_times": "cloison.verbs.api",
    "reach": "cloison.verbs.api",
    "replay": "cloison.verbs.api",
    "report": "cloison.verbs.api_of_two",
    "review": "cloison.verbs.api",
    "rollout": "cloison.verbs.api_of_two",
    "simulate": "cloison.verbs.api",
    "spof": "cloison.verbs.api",
    "timeline": "cloison.verbs.api",
    "world": "cloison.verbs.api",
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
    "coverage",
    "diff",
    "diff_all_times",
    "expect",
    "explain",
    "keeping",
    "load",
    "plot",
    "prove",
    "prove_all_times",
    "reach",
    "replay",
    "report",
    "review",
    "rollout",
    "simulate",
    "spof",
    "timeline",
    "world",
]


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module 'cloison' has no attribute {name!r}")
    return getattr(import_module(HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
