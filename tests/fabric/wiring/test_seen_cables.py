"""Cables that several lists have are one each; what cannot be a name or a number is refused."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from clos_sites import irregular
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabric.building.load import load
from fabric.diagnostics import Diagnostic, InputError
from fabric.file.spec import FabricSpec
from fabric.wiring.clos import build_fabric
from fabric.wiring.seen_cables import SeenCables
from fabric.wiring.topology import Fabric

SITE = """
cloison: 1
name: x
sites:
  s:
    clos: none
    tables: [TABLES]
    nodes:
      sp: { role: spine }
      tor.lab: { role: leaf }
      bf: { role: dpu, host: gpu }
    MORE
tenants: { red: { vrfs: { main: { prefixes: [10.1.0.0/16] } } } }
"""
WHOLE = {
    "cloison": 1,
    "name": "x",
    "tenants": {"red": {"vrfs": {"main": {"prefixes": ["10.1.0.0/16"]}}}},
}
HEAD = "from,from_port,to,to_port,speed\n"


def read(folder: Path, *tables: str, more: str = "") -> tuple[Fabric, list[Diagnostic]]:
    names = [f"t{n}.csv" for n in range(len(tables))]
    for name, text in zip(names, tables, strict=True):
        (folder / name).write_text(text if text.startswith(("name", "[")) else HEAD + text)
    path = folder / "site.yaml"
    path.write_text(SITE.replace("TABLES", ", ".join(names)).replace("MORE", more))
    spec, warnings = load(path)
    return build_fabric(spec), [w for w in warnings if w.code in ("C351", "C352")]


def cabled(fabric: Fabric) -> list[str]:
    n = [node.name for node in fabric.nodes]
    return sorted(
        f"{n[k.a]}:{k.a_port} {n[k.b]}:{k.b_port}" for k in fabric.links if k.kind != "host"
    )


def at_either_end(fabric: Fabric) -> list[list[str]]:
    """The same where nothing says which end is the first."""
    return sorted(sorted(ends.split()) for ends in cabled(fabric))


ONE = ["bf:p0 tor.lab:1", "tor.lab:2 sp:9"]
LISTS = {
    "ports at one end each": ("bf,p0,tor,\ntor,2,sp,\n", "tor,1,bf,\nsp,9,tor,\n"),
    "no ports in one of them": ("bf,,tor,\ntor,,sp,\n", "bf,p0,tor,1\ntor,2,sp,9\n"),
    "no ports in the second": ("bf,p0,tor,1\ntor,2,sp,9\n", "tor,,bf,\nsp,,tor,\n"),
    "both ways in one list": ("bf,p0,tor,\ntor,2,sp,\ntor,1,bf,\nsp,9,tor,\n",),
    "a node by its whole name": ("bf,p0,tor.lab,1\n", "tor,2,sp.lab,9\nbf.lab,,tor,\n"),
}


@pytest.mark.parametrize("what", LISTS)
def test_what_several_lists_have_is_one_cable(what: str, tmp_path: Path) -> None:
    """A way too many would make lines hold without the only way that there is."""
    fabric, warnings = read(tmp_path, *LISTS[what])
    assert cabled(fabric) == ONE and warnings == []


def test_a_cable_of_the_file_gets_its_ports_from_a_table(tmp_path: Path) -> None:
    more = "cables: [bf -- tor.lab, { between: [tor.lab, sp], speed: 25 }]"
    fabric, warnings = read(tmp_path, "bf,p0,tor,1\nsp,9,tor,2\n", more=more)
    assert cabled(fabric) == ONE and warnings == []
    assert [k.speed for k in fabric.links if k.kind == "fabric"] == [200, 25]


def test_rows_of_one_list_are_cables_side_by_side(tmp_path: Path) -> None:
    fabric, _ = read(tmp_path, "bf,,tor,\nbf,,tor,\ntor,,sp,\n", "bf,p7,tor,7\n")
    assert len(fabric.links) == 4 and "bf:p7 tor.lab:7" in cabled(fabric)
    fabric, _ = read(tmp_path, "bf,p0,tor,\nbf,p1,tor,\n", "tor,1,bf,p1\ntor,2,bf,p0\n")
    assert cabled(fabric) == ["bf:p0 tor.lab:2", "bf:p1 tor.lab:1"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("bf,p0,tor,1\n", "bf,p0,tor,2\n"),
        ("bf,p0,tor,1\n", "bf,p0,sp,2\n"),
        ("bf,p0,tor,1\nbf,p1,tor,2\n", "bf,p0,tor,2\n"),
        ("bf,p0,tor,1,100\n", "bf,p0,tor,1,200\n"),
    ],
)
def test_who_says_otherwise_is_told_with_both_lines(
    first: str, second: str, tmp_path: Path
) -> None:
    fabric, (warning,) = read(tmp_path, first, second)
    assert warning.code == "C352" and "t0.csv:" in warning.message
    assert warning.span is not None and warning.span.file.endswith("t1.csv")
    assert cabled(fabric) == cabled(read(tmp_path, first)[0])


@given(st.integers(0, 2**16))
def test_whatever_lists_leave_out_there_is_no_cable_too_many(seed: int) -> None:
    """Lists of the same cables, ports left out at random, in any order of lists."""
    rng = Random(seed)
    real = [
        ((a, f"{a}{n}"), (b, f"{b}{n}"))
        for n, (a, b) in enumerate(rng.choice([*permutations("abc", 2)]) for _ in range(4))
    ]
    lists = []
    for source in range(rng.randint(1, 3)):
        rows = []
        for ends in real if source else [real[i] for i in sorted(rng.sample(range(4), 4))]:
            said = [(name, port if rng.random() < 0.5 else None) for name, port in ends]
            rows.append((said[0], said[1]) if rng.random() < 0.5 else (said[1], said[0]))
        lists.append(rows)
    seen, made = SeenCables(), []
    for source, rows in enumerate(lists):
        for ends in rows:
            cable, new = seen.listed(ends, None, None, source)
            made += [cable] * new
    pairs = sorted(sorted(name for name, _ in ends) for ends in real)
    if len({tuple(pair) for pair in pairs}) == len(pairs):
        assert sorted(sorted(name for name, _ in cable.ends) for cable in made) == pairs
    ports = [end for cable in made for end in cable.ends if end[1]]
    assert len(ports) == len({*ports})


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("../{host}", "names no DPU"),
        ("/tmp/{host}", "names no DPU"),
        ("{host}", "names no DPU"),
        ("{host}--x", "names no DPU"),
        ("a{host}\\u202e", "names no DPU"),
        ("sp-{host}", "cannot be called"),
        ("{host}-" + "x" * 60, "cannot be called"),
    ],
)
def test_dpus_have_names_of_nodes(form: str, why: str, tmp_path: Path) -> None:
    """Files are named after nodes: none leads out of the directory that was asked for."""
    devices = "name,role\nsrv-1,server\nsp-srv-1,leaf\n"
    with pytest.raises(InputError) as raised:
        read(tmp_path, devices, more=f"dpus: {json.dumps(form).replace('u005c', '')}")
    assert any(d.code == "C350" and why in d.message for d in raised.value.diagnostics)


def test_a_dpu_that_the_inventory_has_gets_its_host(tmp_path: Path) -> None:
    devices = "name,role,rack\nsrv-1,server,r1\nsrv-1-bf,dpu,r1\n"
    fabric, _ = read(
        tmp_path, devices, "srv-1,p0,tor,3\nsrv-1-bf,p1,tor,4\n", more='dpus: "{host}-bf"'
    )
    assert fabric.vtep_of("srv-1").name == "srv-1-bf"
    assert cabled(fabric) == ["srv-1-bf:p0 tor.lab:3", "srv-1-bf:p1 tor.lab:4"]


@pytest.mark.parametrize("speed", ["99999", "0", "-1", "25.5", "25000000", "fast"])
def test_a_speed_is_gbit_per_second(speed: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no speed"):
        read(tmp_path, f"bf,p0,tor,1,{speed}\n")


def test_rows_end_where_csv_says(tmp_path: Path) -> None:
    """Not within quotes, and not at every letter that Unicode calls the end of a line."""
    fabric, _ = read(tmp_path, 'name,role,rack\nq1,leaf,"row 1\u2028\x0brack 2"\nq2,spine,\n')
    assert fabric.node("q1").rack == "row-1-rack-2"
    with pytest.raises(InputError) as raised:
        read(tmp_path, 'name,role\n"q\n1",leaf\n"\u202eq2",leaf\n')
    assert [d.span.line for d in raised.value.diagnostics if d.span] == [2, 4]
    assert all("\u202e" not in d.message for d in raised.value.diagnostics)


def test_kinds_that_are_passed_over_are_told_in_short(tmp_path: Path) -> None:
    rows = "".join(f"x{n},kind {n}\n" for n in range(500))
    _, (warning,) = read(tmp_path, f"name,role\n{rows}")
    assert len(warning.message) < 400 and "492 of other kinds" in warning.message


def test_what_is_planned_is_no_way(tmp_path: Path) -> None:
    devices = "name,role,status\nq1,leaf,Active\nq2,leaf,planned\n"
    cables = "from,to,status\nbf,tor,connected\nbf,q1,Planned\nq1,sp,Decommissioning\n"
    (tmp_path / "t.csv").write_text(cables)
    fabric, (warning,) = read(tmp_path, devices, "name,role\nq3,leaf\n", more="cables: []")
    assert "q2" not in fabric.wiring.nodes and "1 planned" in warning.message
    (tmp_path / "t0.csv").write_text(cables)
    spec, warnings = load(tmp_path / "site.yaml")
    assert len([k for k in build_fabric(spec).links if k.kind != "host"]) == 1
    assert any("2 planned" in w.message for w in warnings)


def test_cables_with_other_ends_than_two_interfaces_are_counted(tmp_path: Path) -> None:
    """A breakout, and one to an outlet: neither is read as a cable to the first end."""

    def end(device: str, kind: str = "dcim.interface") -> dict[str, object]:
        return {"object_type": kind, "object": {"name": "1", "device": {"name": device}}}

    items = [
        {"a_terminations": [end("bf")], "b_terminations": [end("tor")]},
        {"a_terminations": [end("tor"), end("sp")], "b_terminations": [end("sp")]},
        {"a_terminations": [end("sp", "dcim.powerport")], "b_terminations": [end("tor")]},
    ]
    fabric, (warning,) = read(tmp_path, json.dumps(items))
    assert cabled(fabric) == ["bf:1 tor.lab:1"]
    assert "2 cables that are none between two interfaces" in warning.message


@pytest.mark.parametrize("word", ["Side {} type", "termination_{}_type"])
def test_cables_of_consoles_in_csv_are_no_ways(word: str, tmp_path: Path) -> None:
    head = ",".join(f"side_{e}_device,{word.format(e)},side_{e}_name" for e in "ab")
    rows = ("dcim.interface", "swp1"), ("", "swp2"), ("dcim.consoleport", "con0")
    text = "".join(f"tor.lab,{kind},{port},sp,dcim.interface,{port}\n" for kind, port in rows)
    (tmp_path / "more.csv").write_text(f"{head}\n{text}")
    read(tmp_path, more="")
    path = tmp_path / "site.yaml"
    path.write_text(path.read_text().replace("tables: []", "tables: [more.csv]"))
    spec, warnings = load(path)
    assert cabled(build_fabric(spec)) == ["tor.lab:swp1 sp:swp1", "tor.lab:swp2 sp:swp2"]
    assert any("1 cables that are none between" in w.message for w in warnings)


def test_a_neighbour_that_has_no_name_is_counted(tmp_path: Path) -> None:
    """Something is cabled to the port, and nobody knows what."""
    said = {"chassis": {"id": {"type": "mac", "value": "02:00:00:00:00:01"}}, "port": {}}
    (tmp_path / "tor.lab.json").write_text(json.dumps({"lldp": {"interface": {"swp1": said}}}))
    read(tmp_path, more="")
    path = tmp_path / "site.yaml"
    path.write_text(path.read_text().replace("tables: []", "tables: [tor.lab.json]"))
    told = [w.message for w in load(path)[1] if w.code == "C351"]
    assert ["1 cables to nobody" in text for text in told] == [True]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16))
def test_a_site_in_tables_is_the_one_that_is_written(seed: int) -> None:
    """Rows of two tables in any order, either way round, some of them at both ends."""
    rng, site = Random(seed), irregular(seed)
    there = build_fabric(FabricSpec.model_validate({**WHOLE, "sites": {"s": site}}))
    assume(there.hosts)
    rows = []
    for k in there.links:
        if k.kind != "host":
            ends = [(there.nodes[k.a].name, k.a_port), (there.nodes[k.b].name, k.b_port)]
            rng.shuffle(ends)
            rows += [ends, ends[::-1]] if rng.random() < 0.3 else [ends]
    rng.shuffle(rows)
    lines = ["{},{},{},{},".format(*one, *other) for one, other in rows]
    nodes = [f"{n},{v.role},{v.rack or ''},{v.host or ''}" for n, v in site.nodes.items()]
    half = len(lines) // 2
    with TemporaryDirectory() as name:
        tables = ["\n".join(["name,role,rack,host", *nodes])]
        tables += [HEAD + "\n".join(part) for part in (lines[:half], lines[half:])]
        for number, text in enumerate(tables):
            (Path(name) / f"t{number}.csv").write_text(text + "\n")
        at = {"clos": "none", "tables": ["t0.csv", "t1.csv", "t2.csv"]}
        path = Path(name) / "site.yaml"
        path.write_text(json.dumps({**WHOLE, "sites": {"s": at}}))
        spec, warnings = load(path)
    here = build_fabric(spec)
    assert not [w for w in warnings if w.code in ("C351", "C352")]
    assert here.nodes == there.nodes and here.risk_groups == there.risk_groups
    assert at_either_end(here) == at_either_end(there)


def test_a_table_that_two_sites_name_has_its_cables_once(tmp_path: Path) -> None:
    """One export of the whole inventory, each device at its site, without ports."""
    devices = "name,role,site,host\n" + "".join(
        f"{s}-top,spine,{s},\n{s}-tor,leaf,{s},\n{s}-bf,dpu,{s},{s}-gpu\n" for s in "ab"
    )
    cables = "from,to\n" + "".join(f"{s}-bf,{s}-tor\n{s}-tor,{s}-top\n" for s in "ab")
    (tmp_path / "d.csv").write_text(devices)
    (tmp_path / "c.csv").write_text(cables + "a-top,b-top\n")
    at = {"clos": "none", "tables": ["d.csv", "c.csv", "./c.csv"]}
    path = tmp_path / "site.yaml"
    path.write_text(json.dumps({**WHOLE, "sites": {"a": at, "b": at}}))
    fabric = build_fabric(load(path)[0])
    assert len(fabric.links) == 2 + 5 and {n.site for n in fabric.nodes} == {"a", "b"}
