"""Classes of addresses change nothing: what is found by class is what is found where no two
addresses are alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import Phase, settings

from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network

TOPOLOGIES = Path(__file__).parent.parent / "topologies"
DRAWN = settings(
    max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
BUNDLED = pytest.mark.parametrize("name", ["small", "demo", "namespaces"])


def bundled(name: str) -> Network:
    """A border owns all of IPv4 and IPv6 there, of which it leads most on; rules name prefixes."""
    return build(load_fabric(TOPOLOGIES / f"{name}.yaml"), lock=False)


def change_nothing(
    ask: Callable[[], Any], module: ModuleType, alike: str, alone: Callable[..., Any]
) -> None:
    """`module` has classes from its function `alike`; of `alone` each address is a class."""
    by_class = ask()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, alike, alone)
        by_address = ask()
    assert by_class == by_address
