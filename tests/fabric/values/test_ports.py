"""Ports as people write them: what is no port is refused."""

from __future__ import annotations

import pytest

from fabric.values.ports import PortRange, parse_ports


def test_the_first_and_the_last_port_are_ports() -> None:
    assert parse_ports("0-65535/tcp") == (PortRange(6, 0, 65535),)


@pytest.mark.parametrize("text", ["65536/tcp", "80-65536/udp", "tcp from 65536", "90-80/tcp"])
def test_no_port_lies_beyond_the_last_one(text: str) -> None:
    with pytest.raises(ValueError, match="must lie in 0-65535, lower end first"):
        parse_ports(text)
