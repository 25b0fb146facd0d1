"""What NVIDIA's five files say, read from their text by hand before any code read them.

A row is a packet at an interface: the file, the interface, "in" (from the host) or "out" (to it),
source, destination, protocol, source and destination port, state; and what becomes of it, by which
list and rule (None: nothing matches, so it passes).
"""

from __future__ import annotations

DUAL = "nvue_build_fnn_dual_stack"
L3 = "full_nvue_startup_fnn_l3"
QUARANTINED = "nvue_startup_quarantined_fnn"
NSG = "nvue_startup_with_nsg"
ETV = "full_nvue_startup_etv"
TCP, UDP, ICMP, SCTP = 6, 17, 1, 132
V6 = "2001:db8:3333:4444:5555:6666:7777"
EGRESS4, EGRESS6, INGRESS4, INGRESS6 = (
    f"p0004_security_policy_override_ipv{v}_host_{way}"
    for way in ("egress", "ingress")
    for v in (4, 6)
)

# fmt: off
VERDICTS = (
    # A VPC's own networks are permitted before the site's are denied.
    (DUAL, "pf0vf0_if", "in", "10.0.1.1", "10.0.1.200", TCP, 40000, 443, "new", "permit", ("p0010_vpc_100_isolation_ipv4", 10)),
    (DUAL, "pf0vf0_if", "in", "10.0.1.1", "10.0.2.1", TCP, 40000, 443, "new", "deny", ("p0010_vpc_100_isolation_ipv4", 1000)),
    (DUAL, "pf0vf0_if", "in", "10.0.1.1", "10.0.0.1", ICMP, 0, 0, "new", "deny", ("p0010_vpc_100_isolation_ipv4", 1000)),
    (DUAL, "pf0vf0_if", "in", "10.0.1.1", "8.8.8.8", UDP, 40000, 53, "new", "permit", None),
    (DUAL, "pf0vf0_if", "in", "2001:db8::1", "2001:db8:0:5::1", TCP, 40000, 443, "new", "permit", ("p0010_vpc_100_isolation_ipv6", 10)),
    (DUAL, "pf0vf0_if", "in", "2001:db8::1", "fd00::5", TCP, 40000, 443, "new", "deny", ("p0010_vpc_100_isolation_ipv6", 1000)),
    (DUAL, "pf0vf0_if", "in", "2001:db8::1", "fd00:1::5", TCP, 40000, 443, "new", "permit", None),
    (DUAL, "pf0vf0_if", "in", "0.0.0.0", "255.255.255.255", UDP, 68, 67, "new", "permit", None),
    (DUAL, "pf0vf0_if", "out", "10.0.2.1", "10.0.1.1", TCP, 40000, 22, "new", "permit", None),
    (DUAL, "p0_if", "in", "10.0.2.1", "10.0.1.1", TCP, 40000, 22, "new", "permit", None),
    # Overrides match two ports on either side; security groups are defined and bound nowhere.
    (L3, "pf0hpf_if", "in", "192.168.0.12", "1.1.1.1", TCP, 40000, 443, "new", "deny", ("p0000_deny_prefixes_ipv4", 1001)),
    (L3, "pf0hpf_if", "in", "192.168.0.12", "9.9.9.9", TCP, 80, 80, "new", "deny", (EGRESS4, 2000)),
    (L3, "pf0hpf_if", "in", "192.168.0.12", "9.9.9.9", TCP, 80, 81, "new", "deny", (EGRESS4, 2001)),
    (L3, "pf0hpf_if", "in", "192.168.0.12", "9.9.9.9", TCP, 81, 80, "new", "deny", (EGRESS4, 2002)),
    (L3, "pf0hpf_if", "in", "192.168.0.12", "9.9.9.9", TCP, 40000, 80, "new", "permit", None),
    (L3, "pf0hpf_if", "in", "192.168.0.12", "9.9.9.9", UDP, 80, 80, "new", "permit", None),
    (L3, "pf0hpf_if", "in", "192.168.0.12", "9.9.9.9", TCP, 40000, 8080, "new", "permit", None),
    (L3, "pf0hpf_if", "in", "192.168.0.12", "2.2.2.2", UDP, 40000, 53, "new", "deny", ("p0010_vpc_10101_isolation_ipv4", 1000)),
    (L3, "pf0hpf_if", "in", "192.168.0.12", "2.2.2.2", TCP, 80, 80, "new", "deny", (EGRESS4, 2000)),
    (L3, "pf0hpf_if", "in", f"{V6}:8888", f"{V6}:9999", TCP, 81, 81, "new", "deny", (EGRESS6, 2003)),
    (L3, "pf0hpf_if", "in", f"{V6}:8888", f"{V6}:9998", TCP, 81, 81, "new", "permit", None),
    (L3, "pf0hpf_if", "out", "9.9.9.9", "192.168.0.12", TCP, 81, 81, "new", "deny", (INGRESS4, 2003)),
    (L3, "pf0hpf_if", "out", "9.9.9.9", "192.168.0.12", TCP, 40000, 22, "new", "permit", None),
    (L3, "pf0dpu1_if", "in", "169.254.169.254", "1.1.1.1", TCP, 40000, 443, "new", "permit", None),
    # In quarantine nothing passes, either way, in either family, whatever the state.
    (QUARANTINED, "pf0hpf_if", "in", "10.217.5.162", "192.0.2.5", TCP, 40000, 443, "new", "deny", ("p0000_deny_prefixes_ipv4", 1001)),
    (QUARANTINED, "pf0hpf_if", "in", "10.217.5.162", "8.8.8.8", UDP, 40000, 53, "new", "deny", (EGRESS4, 2000)),
    (QUARANTINED, "pf0hpf_if", "in", "10.217.5.162", "10.217.6.177", TCP, 40000, 443, "new", "deny", (EGRESS4, 2000)),
    (QUARANTINED, "pf0hpf_if", "in", "10.217.5.162", "10.217.5.162", ICMP, 0, 0, "established", "deny", (EGRESS4, 2000)),
    (QUARANTINED, "pf0hpf_if", "in", "2001:db8::1", "2001:db8::2", TCP, 40000, 443, "new", "deny", (EGRESS6, 2000)),
    (QUARANTINED, "pf0hpf_if", "out", "10.217.6.177", "10.217.5.162", TCP, 443, 40000, "established", "deny", (INGRESS4, 2000)),
    (QUARANTINED, "pf0hpf_if", "out", "2001:db8::2", "2001:db8::1", TCP, 443, 40000, "established", "deny", (INGRESS6, 2000)),
    (QUARANTINED, "pf0vf0_if", "in", "10.217.5.170", "10.217.5.161", TCP, 40000, 22, "new", "deny", (EGRESS4, 2000)),
    (QUARANTINED, "pf0vf0_if", "in", "0.0.0.0", "255.255.255.255", UDP, 68, 67, "new", "deny", (EGRESS4, 2000)),
    (QUARANTINED, "pf0vf0_if", "out", "10.217.5.161", "10.217.5.170", SCTP, 1, 2, "new", "deny", (INGRESS4, 2000)),
    (QUARANTINED, "p0_if", "in", "10.217.6.177", "10.217.5.162", TCP, 40000, 22, "new", "permit", None),
    # A security group ends in a deny of everything: peers' permits behind it are never asked.
    (NSG, "pf0vf0_if", "in", "10.217.5.170", "192.0.2.5", UDP, 40000, 53, "new", "deny", ("p0000_deny_prefixes_ipv4", 1001)),
    (NSG, "pf0vf0_if", "in", "10.217.5.170", "8.8.8.8", TCP, 40000, 443, "new", "deny", ("p0005_security_group_ipv4_in", 65535)),
    (NSG, "pf0vf0_if", "in", "10.217.5.170", "8.8.8.8", TCP, 80, 81, "new", "deny", ("p0005_security_group_ipv4_in", 2001)),
    (NSG, "pf0vf0_if", "in", "10.217.5.170", "8.8.8.8", TCP, 40000, 8080, "established", "deny", ("p0005_security_group_ipv4_in", 2004)),
    (NSG, "pf0vf0_if", "in", "10.217.5.170", "10.217.6.177", TCP, 40000, 443, "new", "deny", ("p0005_security_group_ipv4_in", 65535)),
    (NSG, "pf0hpf_if", "in", "2001:db8::1", "2001:db8::2", TCP, 40000, 443, "new", "deny", ("p0005_security_group_ipv6_in", 65535)),
    (NSG, "pf0hpf_if", "out", "10.217.6.177", "10.217.5.162", TCP, 40000, 22, "new", "deny", ("p0005_security_group_ipv4_out", 65535)),
    (NSG, "pf0hpf_if", "out", "8.8.8.8", "10.217.5.162", TCP, 443, 40000, "established", "permit", ("p0005_security_group_ipv4_out", 65532)),
    (NSG, "pf0hpf_if", "out", "8.8.8.8", "10.217.5.162", TCP, 80, 80, "established", "deny", ("p0005_security_group_ipv4_out", 2000)),
    (NSG, "pf0hpf_if", "out", "8.8.8.8", "10.217.5.162", ICMP, 0, 0, "established", "permit", ("p0005_security_group_ipv4_out", 65534)),
    (NSG, "pf0hpf_if", "out", "8.8.8.8", "10.217.5.162", SCTP, 443, 40000, "established", "deny", ("p0005_security_group_ipv4_out", 65535)),
    (NSG, "pf0hpf_if", "out", "7.7.7.1", "7.7.7.2", TCP, 80, 80, "established", "deny", (INGRESS4, 2000)),
    (NSG, "pf0hpf_if", "out", "2001:db8::2", "2001:db8::1", TCP, 443, 40000, "established", "deny", ("p0005_security_group_ipv6_out", 65535)),
    (ETV, "pf0hpf_if", "in", "192.168.0.12", "10.0.0.1", TCP, 40000, 443, "new", "permit", None),
    (ETV, "vlan10", "out", "10.0.0.1", "192.168.0.12", TCP, 443, 40000, "new", "permit", None),
)
# fmt: on

