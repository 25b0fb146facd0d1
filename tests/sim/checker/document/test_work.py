"""Steps of the reader of certificates: as many as its size allows, and not one more."""

from __future__ import annotations

import pytest

from sim.checker.document.work import AT_LEAST, PER_BYTE, Budget


@pytest.mark.parametrize("size", [0, 1, 10_000])
def test_no_more_steps_than_a_file_of_its_size_may_cost(size: int) -> None:
    allowed = AT_LEAST + PER_BYTE * size
    budget = Budget(size)
    budget.spend(allowed - 1)
    budget.spend(1)
    with pytest.raises(OverflowError):
        budget.spend(1)
    with pytest.raises(OverflowError):
        Budget(size).spend(allowed + 1)
