"""What the rows say is what columns and rules hold."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.policy.fields import FIELDS, STATES, Field, classified
from fabric.diagnostics import InputError
from sim.classify.columns import Columns
from sim.classify.ruleset import ALL_DSCP, ALL_STATES
from sim.packets.headers import DTYPES


def columns(**others: int) -> Columns:
    """One packet with these values."""
    values = {
        name: np.array([others.get(name, 0)], row.dtype) for name, row in classified().items()
    }
    address = np.zeros(1, np.uint32)
    return Columns(src=address, dst=address, **values)


@pytest.mark.parametrize("field", classified().values(), ids=lambda field: field.name)
def test_a_column_holds_every_value_and_no_other(field: Field) -> None:
    assert len(columns(**{field.name: field.last})) == 1
    if not field.tight:
        with pytest.raises(InputError, match=f"{field.last} is the largest"):
            columns(**{field.name: field.last + 1})
    assert DTYPES.get(field.name, field.dtype) == field.dtype


@pytest.mark.parametrize(("text", "value"), [("0046", 46), ("0", 0), ("63", 63)])
def test_values_are_read(text: str, value: int) -> None:
    assert FIELDS["dscp"].read(text) == value


@pytest.mark.parametrize("text", ["64", "-1", "", "established", "\u0664", "9" * 5000])
def test_what_is_no_value_is_said(text: str) -> None:
    with pytest.raises(InputError, match="is no value of dscp") as error:
        FIELDS["dscp"].read(text)
    assert error.value.diagnostics[0].code == "C861"


def test_masks_have_a_bit_per_value() -> None:
    assert ALL_STATES.bit_count() == FIELDS["state"].last + 1 == len(STATES)
    assert ALL_DSCP.bit_count() == FIELDS["dscp"].last + 1