TARGETS = {
    (L3, "vpc_10101"): (
        {"11414:10101", "11414:1025186", "11414:1025197", "44444:55555", "11111:22222", "auto"},
        {"11414:10101", "11415:200", "77415:800"},
    ),
    (DUAL, "vpc_100"): ({"11414:100", "auto"}, {"11414:100"}),
    (QUARANTINED, "vpc_1025186"): (
        {"11414:1025186", "44444:55555", "11111:22222", "auto"},
        {"11414:1025186", "11415:200", "77415:800"},
    ),
    (QUARANTINED, "vpc_1025197"): (
        {"11414:1025197", "11414:1025186", "11414:1025187", "44444:55555", "11111:22222", "auto"},
        {"11414:1025197", "11415:200", "77415:800"},
    ),
}
"""What VRFs import and export."""

VNIS = {
    (L3, "vpc_10101"): 10101,
    (DUAL, "vpc_100"): 100,
    (QUARANTINED, "vpc_1025186"): 1025186,
    (QUARANTINED, "vpc_1025197"): 1025197,
    (NSG, "default"): None,
    (ETV, "default"): None,
}

SPEAKERS = {
    ETV: (65535, "127.0.0.1", {"p0_if", "p1_if", "10.255.255.3"}),
    L3: (65535, "127.0.0.1", {"p0_if", "p1_if", "192.168.0.12", "10.255.255.3"}),
    DUAL: (65000, "10.0.0.1", {"p0_if", "10.0.1.1", "2001:db8::1"}),
    QUARANTINED: (
        4259912557,
        "10.217.5.39",
        {
            "172.43.0.1",
            "172.43.0.2",
            "p0_if",
            "p1_if",
            "10.217.5.170",
            "10.217.5.162",
            "10.10.10.3",
        },
    ),
    NSG: (
        4259912557,
        "10.217.5.39",
        {
            "172.43.0.1",
            "172.43.0.2",
            "p0_if",
            "p1_if",
            "10.217.5.170",
            "10.217.5.162",
            "10.10.10.3",
        },
    ),
}
"""ASN, address of the VTEP, and neighbours."""

