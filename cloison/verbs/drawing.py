"""What is drawn of a world; `cloison plot` and Python have it from here."""

from __future__ import annotations

from cloison.render.plot import Drawing
from cloison.verbs.proving import proved
from cloison.views.packets.explained import Explained
from cloison.views.verification.proved import Proved
from cloison.views.world import World
from sim.why.one_answer import explain


def drawing(
    world: World,
    *,
    tenant: str | None = None,
    trace: tuple[str, str] | None = None,
    matrix: bool = False,
) -> Drawing:
    """The Clos, with nodes of one `tenant` or the path of a flow (`trace`: from, to); or the
    isolation `matrix`, which has neither: `ValueError`. Raises `InputError`."""
    if matrix:
        if tenant is not None or trace is not None:
            raise ValueError("a matrix is of all tenants, and has no path")
        return Proved(proved(world)[0]).plot()
    if trace is None:
        return world.plot(tenant=tenant)
    return Explained(explain(world, *trace)).plot(tenant=tenant)
