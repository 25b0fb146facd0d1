"""A site of which everything is written down, and nothing is even."""

from __future__ import annotations

from pathlib import Path

IRREGULAR = """
cloison: 1
name: real
sites:
  fra1:
    clos: none
    nodes:
      Spine-A: { role: spine, asn: 65000 }
      Spine-B: { role: spine, asn: 65000 }
      tor-r1a: { role: leaf, rack: r1, asn: 65101, loopback: 10.0.0.11 }
      tor-r1b: { role: leaf, rack: r1 }
      tor-r2.lab: { role: leaf, rack: r2 }
      gw1: { role: border }
      bf-101: { role: dpu, host: gpu-101, rack: r1 }
      bf-102: { role: dpu, host: gpu-102, rack: r1 }
      bf-201: { role: dpu, host: gpu-201, rack: r2 }
    cables:
      - bf-101:p0 -- tor-r1a:swp1s0
      - bf-101:p1 -- tor-r1b:swp1s0
      - bf-102:p0 -- tor-r1a:swp1s1
      - bf-102:p1 -- tor-r1b:swp1s1
      - bf-201 -- tor-r2.lab
      - tor-r1a:swp31 -- Spine-A:swp1
      - Spine-B:swp1 -- tor-r1a:swp32
      - tor-r1b -- Spine-A
      - { between: [tor-r1b, Spine-B], speed: 100 }
      - tor-r2.lab -- Spine-A
      - tor-r2.lab -- Spine-A
      - gw1 -- Spine-A
      - gw1 -- Spine-B
ecmp: bandwidth
tenants:
  red: { vrfs: { main: { prefixes: [10.1.0.0/16] } }, hosts: ["gpu-1*"] }
  blue:
    hosts: [gpu-201, gpu-102]
    vrfs: { main: { prefixes: [10.2.0.0/16], default_route: zone2, advertise: [10.2.0.0/16] } }
zones:
  zone2:
    endpoints: { inet: { addresses: [0.0.0.0/0] } }
    rules: [{ name: out, from: blue/*, to: zone2/inet, ports: [443/tcp] }]
expect:
  - { deny: "red/* <-> blue/*", hold_under: [any-1-node, any-1-risk-group, any-1-link] }
  - { allow: "blue/@node/gpu-102 -> zone2/inet:443/tcp" }
"""


def file(folder: Path, text: str = IRREGULAR) -> Path:
    path = folder / "site.yaml"
    path.write_text(text)
    return path
