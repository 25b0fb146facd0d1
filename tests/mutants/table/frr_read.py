"""Faults of reading FRR: what makes a route pass that a filter stops, a target import that does not,
or a line go lost."""

from mutants.table import Fault

BGP = "compiler/imports/frr/frr_bgp.py"
CONF = "compiler/imports/frr/frr_conf.py"
LINES = "compiler/imports/frr/frr_lines.py"
POLICY = "compiler/imports/frr/frr_policy.py"
ROUTES = "compiler/imports/route_policy.py"
TESTS = "tests/compiler/imports/frr/"
ASKED = TESTS + "test_frr_documents.py"
LAW = TESTS + "test_frr_lines.py"
BROKEN = TESTS + "test_frr_damage.py"
FILTERS = TESTS + "test_frr_filters.py"
SETTINGS = TESTS + "test_frr_settings.py::"
AGAIN = TESTS + "test_frr_round_trip.py::test_examples_come_back"

FAULTS = (
    Fault(POLICY, "*(one for one in kept if one not in before), mine", "*kept, mine",
          "two prefix lists of one rule are both asked", by=SETTINGS + "test_the_last_condition_of_a_kind_counts"),
    Fault(POLICY, "words[:2] if words[0] in SET_TWICE else words", "words",
          "targets that a map sets twice are both set", by=SETTINGS + "test_what_is_set_last_counts"),
    Fault(CONF, 'if line.begins("bgp", "no-rib") and not line.no:', "if False:",
          "routes that are in no table are followed", by=SETTINGS + "test_what_a_device_does_not_hand_on_is_unknown"),
    Fault(CONF, '(("ip", "forwarding"), ("ipv6", "forwarding")) and line.no', '(("ip", "forwarding"), ("ipv6", "forwarding")) and False',
          "a device that hands nothing on does", by=SETTINGS + "test_what_a_device_does_not_hand_on_is_unknown"),
    Fault(CONF, " or not plain_settings(words):", ":",
          "distances and tables of static routes do not count", by=SETTINGS + "test_static_routes"),
    Fault(CONF, "    words = unmasked(line.words)\n", "    words = line.words\n",
          "masks of static routes are not read", by=SETTINGS + "test_static_routes"),
    Fault(ROUTES, "for entry in sorted(found.entries, key=lambda e: e.number):", "for entry in found.entries[::-1]:",
          "the last entry of a prefix list goes first", by=ASKED),
    Fault(ROUTES, "entry.least <= prefix.prefixlen <= entry.most", "entry.least <= prefix.prefixlen",
          "le has no end", by=ASKED),
    Fault(ROUTES, '    return RouteAnswer("deny", None)\n\n\ndef by_map', '    return RouteAnswer("permit", None)\n\n\ndef by_map',
          "what no entry names passes a prefix list", by=ASKED),
    Fault(ROUTES, "ordered = sorted(rules, key=lambda rule: rule.number)", "ordered = list(rules)[::-1]",
          "rules of a map go from behind", by=ASKED),
    Fault(ROUTES, 'ends.append(RouteAnswer("deny", None))', 'ends.append(RouteAnswer("permit", None))',
          "a map of which no rule matches permits", by=ASKED),
    Fault(ROUTES, "if not rule.permit:", "if False:", "a rule that denies permits", by=ASKED),
    Fault(ROUTES, 'if called.verdict != "permit":', "if False:", "a map that is called and denies does not deny", by=ASKED),
    Fault(ROUTES, "if matched is not True:\n        out.append((None, at + 1, doubt))", "if matched is False:\n        out.append((None, at + 1, doubt))",
          "a condition that nobody knows is met", by=ASKED),
    Fault(ROUTES, "if rules[n].number >= goto", "if rules[n].number > goto", "goto jumps too far", by=FILTERS),
    Fault(BGP, "down = peer.down or group.down", "down = peer.down", "a group that is shut down is up", by=ASKED),
    Fault(BGP, "on, span = peer.on.get(family) or group.on.get(family) or default",
          "on, span = peer.on.get(family) or default", "a family of a group is none of its members", by=ASKED),
    Fault(BGP, "self.ipv4_default = not line.no", "self.ipv4_default = True", "IPv4 is on everywhere", by=ASKED),
    Fault(BGP, 'strict = traditional if self.requires_policy is None else self.requires_policy',
          "strict = False", "no session asks for a filter", by=ASKED),
    Fault(BGP, 'if way in ("import", "both"):', 'if way in ("import",):', "both is not import", by=ASKED),
    Fault(BGP, 'if way in ("export", "both"):', 'if way in ("export",):', "both is not export", by=ASKED),
    Fault(BGP, "peer.on[family] = not line.no, line.span", "peer.on[family] = True, line.span",
          "what is taken from a neighbor is given to it", by=ASKED),
    Fault(CONF, "evpn = all_vni and block.vni is not None", "evpn = True",
          "a VRF without an L3VNI announces Type-5 routes", by=ASKED),
    Fault(CONF, 'self.traditional = words[2] != "datacenter"', "self.traditional = False",
          "the traditional profile is that of data centres", by=ASKED),
    Fault(CONF, "replace(leak, route_map=bgp.leak_maps.get(leak.family, (None,))[0])", "replace(leak, route_map=None)",
          "routes of other VRFs pass no map", by=ASKED),
    Fault(CONF, 'out = [*unknowns, NotKnown("interfaces", "forwarding", "", "", what, None)]', "out = [*unknowns]",
          "what the kernel knows is known", by=AGAIN),
    Fault(POLICY, "if alike and number not in alike:", "if False:", "an entry that one release takes and another does not counts",
          by=FILTERS),
    Fault(POLICY, "(number > min(alike) and number not in entries)", "number > min(alike)",
          "what may take the place of another entry is passed over", by=FILTERS),
    Fault(POLICY, "least, most = limits[\"ge\"], top", "least, most = 0, top", "ge is no shortest length", by=ASKED),
    Fault(POLICY, "block.permit, block.span = action == \"permit\", line.span", "block.permit, block.span = True, line.span",
          "every rule of a map permits", by=ASKED),
    Fault(POLICY, "if self.goto <= self.number:", "if False:", "a map may go back", by=BROKEN),
    Fault(LINES, "del file.blocks[1:]\n    file.unknown(line, UNREAD)", "del file.blocks[1:]\n    file.ignore(line, UNREAD)",
          "a line that nobody knows is not told as not known", by=LAW),
    Fault(LINES, "self.book.ignore(line.span.line, reason, any(w in SECRETS for w in line.words))",
          "self.book.ignore(line.span.line, reason)", "secrets are listed", by=LAW),
)  # fmt: skip