REVIEWED = {
    ETV: {
        ("dangling-name", 135),
        ("network-address", 38),
        ("no-isolation", 27),
        ("reserved-asn", 6),
        ("unreachable-vtep", 13),
    },
    L3: {
        ("dangling-name", 456),
        ("forgeable-target", 550),
        ("ipv6-open", 582),
        ("network-address", 45),
        ("non-canonical", 592),
        ("non-canonical", 847),
        ("reserved-asn", 6),
        ("unreachable-vtep", 13),
        ("import-without-export", 546),
        ("neighbour-elsewhere", 487),
        *(("unbound-list", line) for line in (553, 590, 657, 711, 789)),
    },
    DUAL: {("forgeable-target", 491), ("unbound-list", 494)},
    QUARANTINED: {
        ("forgeable-target", 632),
        ("forgeable-target", 737),
        ("non-canonical", 854),
        ("non-canonical", 975),
        ("one-way-import", 733),
        ("import-without-export", 630),
        ("import-without-export", 734),
        ("neighbour-elsewhere", 563),
        ("neighbour-elsewhere", 571),
        ("neighbour-elsewhere", 674),
        ("quarantine", 1109),
    },
    NSG: {
        ("non-canonical", 275),
        ("non-canonical", 396),
        ("shadowed-entry", 529),
        ("shadowed-entry", 538),
        ("one-layer", 27),
        ("one-layer", 58),
    },
}
"""What is wrong with each of them, and the first line of it: a finding, a doubt or a note each."""
