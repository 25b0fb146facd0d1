"""A range in an expectation that names more than there is, says so: no half of it holds alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabric_files import network_of, write_fabric
from hypothesis import given
from hypothesis import strategies as st

from fabric.diagnostics import InputError
from fabric.values.wildcard import beyond, fits
from sim.proof.expectations.expect import read_claims

TENANTS = {
    "t1": {"hosts": ["host[1-3]"], "vrfs": {"main": {"prefixes": ["10.0.0.0/16"]}}},
    "t2": {"hosts": ["host[1-4]"], "vrfs": {"main": {"prefixes": ["10.0.0.0/16"]}}},
}
WORK = {"t1": ["web/front-0@host1", "web/front-1@host2"], "t2": ["web/front-0@host1"]}


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("t1/@node/host[2-9]", "C303"),
        ("t1/@node/host[2-4]", "C702"),
        ("t[1-2]/@node/host[1-3]", None),
        ("t[1-2]/@node/host[2-4]", None),
        ("t[1-3]/@node/*", "C311"),
        ("t1/web/front-[0-4]", "C702"),
        ("t1/web/front-[0-1]", None),
        ("t1/web/front-[0-9a-f]", None),
        ("zone2/inet[1-2]", "C307"),
        ("zone2/inet[1]", None),
    ],
)
def test_what_does_not_exist_is_an_error(tmp_path: Path, pattern: str, code: str | None) -> None:
    zones = {"zone2": {"endpoints": {"inet1": {"addresses": ["0.0.0.0/0"]}}}}
    expect = [{"deny": f"{pattern} -> t2/web/*"}]
    try:
        net = network_of(write_fabric(tmp_path, TENANTS, WORK, zones=zones, expect=expect))
        read_claims(net.spec, net)
        codes = []
    except InputError as error:
        codes = [d.code for d in error.diagnostics]
    assert codes == ([code] if code else [])


@given(
    st.sets(st.integers(0, 20)), st.integers(0, 20), st.integers(0, 20), st.sampled_from(["", "0"])
)
def test_beyond_is_what_fits_and_is_not_there(
    there: set[int], one: int, two: int, zero: str
) -> None:
    low, high = sorted((one, two))
    pattern = f"h[{zero}{low}-{high}]"
    found = beyond(pattern, [f"h{n}" for n in there])
    assert found == tuple(f"h{n}" for n in range(low, high + 1) if n not in there)[:4]
    assert all(fits(name, pattern) for name in found)
