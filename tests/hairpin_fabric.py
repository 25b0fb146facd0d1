"""Two tenants with addresses of the outside: each takes the outside's default route and advertises
its own, so the border's routes lead from one to the other."""

from __future__ import annotations

from pathlib import Path

from fabric_files import vrf, write_fabric


def hairpin(folder: Path, **zone: object) -> Path:
    """`red` may go out, the outside may come in to `blue`; nobody said that red reaches blue, but
    for a `zone` that permits hairpins."""
    public = {"default_route": "zone2"}
    red, blue = "198.51.100.0/26", "198.51.100.64/26"
    rules = [
        {"name": "out", "from": "red/*", "to": "zone2/inet", "ports": ["443/tcp"]},
        {"name": "in", "from": "zone2/inet", "to": "blue/shop/*", "ports": ["443/tcp"]},
    ]
    return write_fabric(
        folder,
        {
            "red": {**vrf(red, advertise=[red], **public), "hosts": ["host1"]},
            "blue": {**vrf(blue, advertise=[blue], **public), "hosts": ["host2"]},
        },
        {"red": ["lab/probe@host1"], "blue": ["shop/web@host2"]},
        zones={
            "zone2": {"endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}}, "rules": rules, **zone}
        },
        expect=[
            {"deny": "red/* -> blue/*"},
            {"allow": "red/* -> zone2/inet:443/tcp"},
            {"allow": "zone2/inet -> blue/shop/*:443/tcp"},
        ],
    )
