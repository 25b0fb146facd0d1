"""Faults written by people, by floor, one row each: what makes an answer green and untrue.

`before` stands in the file exactly once; `tests/test_mutants.py` holds that, so whoever rewrites
the line rewrites its fault. `breaks` says what is wrong with the product then, in its own words.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One text of a file in the place of another one; `by` is a test to ask first, where kernels
    run `plain`, as Python, and need not be compiled: such a test must pass so without the fault."""

    path: str
    before: str
    after: str
    breaks: str
    by: str = ""
    plain: bool = False
