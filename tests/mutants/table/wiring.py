"""Faults of wiring that is written down or read from tables: nodes, cables, racks, their pictures."""

from __future__ import annotations

from mutants.table import Fault

WRITTEN = "tests/fabric/test_written_wiring.py"
RACKS = "tests/fabric/test_racks.py"
TABLES = "tests/fabric/file/test_wiring_tables.py"
SEEN = "tests/fabric/file/test_seen_cables.py"
PICTURES = "tests/cloison/render/test_untangled.py"
FAULTS = (
    Fault(
        "fabric/written_wiring.py",
        "elif port is not None and (name, port) in used:",
        "elif False:",
        "two cables are at one port",
        by=WRITTEN,
    ),
    Fault(
        "fabric/written_wiring.py",
        'return sorted(cable.ends, key=lambda end: int(whole.nodes[end[0]]["rank"]))',
        "return [*cable.ends]",
        "the upper end of a cable is its lower one where it is written first",
        by=WRITTEN,
    ),
    Fault(
        "fabric/written_wiring.py",
        'kind = "dci" if tops and below["site"] != above["site"] else kind',
        'kind = "dci" if below["site"] != above["site"] else kind',
        "leaves of two sites are joined as their tops are",
        by=WRITTEN,
    ),
    Fault(
        "fabric/written_wiring.py",
        "speed=cable.speed or default, kind=kind",
        "speed=default, kind=kind",
        "what a cable says of its speed is not read",
        by=WRITTEN,
    ),
    Fault(
        "fabric/written_wiring.py",
        "if len(good) != 1 or len(others) != 1 or whole.degree(name) != 1:",
        "if len(good) != 1:",
        "a host may have cables past its DPU",
        by=WRITTEN,
    ),
    Fault(
        "fabric/written_wiring.py",
        'whole.add_node(node.host, role="host", rank=RANK[Role.HOST], **where)',
        'whole.add_node(node.host, role="host", rank=RANK[Role.HOST], **{**where, "pod": 0})',
        "the host of a DPU is in no pod",
        by=WRITTEN,
    ),
    Fault(
        "fabric/clos.py",
        'while known is None or (f"{end}_port" not in data and (node, known) in given):',
        "while known is None:",
        "the next free port may have a cable already",
        by=WRITTEN,
    ),
    Fault(
        "fabric/risk_groups.py",
        "fabric.vtep_of(n.name) if n.role is Role.HOST and fabric.vtep_role is Role.DPU else n",
        "n",
        "the DPU of a host in a rack stays up without the rack",
        by=RACKS,
    ),
    Fault(
        "fabric/risk_groups.py",
        "inside.setdefault((node.site, node.rack), []).append(node)",
        'inside.setdefault(("", node.rack), []).append(node)',
        "racks of one name in two sites fail together",
        by=RACKS,
    ),
    Fault(
        "fabric/risk_groups.py",
        "if kind or other != rack:",
        "if kind:",
        "two racks are one name, and the first of them is never tried",
        by=RACKS,
    ),
    Fault(
        "fabric/risk_groups.py",
        'kind = "node" if name in names.nodes else "link" if name in names.links else ""',
        'kind = ""',
        "a rack hides behind a node of its name",
        by=RACKS,
    ),
    Fault(
        "fabric/checks/written_nodes.py",
        'if data["kind"] != "host" and numbers[a] == numbers[b]:',
        "if False:",
        "that a cable inside an AS carries no routes is not told",
        by="tests/fabric/test_errors.py",
    ),
    Fault(
        "fabric/checks/written_nodes.py",
        "for name in tiers & site.nodes.keys():",
        "for name in ():",
        "a node shares its AS number with the tier of spines that is called as it",
        by="tests/fabric/test_errors.py",
    ),
    Fault(
        "fabric/file/seen_cables.py",
        "found = next((c for c in some if this not in c.lists and c.fits(ends)), None)",
        "found = None",
        "a cable that two lists have without ports is two",
        by=SEEN,
    ),
    Fault(
        "fabric/file/seen_cables.py",
        "this = source, ends[0][0]",
        'this = source, ""',
        "rows of both ends in one list are two cables",
        by=SEEN,
    ),
    Fault(
        "fabric/file/seen_cables.py",
        "known, agrees = held[0], held[0].fits(ends) and held[-1] is held[0]",
        "known, agrees = held[0], True",
        "a cable takes the port of another one",
        by=SEEN,
    ),
    Fault(
        "fabric/file/seen_cables.py",
        "one, other = ((mine[0], mine[1] or said[1]) for mine, said in pairs)",
        "one, other = ((mine[0], mine[1]) for mine, said in pairs)",
        "ports that one list leaves out are not those of another",
        by=SEEN,
    ),
    Fault(
        "fabric/file/joined_wiring.py",
        'if form.count(HOST) != 1 or not named_well(form.replace(HOST, "x")) or form == HOST:',
        "if form.count(HOST) != 1 or form == HOST:",
        "a DPU may be called ../x, and so may its files",
        by=SEEN,
    ),
    Fault(
        "fabric/file/joined_wiring.py",
        "into.nodes[row.name] = SiteNode.model_validate({**theirs, **mine})",
        "into.nodes[row.name] = SiteNode.model_validate({**mine, **theirs})",
        "a table wins over the file",
        by=TABLES,
    ),
    Fault(
        "fabric/file/joined_wiring.py",
        "if new:\n            yield cable\n        elif seen.contradicts(cable, ends):",
        "if new:\n            yield cable\n        elif False:",
        "that two sources contradict each other is not told",
        by=SEEN,
    ),
    Fault(
        "fabric/file/joined_wiring.py",
        "joined.seen += rows if (at := os.path.realpath(path)) not in once else ()",
        "joined.seen += rows if (at := os.path.realpath(path)) else ()",
        "cables of a table that two sites name are there twice",
        by=SEEN,
    ),
    Fault(
        "fabric/file/joined_wiring.py",
        'joined.passed["cables of devices that are passed over"] += 1',
        "pass",
        "cables are passed over without a word",
        by=TABLES,
    ),
    Fault(
        "fabric/file/wiring_tables.py",
        "if status is not None and status < len(row) and slug(row[status]) in GONE:",
        "if False:",
        "cables that are planned are ways",
        by=SEEN,
    ),
    Fault(
        "fabric/file/wiring_tables.py",
        'here = [item for item in items if slug(label(item.get("status"))) not in GONE]',
        "here = items",
        "what NetBox calls decommissioned stands there",
        by=TABLES,
    ),
    Fault(
        "fabric/file/wiring_tables.py",
        "if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):",
        "if not isinstance(found, list) or not found or not isinstance(found[0], dict):",
        "of a cable with several ends the first is taken",
        by=SEEN,
    ),
    Fault(
        "compiler/targets/port_names.py",
        "if not DEVICE.fullmatch(port) or TAKEN.fullmatch(port):",
        "if not DEVICE.fullmatch(port):",
        "a port is called lo",
        by="tests/compiler/targets/test_linux.py",
    ),
    Fault(
        "fabric/plan/addressing.py",
        "own = {n: node.loopback for n, node in written_by_name(spec) if node.loopback is not None}",
        "own = {}",
        "loopbacks that are written down are drawn",
        by=WRITTEN,
    ),
    Fault(
        "cloison/render/untangled.py",
        "if (now := length(at, cables)) < least - 1e-9:",
        "if (now := length(at, cables)) > least:",
        "rows are ordered so that cables get longer",
        by=PICTURES,
    ),
)
