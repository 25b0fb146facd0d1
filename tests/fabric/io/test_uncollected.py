"""The collector waits while something is built, also when that fails, and goes on as it was."""

from __future__ import annotations

import gc

import pytest

from fabric.io.uncollected import uncollected


def test_it_waits_until_the_outermost_is_done() -> None:
    @uncollected()
    def built() -> bool:
        with uncollected():
            pass
        return gc.isenabled()

    assert built() is False
    assert gc.isenabled()


def test_it_goes_on_after_a_failure() -> None:
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


def test_who_turned_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
