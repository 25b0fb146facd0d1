"""A site that is written down, as irregular as sites get, run by two releases of FRR: leaves that
are cabled to each other, spines of two AS numbers, a DPU with three leaves, a border below a leaf,
two cables side by side; names with dots, capitals and leading digits, ports called in every way
that Linux has. What is compared is in `frr_agreement`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from frr_agreement import agree
from frr_lab import frr_lab
from frr_releases import RELEASES, Release

from fabric.building.build import build, rebuild
from fabric.building.load import load_fabric

pytestmark = [pytest.mark.root, pytest.mark.oracle("frr")]

SITE = """\
cloison: 1
name: irregular
sites:
  fra1:
    clos: none
    nodes:
      Spine-A.fra1: { role: spine, asn: 65000, loopback: 10.0.0.1 }
      Spine-B.fra1: { role: spine, asn: 65007 }
      2-tor: { role: leaf, rack: r1, asn: 65101 }
      ToR_R1b: { role: leaf, rack: r1 }
      ToR.R2: { role: leaf, rack: r2 }
      GW1: { role: border }
      bf-101: { role: dpu, host: gpu-101.lab, rack: r1 }
      bf-102: { role: dpu, host: gpu-102.lab, rack: r1 }
      bf-201: { role: dpu, host: GPU201, rack: r2 }
    cables:
      - bf-101:p0 -- 2-tor:1
      - bf-101:p1 -- ToR_R1b:swp1s0
      - bf-101:p2 -- ToR.R2:Ethernet1_1
      - bf-102:0 -- 2-tor:eth-0.7
      - bf-201 -- ToR.R2:abcdefghijklmno
      - 2-tor:swp1.100 -- Spine-A.fra1
      - 2-tor -- Spine-A.fra1:swp9
      - ToR_R1b -- Spine-B.fra1
      - 2-tor -- ToR_R1b
      - ToR.R2:Uplink.1 -- ToR_R1b:7s3
      - Spine-A.fra1:dci0 -- Spine-B.fra1:dci0
      - GW1:wan-1 -- ToR.R2
zones:
  zone2: { endpoints: { inet: { addresses: [0.0.0.0/0], border: GW1 } } }
tenants:
  red:
    hosts: ["gpu-*"]
    vrfs: { main: { prefixes: [10.1.0.0/16, "fd00:1::/48"] } }
  blue:
    vrfs: { main: { prefixes: [10.2.0.0/16], default_route: zone2, advertise: [10.2.0.0/16] } }
    hosts: [GPU201, gpu-102.lab]
"""


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: f"frr{release.name}")
@pytest.mark.slices(2)
def test_frr_agrees_on_an_irregular_site(release: Release, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    network = build(load_fabric(path), lock=False)
    with frr_lab(network, release) as lab:
        agree(lab, network)
        for down in ("2-tor--Spine-A.fra1", "ToR.R2--ToR_R1b"):
            lab.fail(down)
        agree(lab, rebuild(network, down=["2-tor--Spine-A.fra1", "ToR.R2--ToR_R1b"]))
