"""Faults of VRFs, route targets and prefixes that tables list."""

from __future__ import annotations

from mutants.table import Fault

ROWS = "fabric/wiring/tenant_tables.py"
JOINED = "fabric/wiring/joined_tenants.py"
LISTED = "compiler/imports/joined/listed_vrfs.py"
OF_ROWS = "tests/fabric/wiring/test_joined_tenants.py::"
OF_LISTED = "tests/compiler/imports/joined/test_listed_vrfs.py::"

FAULTS = (
    Fault(
        JOINED,
        "own = next((t for t in vrf.targets if both[t] == 1 and t not in raw), None)",
        "own = next((t for t in vrf.targets if t not in raw), None)",
        "VRFs that share a route target are each pinned to it as if it were their own",
        by=OF_ROWS + "test_a_route_target_of_several_vrfs_is_nobodys_own",
    ),
    Fault(
        JOINED,
        "elif not (vrf.targets or raw) and (vrf.row.imports or vrf.row.exports):",
        "elif False:",
        "hosts of a VRF that learns nothing of itself reach each other",
        by=OF_ROWS + "test_what_no_vrf_of_a_file_can_be_is_a_mistake",
    ),
    Fault(
        JOINED,
        "if slug(row.status) not in (*ACTIVE, CONTAINER):",
        "if not slug(row.status):",
        "deprecated prefixes are a VRF's",
        by=OF_ROWS + "test_a_table_says_what_the_file_could_say",
    ),
    Fault(
        JOINED,
        'homes = [v for v in named.get(row.vrf, []) if v.row.rd in ("", row.rd) or not row.rd]',
        "homes = named.get(row.vrf, [])[:1]",
        "a prefix is of the first VRF of that name",
        by=OF_ROWS + "test_one_name_of_two_vrfs_is_told_apart_or_refused",
    ),
    Fault(
        JOINED,
        "other = said.pop(key)",
        "other = said[key]",
        "what a table says of a VRF wins over the file",
        by=OF_ROWS + "test_what_the_file_says_wins_and_the_difference_is_a_finding",
    ),
    Fault(
        JOINED,
        "self.meeting(strange, seen)",
        "pass",
        "nobody hears that a VRF of somebody else imports routes of the file's",
        by=OF_ROWS + "test_routes_that_others_share_with_a_vrf_of_the_file_are_a_finding",
    ),
    Fault(
        JOINED,
        'use = USE_OF.get(slug(row.role), "pins" if row.role else "pods")',
        'use = USE_OF.get(slug(row.role), "pods")',
        "pods get addresses of a prefix for firewalls",
        by=OF_ROWS + "test_a_table_says_what_the_file_could_say",
    ),
    Fault(
        ROWS,
        '"imports": " ".join(_names(item.get("import_targets"))),',
        '"imports": " ".join(_names(item.get("export_targets"))),',
        "what a VRF of NetBox's API imports is what it exports",
        by=OF_ROWS + "test_rows_build_the_network_that_the_same_lines_build",
    ),
    Fault(
        "cloison/loading/loader.py",
        "conflicts = made.spec._conflicts if made.spec else ()",
        "conflicts: tuple[Diagnostic, ...] = ()",
        "a table that says otherwise than the file is no finding",
        by=OF_ROWS + "test_what_the_file_says_wins_and_the_difference_is_a_finding",
    ),
    Fault(
        LISTED,
        "if row.exports and given and {*given} != {*row.exports}:",
        "if row.exports and given and not {*given} & {*row.exports}:",
        "a device that announces a route target more than its row is said to agree",
        by=OF_LISTED + "test_what_differs_is_a_finding_with_both_lines",
    ),
    Fault(
        LISTED,
        "return known and definite <= numbers.keys() and auto <= {*numbers.values()}",
        "return known and auto <= {*numbers.values()}",
        "a device that imports a route target more than its row is said to agree",
        by=OF_LISTED + "test_auto_is_any_route_target_with_the_vni",
    ),
    Fault(
        LISTED,
        "if not network.is_link_local and not listed.has(network):",
        "if False:",
        "networks that no listed prefix holds are said to agree",
        by=OF_LISTED + "test_what_differs_is_a_finding_with_both_lines",
    ),
)
