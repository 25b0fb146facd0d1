"""Faults of one world from several sources: what makes an answer rest on what nobody gave."""

from mutants.table import Fault

JOINED = "compiler/imports/joined/"
TESTS = "tests/compiler/imports/joined/test_joined_worlds.py::"
TEXTS = "tests/fabric/test_errors.py::test_exact_text"
TAKEN = TESTS + "test_what_is_taken_away_makes_unknown_and_nothing_else"
SURE = TESTS + "test_a_session_of_which_not_all_is_sure_is_unknown"
FILTER = TESTS + "test_a_filter_that_may_hold_back_a_vtep_is_unknown"
LISTS = TESTS + "test_lists_at_an_interface_are_about_everybody_behind_it"
ALONE = TESTS + "test_tables_that_are_one_vrf_say_what_each_alone_says"
LINES = "tests/sim/proof/test_current_lines.py::"
DOUBTS = "tests/compiler/imports/joined/test_joined_doubts.py::"
LOOP = DOUBTS + "test_a_loop_that_may_be_let_pass_denies_nothing"
WAY = DOUBTS + "test_a_way_that_may_not_be_there_permits_nothing"
UNREAD = "tests/compiler/imports/joined/test_unread_files.py::"
FOLDER = (
    "tests/compiler/imports/test_config_folder.py"
    "::test_a_long_comment_and_a_deep_folder_hide_nothing"
)
FOUND = TESTS + "test_each_fault_of_the_site_is_found_and_nothing_else"

