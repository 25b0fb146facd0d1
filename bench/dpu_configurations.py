"""Configurations of the DPUs of the site of three clusters, as NVUE prints them.

The text is written here, from NVIDIA's documents, and not by cloison's exporters: a second author.
"""

from __future__ import annotations

from cluster_servers import Server, guilty


def nvue(server: Server, found: list[Server], faults: tuple[str, ...]) -> str:
    """The configuration of a DPU, as `nv config show` prints it."""
    vrf, vni = server.vrf, server.vni
    wanted = [f"65000:{vni}"]
    exported = [f"65000:{vni}"]
    if "foreign-import" in faults and server is guilty(found, "foreign-import"):
        other = next(s for s in found if s.cluster == "train").vni
        wanted.append(f"65000:{other}")
        exported.append(f"65000:{other}")
    gateway, host = server.link[1], server.link[2]
    pods = f"""
          static:
            {server.pods}:
              address-family: ipv4-unicast
              via:
                {host}:
                  type: ipv4-address"""
    if "lost-vlan" in faults and server is guilty(found, "lost-vlan"):
        pods = ""
    neighbours = "".join(
        f"""
              p{n}_if:
                peer-group: underlay
                type: unnumbered"""
        for n in range(len(server.leaves))
    )
    uplinks = "".join(
        f"""
      p{n}_if:
        link:
          mtu: 9216
        type: swp"""
        for n in range(len(server.leaves))
    )
    imports, exports = (
        "".join(f"\n                  {target}: {{}}" for target in some)
        for some in (wanted, exported)
    )
    return f"""\
- header:
    model: BLUEFIELD
    nvue-api-version: nvue_v1
    rev-id: 1.0
    version: HBN 2.4.0
- set:
    acl:
      a10_management:
        type: ipv4
        rule:
          '10':
            action:
              deny: {{}}
            match:
              ip:
                dest-ip: 172.16.0.0/12
          '20':
            action:
              deny: {{}}
            match:
              ip:
                protocol: udp
                dest-port: 4789
    evpn:
      enable: on
    interface:
      lo:
        ip:
          address:
            {server.loopback}/32: {{}}
        type: loopback{uplinks}
      pf0hpf_if:
        acl:
          a10_management:
            inbound: {{}}
        ip:
          address:
            {gateway}/30: {{}}
          vrf: {vrf}
        type: swp
    nve:
      vxlan:
        enable: on
        source:
          address: {server.loopback}
    router:
      bgp:
        autonomous-system: {server.asn}
        enable: on
        router-id: {server.loopback}
      policy:
        prefix-list:
          OWN:
            rule:
              '10':
                action: permit
                match:
                  {server.loopback}/32: {{}}
        route-map:
          to_underlay:
            rule:
              '10':
                action:
                  permit: {{}}
                match:
                  ip-prefix-list: OWN
                  type: ipv4
    system:
      hostname: {server.dpu}
    vrf:
      default:
        router:
          bgp:
            address-family:
              ipv4-unicast:
                enable: on
                network:
                  {server.loopback}/32: {{}}
              l2vpn-evpn:
                enable: on
            enable: on
            neighbor:{neighbours}
            peer-group:
              underlay:
                address-family:
                  ipv4-unicast:
                    policy:
                      outbound:
                        route-map: to_underlay
                  l2vpn-evpn:
                    enable: on
                remote-as: external
      {vrf}:
        evpn:
          enable: on
          vni:
            '{vni}': {{}}
        router:
          bgp:
            address-family:
              ipv4-unicast:
                enable: on
                redistribute:
                  connected:
                    enable: on
                  static:
                    enable: on
                route-export:
                  to-evpn:
                    enable: on
            enable: on
            rd: {server.loopback}:{vni}
            route-export:
              to-evpn:
                route-target:{exports}
            route-import:
              from-evpn:
                route-target:{imports}{pods}
"""
