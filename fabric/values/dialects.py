"""Dialects: whose reading of policies a cluster enforces. Behaviour is bound to a version."""

from __future__ import annotations

from typing import Final, Literal, get_args

Dialect = Literal["kubernetes", "cilium-1.20"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
KUBERNETES: Final = "kubernetes"
"""Of the APIs; that of a cluster of which nothing is said."""
CILIUM: Final = "cilium-1.20"
