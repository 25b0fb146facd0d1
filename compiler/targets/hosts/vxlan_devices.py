"""The VXLAN devices of a node, in the two forms that Linux and FRR have for them.

* A device and a bridge per VNI, `vni<VNI>` in `br<VNI>`: FRR's older recipe (its user guide, EVPN).
  A route leads into the tunnel of its own VRF alone.
* One device for all, `vxlan0` (`external vnifilter`), in one bridge `br0` that tells VLANs apart,
  with an SVI `br<VNI>` per VRF. Only so FRR 10.3 sends by a route of another VRF, with that VRF's
  VNI (downstream VNI): the route's next hop is on `vxlan0`, and says which VNI. 8.4 brings no VNI
  up on it.

zebra sends to one router MAC of a VTEP, whichever a VRF heard last, and routes of another VRF bring
that one's. So in both forms a node takes what comes out of a tunnel under any address (`skbedit
ptype host` on `br<VNI>`, which nothing else reaches), and the VNI alone says to which VRF it goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError

MTU = 9100
VLANS = 4094
Documents = dict[str, list[str]]
"""What each command reads, in the order of running them."""


def per_vni(network: Network, node: int, vrfs: Sequence[int]) -> Documents:
    """A device per VNI."""
    return {
        "ip": [line for vrf in vrfs for line in _own_device(network, node, vrf)],
        "tc": [line for vrf in vrfs for line in _any_address(network, vrf)],
    }


def _own_device(network: Network, node: int, vrf: int) -> Iterator[str]:
    vni, mac = network.vrfs[vrf].vni, network.plan.router_mac[node, vrf]
    yield f"link add br{vni} address {mac} mtu {MTU} type bridge stp_state 0"
    yield f"link set br{vni} master vrf{vni} addrgenmode none"
    yield (
        f"link add vni{vni} mtu {MTU} type vxlan id {vni} local {network.plan.vtep(node)} "
        "dstport 4789 nolearning"
    )
    yield f"link set vni{vni} master br{vni} addrgenmode none"
    yield f"link set vni{vni} type bridge_slave learning off neigh_suppress on"
    yield f"link set vni{vni} up"
    yield f"link set br{vni} promisc on up"


def _any_address(network: Network, vrf: int) -> Iterator[str]:
    vni = network.vrfs[vrf].vni
    yield f"qdisc add dev br{vni} clsact"
    yield f"filter add dev br{vni} ingress protocol all matchall action skbedit ptype host"


def single(network: Network, node: int, vrfs: Sequence[int]) -> Documents:
    """One device; `InputError` C865 where a bridge has fewer VLANs than the node VRFs."""
    if len(vrfs) > VLANS:
        name = network.fabric.nodes[node].name
        message = f"{name} has {len(vrfs):,} VRFs, and a bridge has {VLANS:,} VLANs"
        raise InputError(Diagnostic("C865", message, None, "a device per VNI (linux) has no limit"))
    out: Documents = {"ip": [], "bridge": [], "tc": []}
    if vrfs:
        out["ip"] += [
            f"link add br0 mtu {MTU} type bridge vlan_filtering 1 vlan_default_pvid 0 stp_state 0",
            "link set br0 addrgenmode none",
            f"link add vxlan0 mtu {MTU} type vxlan external vnifilter "
            f"local {network.plan.vtep(node)} dstport 4789 nolearning",
            "link set vxlan0 master br0 addrgenmode none",
            "link set vxlan0 type bridge_slave vlan_tunnel on learning off neigh_suppress on",
            "link set br0 up",
            "link set vxlan0 up",
        ]
    for vlan, vrf in enumerate(vrfs, 1):
        vni, mac = network.vrfs[vrf].vni, network.plan.router_mac[node, vrf]
        out["ip"] += [
            f"link add br{vni} link br0 address {mac} mtu {MTU} type vlan id {vlan}",
            f"link set br{vni} master vrf{vni} addrgenmode none",
            f"link set br{vni} up",
        ]
        out["bridge"] += [
            f"vlan add vid {vlan} dev br0 self",
            f"vlan add vid {vlan} dev vxlan0",
            f"vlan add vid {vlan} tunnel_info id {vni} dev vxlan0",
            f"vni add vni {vni} dev vxlan0",
        ]
        out["tc"] += _any_address(network, vrf)
    return out
