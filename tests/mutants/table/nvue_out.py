"""Faults of writing NVUE and reading it back: what lets files say what the world does not."""

from mutants.table import Fault

TARGETS = "compiler/targets/"
BACK = "sim/round_trip/"
ACLS, PORTS, FLAT = TARGETS + "nvue_acls.py", TARGETS + "port_rules.py", TARGETS + "flat_policy.py"
ROUTING = TARGETS + "nvue_routing.py"
ASKED = "tests/sim/round_trip/test_read_back.py"
SMALL, FOUND = ASKED + "::test_small", ASKED + "::test_what_is_written_otherwise_is_found"
DEMO = ASKED + "::test_the_demo"
WRITTEN = "tests/compiler/targets/test_nvue.py::"

FAULTS = (
    Fault(FLAT, "            if view[vrf][1] == UNROUTED:\n                opening = 0\n            else:",
          "            if True:", "what has no route may pass the lists", by=SMALL),
    Fault(FLAT, "            if place < at:\n                continue\n", "",
          "stages that a permit skips are asked",
          by="tests/compiler/targets/test_flat_policy.py::test_the_function_says_what_the_walk_says"),
    Fault(FLAT, "                if view[at][1] == region.vrf:", "                if True:",
          "addresses behind another VRF are taken for those of a rule",
          by="tests/compiler/targets/test_flat_policy.py::test_the_function_says_what_the_walk_says"),
    Fault(PORTS, "        if rest:\n            yield L4Rule(not permit, protocol)\n", "",
          "what is left of a protocol falls to what holds for others",
          by="tests/compiler/targets/test_port_rules.py::test_the_first_rule_that_matches_says_what_passes"),
    Fault(PORTS, "return bands if protocol != SCTP or limits.sctp or bands == EVERY_PORT else ()",
          "return bands if protocol != SCTP or limits.sctp or bands == EVERY_PORT else EVERY_PORT",
          "ports of SCTP that cannot be said are all open",
          by="tests/compiler/targets/test_port_rules.py::test_the_first_rule_that_matches_says_what_passes"),
    Fault(TARGETS + "prefix_cover.py", "a.best & b.best or a.best | b.best", "a.best | b.best",
          "more prefixes are written than are needed",
          by="tests/compiler/targets/test_prefix_cover.py::test_none_could_be_fewer"),
    Fault(TARGETS + "prefix_cover.py", "key=lambda prefix: (prefix[1], prefix[0])",
          "key=lambda prefix: (-prefix[1], prefix[0])", "shorter prefixes are asked first",
          by="tests/compiler/targets/test_prefix_cover.py::test_the_longest_prefix_says_the_value"),
    Fault(ACLS, "        if own and self._open[key]:", "        if False:",
          "whoever sends under an address of others passes a list that permits the rest",
          by=WRITTEN + "test_a_permit_of_the_rest_ends_in_a_deny"),
    Fault(ACLS, "    return not named and others is openings[number].others",
          "    return others is openings[number].others",
          "a rule is left out for one that says something else", by=DEMO),
    Fault(ACLS, "        if total > self.dialect.most_rules:\n            raise too_long(self.dialect, endpoint, total)\n        yield",
          "        yield", "lists that no device holds are written",
          by=WRITTEN + "test_lists_that_are_too_long_are_counted_and_refused"),
    Fault(ACLS, 'own = only_network(home, version) if direction is Direction.OUT else ""', 'own = ""',
          "senders are not held to their addresses", by=WRITTEN + "test_senders_are_who_they_say"),
    Fault(ROUTING, "out.setdefault(route.prefix, {\"blackhole\": {\"type\": \"blackhole\"}})", "pass",
          "blocks are not announced", by=SMALL),
    Fault(ROUTING, "                if target not in always:", "                if False:",
          "offers are announced without their targets", by=DEMO),
    Fault(ROUTING, 'match["source-vrf"] = vrf_name(self.network, leak.exporter)', "pass",
          "a prefix comes in from whichever VRF has it", by=WRITTEN + "test_what_comes_in_from_a_vrf_is_its_own"),
    Fault(TARGETS + "nvue_losses.py", "    if not (lost := sorted(versions - kept)):", "    if lost := []:",
          "that replies are not tracked is not said", by=WRITTEN + "test_what_is_lost_is_told"),
    Fault(BACK + "same_routes.py", "                if a != b:\n                    yield RouteDifference(*at, version, first, last, a, b)\n\n\ndef parts_of",
          "                if False:\n                    yield RouteDifference(*at, version, first, last, a, b)\n\n\ndef parts_of",
          "routes that lead elsewhere are taken for equal", by=FOUND),
    Fault(BACK + "same_ends.py", "                if read != mine[version]:", "                if False:",
          "ends with other addresses are taken for equal", by=FOUND),
    Fault(BACK + "same_lists.py", "            if said != written:", "            if said == \"unknown\":",
          "lists that decide otherwise are taken for equal", by=FOUND),
    Fault(BACK + "read_back.py", "        return not self.differences and not self.unknown",
          "        return not self.differences", "what was not understood is taken for equal",
          by=ASKED + "::test_what_is_not_understood_is_not_equal"),
    Fault("compiler/imports/announcements.py", "        elif one.kind not in NO_ROUTE:\n            said = \"unknown\"\n", "",
          "what a map sets and nobody follows is taken for nothing",
          by="tests/compiler/imports/test_announcements.py::test_what_maps_add_on_the_way_into_evpn"),
    Fault("compiler/imports/host_ends.py", "        found[prefix.version] = union(found[prefix.version], subtract(addresses, longer))",
          "        found[prefix.version] = union(found[prefix.version], addresses)",
          "a host has what a longer way leads to another one",
          by="tests/compiler/imports/test_announcements.py::test_the_longest_way_counts"),
    Fault("compiler/imports/nvue_policy.py", "        return True, number + 1", "        return False, None",
          "a map ends where it goes on",
          by="tests/compiler/imports/test_announcements.py::test_what_maps_add_on_the_way_into_evpn"),
)  # fmt: skip
