"""A part of kernels as a kernel of its own: Python cannot call parts (`sim.kernels.inlined`)."""

from __future__ import annotations

from typing import Any

import numba


def alone(part: Any) -> Any:
    """What Python can call."""
    return numba.njit(nogil=True, _nrt=False)(getattr(part, "py_func", part))  # type: ignore[call-overload]
