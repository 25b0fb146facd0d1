"""Types of arrays that kernels take; the shapes stand in their docstrings.

numba compiles for whatever it is given and reads no annotation: these are for the type checker, and
for people. Tables come as named tuples of arrays, which say their own types where they are made
(`sim.pipeline.tables`, `sim.classify`): kernels lie below and know them as `Any`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Index = np.uint64
"""A place, or how many: unsigned (rule 2 of `sim.kernels`)."""
