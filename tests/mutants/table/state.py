"""Faults of comparing devices with the model: what makes drift pass for none."""

from mutants.table import Fault

HEARD = "sim/state/heard.py"
FRR = "sim/state/frr_json.py"
IPROUTE = "sim/state/iproute_json.py"
FACTS = "sim/state/facts.py"
COMPARED = "sim/state/compared.py"
WANTED = "sim/state/wanted.py"
LAW = "tests/sim/state/test_state.py::"
FILES = "tests/sim/state/test_state_files.py::"

FAULTS = (
    Fault(
        COMPARED,
        "    return nearest(prefix, mine) > nearest(prefix, behind)",
        "    return False",
        "a network of the device itself takes over addresses of others",
        by="tests/sim/state/test_own_networks.py::test_what_comes_with_addresses_takes_over_those_of_others",
    ),
    Fault(
        COMPARED,
        "        and (prefix in behind or to != {NOWHERE})\n",
        "",
        "hosts of the VRF itself may be cut off",
        by="tests/sim/state/test_own_networks.py::test_what_comes_with_addresses_takes_over_those_of_others",
    ),
    Fault(
        COMPARED,
        "for key in sorted(wanted.keys() | found.keys()):",
        "for key in sorted(wanted.keys()):",
        "what devices have besides is no difference",
        by=LAW + "test_one_route_more_fewer_and_elsewhere",
    ),
    Fault(
        COMPARED,
        "for key in sorted(wanted.keys() | found.keys()):",
        "for key in sorted(found.keys()):",
        "what devices lack is no difference",
        by=LAW + "test_one_route_more_fewer_and_elsewhere",
    ),
    Fault(
        COMPARED,
        'if kind == "route" and vrf[1] in here.whole',
        "if False",
        "a VRF that a device does not have is one about which it said nothing",
        by=LAW + "test_a_vrf_that_nobody_wants_and_one_that_is_gone",
    ),
    Fault(
        COMPARED,
        "for vrf, had in sorted(there.items()):",
        "for vrf, had in sorted((v, h) for v, h in there.items() if v in routes):",
        "VRFs of which nothing is wanted are not looked at",
        by=LAW + "test_a_route_in_a_vrf_that_is_not_of_this_node",
    ),
    Fault(
        COMPARED,
        "if here.evpn is not None:",
        "if here.evpn:",
        "a device without any EVPN route lacks none",
        by=LAW + "test_no_evpn_routes_are_missing_and_not_unseen",
    ),
    Fault(
        COMPARED,
        "if here.widths is not None:",
        "if here.widths:",
        "a device without any route of the underlay lacks none",
        by=LAW + "test_an_empty_underlay_is_missing_and_not_unseen",
    ),
    Fault(
        FRR,
        'if h.get("fib") and h.get("active")',
        'if h.get("fib")',
        "a next hop that is not active counts",
        by=LAW + "test_an_underlay_with_a_link_less",
    ),
    Fault(
        FRR,
        'tuple(sorted(w.removeprefix("RT:") for w in words if w.startswith("RT:"))),',
        'tuple(sorted(w.removeprefix("RT:") for w in words if w.startswith("RT:")))[-1:],',
        "one route target of a route is heard",
        by=LAW + "test_a_route_target_more",
    ),
    Fault(
        FRR,
        "routes = into.routes.setdefault(vrf, {})",
        "routes = into.routes.setdefault(vrf, {}) if name in vrfs else {}",
        "routes of VRFs of unknown names are passed over",
        by=LAW + "test_a_vrf_that_nobody_wants_and_one_that_is_gone",
    ),
    Fault(
        HEARD,
        "return list(stream(text, together))\n    except",
        "return list(stream(text, together))[:1]\n    except",
        "the first of several documents in a file is heard",
        by=FILES + "test_documents_one_behind_the_other",
    ),
    Fault(
        WANTED,
        "if (hop.vtep, hop.vrf) != (node, vrf)",
        "if hop.vtep != node",
        "routes to VRFs beside it are not wanted",
        by=LAW + "test_state_as_wanted",
    ),
    Fault(
        FRR,
        'added = protocol == "kernel" or protocol not in AUTOMATIC',
        'added = protocol in ("bgp", "static")',
        "routes that somebody put into the kernel are no routes of FRR",
        by=LAW + "test_what_somebody_put_into_the_kernel",
    ),
    Fault(
        IPROUTE,
        'str(item.get("protocol")) in AUTOMATIC',
        'str(item.get("protocol")) not in ("bgp", "static")',
        "routes that somebody put into the kernel are not heard",
        by=LAW + "test_what_somebody_put_into_the_kernel",
    ),
    Fault(
        COMPARED,
        "        if not to & elsewhere\n        and (",
        "        if (",
        "what lies behind a VRF may be sent to another node",
        by=LAW + "test_what_lies_behind_a_vrf_may_be_reached_in_any_way",
    ),
    Fault(
        FACTS,
        "return prefix in DEFAULTS and to <= {NOWHERE}",
        "return to <= {NOWHERE}",
        "routes to nowhere are none",
        by=LAW + "test_what_somebody_put_into_the_kernel",
    ),
    Fault(
        FACTS,
        "if first != path:",
        "if False:",
        "what is missing in one of two files is in the other",
        by=FILES + "test_two_moments_are_none",
    ),
    Fault(
        FRR,
        "if prefix is None:\n                    return UNREADABLE",
        "if prefix is None:\n                    continue",
        "routes of EVPN that cannot be read are none",
        by=FILES + "test_a_prefix_that_cannot_be_read_is_told",
    ),
    Fault(
        FRR,
        "if 4 in families and UNDERLAY in document:",
        "if False:",
        "a device of which no VRF has the underlay lacks none of it",
        by=LAW + "test_an_empty_underlay_is_missing_and_not_unseen",
    ),
)