FAULTS = (
    Fault(
        JOINED + "known_ways.py",
        "unknown = (far[:, None] + far <= lengths) | ((lengths < 0) & (far < FAR))",
        "unknown = far[:, None] + far <= lengths",
        "who is not reached over what is given counts as not reached, wherever a cable is missing",
        by=TAKEN,
    ),
    Fault(
        JOINED + "known_ways.py",
        "unknown = (far[:, None] + far <= lengths) | ((lengths < 0) & (far < FAR))",
        "unknown = (lengths < 0) & (far < FAR)",
        "a way over a switch of which nobody knows what it does is a way",
        by=TESTS + "test_a_switch_without_configuration_is_unknown_until_the_file_says_transit",
    ),
    Fault(
        JOINED + "known_ways.py",
        "flooded(fabric, near, {n: why_[n] for n in sorted(begin)}, silent)",
        "flooded(fabric, near, {n: why_[n] for n in sorted(begin)}, {})",
        "a DPU whose configuration is not given announces nothing",
        by=TESTS + "test_a_dpu_without_configuration_may_announce_anything",
    ),
    Fault(
        JOINED + "peer_sessions.py",
        "            for end in (node, way.node):",
        "            for end in (node,):",
        "a session of which not all is sure is only one end's doubt",
        by=SURE,
    ),
    Fault(
        JOINED + "peer_sessions.py",
        "        if v4 is None or evpn is None:",
        "        if v4 is None:",
        "a session without EVPN carries EVPN routes",
        by=SURE,
    ),
    Fault(
        JOINED + "peer_sessions.py",
        '        if session.remote_as == "internal" or session.remote_as == str(device.asn):',
        "        if False:",
        "an internal session hands on what an external one does",
        by=SURE,
    ),
    Fault(
        JOINED + "peer_sessions.py",
        "        if own and not announces_itself(device, v4.outbound):",
        "        if False:",
        "a VTEP that nobody announces is reached",
        by=SURE,
    ),
    Fault(
        JOINED + "peer_sessions.py",
        "        if not own and not self.all_pass(device, v4.outbound):",
        "        if False:",
        "a switch that holds back the address of a VTEP hands it on",
        by=FILTER,
    ),
    Fault(
        JOINED + "peer_sessions.py",
        "        if back is None:",
        "        if False:",
        "a session that the other end does not have is there",
        by=TESTS + "test_a_session_that_the_other_end_lacks_carries_nothing",
    ),
    Fault(
        JOINED + "peer_sessions.py",
        "        elif (wrong := other_as(session, back, device, far)) is not None:",
        "        elif (wrong := None) is not None:",
        "a session comes up whose AS numbers do not fit",
        by=TEXTS,
    ),
    Fault(
        JOINED + "session_doubts.py",
        "        if setting.kind not in BOTH_ENDS and setting.kind not in COVERS:",
        "        if False:",
        "a loop is dropped that a device lets pass",
        by=LOOP,
    ),
    Fault(
        JOINED + "session_doubts.py",
        "        if found is not None and None in asked:",
        "        if False:",
        "a session comes up of which one end alone wants a password",
        by=WAY,
    ),
    Fault(
        JOINED + "session_doubts.py",
        "        if at is not None and at.vrf != DEFAULT_VRF:",
        "        if False:",
        "a session comes up over an interface of another VRF",
        by=WAY,
    ),
    Fault(
        JOINED + "session_doubts.py",
        "    if here.passive and there.passive:",
        "    if False:",
        "two ends that both wait find each other",
        by=WAY,
    ),
    Fault(
        JOINED + "session_doubts.py",
        "    if here.unnumbered != there.unnumbered:",
        "    if False:",
        "an end that knows an address is one that knows an interface",
        by=WAY,
    ),
    Fault(
        JOINED + "session_doubts.py",
        '            if one.kind not in HARMLESS and words[:1] != ["rt"]:',
        "            if False:",
        "maps that change paths change none",
        by=WAY,
    ),
    Fault(
        JOINED + "session_doubts.py",
        "            if lists and verdict_of(device, interface, way, packet, True).verdict",
        "            if False and verdict_of(device, interface, way, packet, True).verdict",
        "a list about the device itself keeps out no session",
        by=WAY,
    ),
    Fault(
        JOINED + "session_doubts.py",
        "        if session.vrf == DEFAULT_VRF:\n            name = session.peer if",
        "        if session.unnumbered:\n            name = session.peer if",
        "no list is asked at the interface of a session by address",
        by=WAY,
    ),
    Fault(
        JOINED + "peer_sessions.py",
        "    if setting_of(session, OTHER_AS) or setting_of(back, OTHER_AS):",
        "    if False:",
        "a device has its own AS number also where a session gives it another one",
        by=DOUBTS + "test_a_number_of_one_session_is_no_mistake_of_the_other_end",
    ),
    Fault(
        JOINED + "session_doubts.py",
        "    if session.remote_as is None:",
        "    if False:",
        "a session comes up that says no AS number",
        by=WAY,
    ),
    Fault(
        JOINED + "session_doubts.py",
        "    if mine.device.router_id is not None and mine.device.router_id == far.device.router_id:",
        "    if False:",
        "a router finds itself",
        by=WAY,
    ),
    Fault(
        "compiler/imports/nvue_vrfs.py",
        "(replace(f, on=f.on and f.name not in off) for f in session.families)",
        "session.families",
        "a family that is off in a VRF is one of its sessions",
        by=WAY,
    ),
    Fault(
        "compiler/imports/nvue_vrfs.py",
        "    for key, odd in UNFOLLOWED.items():",
        "    for key, odd in ():",
        "paths are compared by length where a device does not, and its sessions are those it names",
        by=WAY,
    ),
    Fault(
        "compiler/imports/nvue_vrfs.py",
        '    if router.has("rib") and "fib-filter" in str(router.value["rib"]):',
        "    if False:",
        "what a filter keeps out of the routing table is in it",
        by=WAY,
    ),
    Fault(
        "compiler/imports/nvue_vrfs.py",
        "        if there != vrf:",
        "        if False:",
        "a static route into another VRF leads nowhere",
        by=DOUBTS + "test_a_static_route_that_nobody_follows_denies_nothing",
    ),
    Fault(
        JOINED + "joined_doubts.py",
        "    for one in (*device.unknowns, *statics_not_followed(device)):",
        "    for one in device.unknowns:",
        "a static route whose next hop is nobody's leads nowhere",
        by=DOUBTS + "test_a_static_route_that_nobody_follows_denies_nothing",
    ),
    Fault(
        "compiler/imports/announcements.py",
        '    if by.route_map in (None, "none"):',
        "    if True:",
        "the map of a redistribution lets everything pass",
        by=DOUBTS + "test_a_map_of_a_redistribution_decides",
    ),
    Fault(
        "compiler/imports/nvue.py",
        "            own = spoken.asn or asn",
        "            own = asn",
        "the AS number of the global table is the device's, whatever it says",
        by=DOUBTS + "test_the_number_of_the_global_table_counts",
    ),
    Fault(
        JOINED + "covered_vteps.py",
        "                if prefix.prefixlen < vtep.max_prefixlen:",
        "                if True:",
        "a static route to a VTEP counts less than BGP's",
        by=WAY,
    ),
    Fault(
        JOINED + "covered_vteps.py",
        "        for why, span in announced_besides(device):",
        "        for why, span in ():",
        "a default route that neighbours are told leads nowhere",
        by=LOOP,
    ),
    Fault(
        JOINED + "covered_vteps.py",
        "        for number in some[1:]:",
        "        for number in ():",
        "a VTEP's address that two devices have is one of them's",
        by=DOUBTS + "test_an_address_that_two_devices_have_is_a_finding",
    ),
    Fault(
        JOINED + "known_ways.py",
        "    lost = shortened(places, near) | unsure | covered.lost",
        "    lost = shortened(places, near) | covered.lost",
        "a DPU of which not all is known that decides about its tunnels is reached",
        by=WAY,
    ),
    Fault(
        JOINED + "known_ways.py",
        "    exit_, why_ = distances(fabric, near, shorter | begin)",
        "    exit_, why_ = distances(fabric, near, begin)",
        "without a route to a VTEP no shorter one is taken",
        by=LOOP,
    ),
    Fault(
        JOINED + "known_ways.py",
        "            for node in nodes[(other != lengths).any(axis=1)]:",
        "            for node in nodes[:0]:",
        "who is reached depends on AS numbers that nobody said",
        by=DOUBTS + "test_nothing_rests_on_numbers_that_nobody_said",
    ),
    Fault(
        JOINED + "device_places.py",
        "if said.asn is not None and device.asn is not None and said.asn != device.asn:",
        "if False:",
        "an inventory with another AS number than the device has is not told",
        by=TEXTS,
    ),
    Fault(
        JOINED + "unread_files.py",
        "unknowns=(*device.unknowns, *not_read(files))",
        "unknowns=device.unknowns",
        "a file of a device that is not read holds no rules",
        by=UNREAD + "test_what_may_hold_more_rules_of_a_device_makes_it_unknown",
    ),
    Fault(
        JOINED + "device_places.py",
        "if fabric.nodes[n].name not in silent}",
        "if True}",
        "a device whose configuration is there and not read hands on everything",
        by=UNREAD + "test_a_device_with_a_file_is_not_in_transit",
    ),
    Fault(
        "compiler/imports/config_folder.py",
        "    head = beginning(text)",
        "    head = text[:HEAD]",
        "a configuration behind a long comment is none",
        by=FOLDER,
    ),
    Fault(
        "compiler/imports/config_folder.py",
        '            elif not name.startswith("."):',
        '            elif here == folder and not name.startswith("."):',
        "what lies deep in a device's folder is not there",
        by=FOLDER,
    ),
    Fault(
        JOINED + "same_tables.py",
        "    return vrf.name, vrf.vni, frozenset(said(device, vrf)), wanted",
        "    return vrf.name, vrf.vni, frozenset(said(device, vrf))",
        "a device that imports another VPC's routes is one table with those that do not",
        by=ALONE,
    ),
    Fault(
        JOINED + "cluster_ends.py",
        "self.lost.setdefault((device, host), []).append((name, text, pod.span))",
        "pass",
        "a pod to which nothing on its DPU leads is not told",
        by=FOUND,
    ),
    Fault(
        JOINED + "cluster_ends.py",
        "            other = self.owner.setdefault((vrf, prefix), name)",
        "            other = name",
        "two pods have one address",
        by=TEXTS,
    ),
    Fault(
        JOINED + "joined_lists.py",
        '            names = behind[number, f"{end.name}@{end.vrf}"]',
        "            names = set()",
        "lists of a DPU say nothing about nodes and pods behind it",
        by=LISTS,
    ),
    Fault(
        JOINED + "joined_lists.py",
        "        if any(decides(rule, local) for rule in mine):",
        "        if False:",
        "lists of a DPU decide about what a host keeps to itself",
        by=LISTS,
    ),
    Fault(
        JOINED + "joined_site.py",
        "        if speaks and node in site.ways.hears:",
        "        if False:",
        "what nobody gave announces nothing, so that no route there is a denial",
        by=TESTS + "test_a_dpu_without_configuration_may_announce_anything",
    ),
    Fault(
        "cloison/loading/joined_world.py",
        "    policy = made.policy + together(network, wanted)",
        "    policy = made.policy",
        "policies of clusters are not asked",
        by=TESTS + "test_policies_of_a_cluster_are_asked_too",
    ),
    Fault(
        "cloison/loading/joined_world.py",
        "for w in warnings if w.code == CONFLICT)",
        "for w in warnings if False)",
        "cables that two sources say otherwise are not told",
        by=FOUND,
    ),
    Fault(
        "sim/proof/sorted_keys.py",
        "at = np.searchsorted(some, values).clip(max=len(some) - 1)",
        "at = np.searchsorted(some, values).clip(max=len(some) - 2)",
        "the last pair of an expectation is not looked at",
        by="tests/sim/proof/test_expect.py",
    ),
    Fault(
        "sim/proof/current_lines.py",
        "        if claim is None or not check_claim(self.reach, claim, keys=self.keys).holds:",
        "        if claim is None:",
        "a line is written that does not hold",
        by=LINES + "test_every_line_holds_as_a_line_of_the_file",
    ),
    Fault(
        "sim/proof/current_lines.py",
        "        elif self.doubted(claim):",
        "        elif False:",
        "a line is written of what is not evaluated",
        by=LINES + "test_what_is_not_evaluated_leaves_no_line",
    ),
    Fault(
        "sim/proof/current_lines.py",
        "            if there and not groups.met[a, b] and not groups.met[b, a]:",
        "            if there and not groups.met[a, b] and not groups.met[b, a] and a % 2:",
        "of some who meet nobody no line says it",
        by=LINES + "test_whoever_meets_nobody_is_denied_by_a_line",
    ),
    Fault(
        "cloison/views/lines_to_keep.py",
        "    if found.crossing or partly:",
        "    if False:",
        "tenants that meet are not what is read first",
        by=LINES + "test_tenants_that_meet_are_read_first",
    ),
)
