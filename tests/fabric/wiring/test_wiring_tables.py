"""Tables of devices and cables: every kind by the smallest one, and what several say together."""
# ruff: noqa: E501 (one row, one line)

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from cloison.cli import main
from fabric.building.build import build
from fabric.building.inputs import input_files
from fabric.building.load import load, load_fabric
from fabric.diagnostics import Diagnostic, InputError
from fabric.wiring.clos import build_fabric
from fabric.wiring.topology import Fabric
from fabric.wiring.wiring_tables import ROWS, read_table

SITE = """
cloison: 1
name: x
sites:
  fra1:
    clos: none
    {more}
tenants: {{ red: {{ vrfs: {{ main: {{ prefixes: [10.1.0.0/16] }} }} }} }}
"""
DEVICES = """name,role,rack
sp1,Spine,r0
tor1,ToR,r1
tor2,Leaf Switch,R 1
bf1,DPU,r1
"""
CABLES = """from,from_port,to,to_port,speed
bf1,p0,tor1,swp1,200
bf1,p1,tor2,swp1,200 Gbps
tor1,swp9,sp1,swp1,
tor2:swp9,,sp1:swp2,,
"""
HOST = "nodes: { bf1: { role: dpu, host: gpu1 } }"


def site(folder: Path, *lines: str, **files: str) -> Path:
    for name, text in files.items():
        at = folder / name.replace("__", "/").replace("_csv", ".csv").replace("_json", ".json")
        at.parent.mkdir(exist_ok=True)
        at.write_text(text)
    path = folder / "site.yaml"
    path.write_text(SITE.format(more="\n    ".join(lines)))
    return path


def read(path: Path) -> tuple[Fabric, list[Diagnostic]]:
    spec, warnings = load(path)
    return build_fabric(spec), [w for w in warnings if w.code in ("C349", "C350", "C351", "C352")]


def links(fabric: Fabric) -> set[tuple[str, str, str, str, int]]:
    n = [node.name for node in fabric.nodes]
    return {(n[k.a], k.a_port, n[k.b], k.b_port, k.speed) for k in fabric.links if k.kind != "host"}


WHOLE = {
    ("bf1", "p0", "tor1", "swp1", 200),
    ("bf1", "p1", "tor2", "swp1", 200),
    ("tor1", "swp9", "sp1", "swp1", 400),
    ("tor2", "swp9", "sp1", "swp2", 400),
}


def test_devices_and_cables_in_csv(tmp_path: Path) -> None:
    path = site(tmp_path, "tables: [d.csv, c.csv]", HOST, d_csv=DEVICES, c_csv=CABLES)
    fabric, warnings = read(path)
    assert warnings == []
    assert {n.name: (n.role.value, n.rack) for n in fabric.nodes} == {
        "sp1": ("spine", "r0"), "tor1": ("leaf", "r1"), "tor2": ("leaf", "r-1"),
        "bf1": ("dpu", "r1"), "gpu1": ("host", "r1"),
    }  # fmt: skip
    assert links(fabric) == WHOLE


@pytest.mark.parametrize("comma", [";", "\t"])
def test_what_stands_between_cells(tmp_path: Path, comma: str) -> None:
    texts = {"d_csv": DEVICES.replace(",", comma), "c_csv": CABLES.replace(",", comma)}
    fabric, _ = read(site(tmp_path, "tables: [d.csv, c.csv]", HOST, **texts))
    assert links(fabric) == WHOLE


def netbox(folder: Path) -> dict[str, str]:
    """The same as the API of NetBox has it."""
    rows = [line.split(",") for line in DEVICES.splitlines()[1:]]
    devices = [
        {"name": n, "role": {"slug": r.lower().replace(" ", "-"), "name": r}, "site": {"slug": "fra1"},
         "rack": {"name": k}, "status": {"value": "active"}, "custom_fields": {"asn": 65000 if n == "sp1" else None}}
        for n, r, k in rows
    ]  # fmt: skip
    devices.append(
        {"name": "old", "role": {"slug": "leaf"}, "status": {"value": "decommissioning"}}
    )

    def end(device: str, port: str) -> list[Any]:
        return [
            {"object_type": "dcim.interface", "object": {"device": {"name": device}, "name": port}}
        ]

    cables = [
        {
            "a_terminations": end(b, bp),
            "b_terminations": end(a, ap),
            "status": {"value": "connected"},
        }
        for a, ap, b, bp, _ in sorted(WHOLE)
    ]
    power = [
        {"object_type": "dcim.powerport", "object": {"device": {"name": "sp1"}, "name": "PSU1"}}
    ]
    cables.append(
        {"a_terminations": power, "b_terminations": power, "status": {"value": "connected"}}
    )
    return {"d_json": json.dumps({"count": 5, "results": devices}), "c_json": json.dumps(cables)}


def test_what_netbox_s_api_answers(tmp_path: Path) -> None:
    path = site(
        tmp_path,
        "tables: [d.json, c.json]",
        HOST,
        "speeds: { host: 200, leaf: 400 }",
        **netbox(tmp_path),
    )
    fabric, warnings = read(path)
    assert links(fabric) == WHOLE
    assert [w.code for w in warnings] == ["C351"] and "1 planned or taken away" in warnings[
        0
    ].message
    plan = build(load_fabric(path), lock=False).plan
    assert plan.asn[fabric.node("sp1").index] == 65000


def heard(*rows: tuple[str, str, str], zero: bool = False) -> str:
    """What lldpctl says: port, neighbour, its port."""
    if zero:
        seen = [
            {"name": port, "chassis": [{"id": [{"type": "mac", "value": "aa"}], "name": [{"value": far}]}],
             "port": [{"id": [{"type": "ifname", "value": there}], "descr": [{"value": "x"}]}]}
            for port, far, there in rows
        ]  # fmt: skip
        return json.dumps({"lldp": [{"interface": seen}]})
    said = [
        {port: {"chassis": {far: {"id": {"type": "mac", "value": "aa"}}},
                "port": {"id": {"type": "ifname", "value": there}, "ttl": "120"}}}
        for port, far, there in rows
    ]  # fmt: skip
    return json.dumps({"lldp": {"interface": said if len(said) != 1 else said[0]}})


@pytest.mark.parametrize("zero", [False, True])
def test_what_neighbours_hear(tmp_path: Path, zero: bool) -> None:
    """A cable that both of its ends hear is one; names may have a domain."""
    texts = {
        "d_csv": DEVICES,
        "lldp__tor1_json": heard(
            ("swp1", "bf1", "p0"),
            ("swp9", "sp1.example.org", "swp1"),
            ("eth0", "oob", "7"),
            zero=zero,
        ),
        "lldp__tor2_json": heard(("swp1", "bf1", "p1"), ("swp9", "sp1", "swp2"), zero=zero),
        "lldp__sp1_json": heard(("swp1", "tor1.example.org", "swp9"), zero=zero),
    }
    fabric, warnings = read(site(tmp_path, "tables: [d.csv, lldp]", HOST, **texts))
    assert links(fabric) == WHOLE
    assert "1 cables to oob, which is no node here" in warnings[0].message


def test_a_server_with_the_ports_of_its_dpu(tmp_path: Path) -> None:
    devices = DEVICES.replace("bf1,DPU", "gpu1,GPU Server")
    path = site(
        tmp_path,
        "tables: [d.csv, c.csv]",
        'dpus: "{host}-bf3"',
        d_csv=devices,
        c_csv=CABLES.replace("bf1", "gpu1"),
    )
    fabric, warnings = read(path)
    assert warnings == [] and fabric.hosts == ("gpu1",)
    assert fabric.vtep_of("gpu1").name == "gpu1-bf3"
    assert links(fabric) == {("gpu1-bf3" if a == "bf1" else a, *more) for a, *more in WHOLE}
    written = site(
        tmp_path,
        'dpus: "{host}-bf3"',
        "nodes: { gpu1: { role: host }, t: { role: leaf } }",
        "cables: [gpu1:p0 -- t]",
    )
    assert links(read(written)[0]) == {("gpu1-bf3", "p0", "t", "swp1", 200)}


def test_the_file_wins_over_tables_and_the_first_over_the_second(tmp_path: Path) -> None:
    other = CABLES.replace("tor2:swp9,,sp1:swp2", "tor2:swp9,,sp1:swp3")
    path = site(
        tmp_path, "tables: [d.csv, c.csv, e.csv]",
        "nodes: { bf1: { role: dpu, host: gpu1 }, tor1: { role: leaf, rack: mine } }",
        'cables: ["bf1:p0 -- tor2:swp7"]', d_csv=DEVICES, c_csv=CABLES, e_csv=other,
    )  # fmt: skip
    fabric, warnings = read(path)
    assert fabric.node("tor1").rack == "mine"
    assert ("bf1", "p0", "tor2", "swp7", 200) in links(fabric)
    assert ("tor2", "swp9", "sp1", "swp2", 400) in links(fabric)
    said = sorted(w.message for w in warnings if w.code == "C352")
    assert len(said) == 4
    assert (
        f"here is tor2:swp9 -- sp1:swp3, and at {tmp_path}/c.csv:5:1 tor2:swp9 -- sp1:swp2" in said
    )
    assert any("tor1 has rack mine at" in text and "r1 here" in text for text in said)
    assert {Path(w.span.file).name for w in warnings if w.span} == {"d.csv", "c.csv", "e.csv"}


@pytest.mark.parametrize("two", [("Ряд 1", "Зал 1"), ("a/1", "a.1")])
def test_two_racks_are_not_one(tmp_path: Path, two: tuple[str, str]) -> None:
    """They would be tried together alone."""
    devices = DEVICES.replace(",r1\nbf1", f",{two[0]}\nbf1").replace(",r0\n", f",{two[1]}\n")
    devices = devices.replace("R 1", two[0])
    path = site(tmp_path, "tables: [d.csv, c.csv]", HOST, d_csv=devices, c_csv=CABLES)
    with pytest.raises(InputError, match="would be one with"):
        read(path)


def test_racks_of_two_locations_are_two(tmp_path: Path) -> None:
    """NetBox numbers racks by location: as one they would be tried together alone."""
    devices = "name,role,rack,location\nsp1,spine,1,Hall A\nsp2,spine,1,Hall B\ntor1,leaf,2,Hall A\nbf1,dpu,2,Hall A\n"
    files = {"d_csv": devices, "c_csv": "from,to\nbf1,tor1\ntor1,sp1\ntor1,sp2\n"}
    fabric, _ = read(site(tmp_path, "tables: [d.csv, c.csv]", HOST, **files))
    assert {n.name: n.rack for n in fabric.nodes if n.rack} == {
        "sp1": "hall-a-1", "sp2": "hall-b-1", "tor1": "2", "bf1": "2", "gpu1": "2",
    }  # fmt: skip
    apart = {"e_csv": "name,role,rack,location\nsp2,spine,1,Hall B\n"}
    one = devices.replace("sp2,spine,1,Hall B\n", "")
    path = site(tmp_path, "tables: [d.csv, e.csv, c.csv]", HOST, **files | {"d_csv": one}, **apart)
    with pytest.raises(InputError, match='rack "1" of Hall B would be one with that of Hall A'):
        read(path)


def test_a_table_of_another_site_is_told_or_refused(tmp_path: Path) -> None:
    """Devices of two other sites would be one site that nobody has."""
    devices = "name,role,site\nsp1,spine,ams1\ntor1,leaf,ams1\nbf1,dpu,ams1\n"
    files = {"c_csv": "from,to\nbf1,tor1\ntor1,sp1\n"}
    fabric, warnings = read(site(tmp_path, "tables: [d.csv, c.csv]", HOST, d_csv=devices, **files))
    assert "tor1" in {n.name for n in fabric.nodes}
    (told,) = warnings
    assert told.code == "C351" and 'd.csv is about site ams1: taken for "fra1"' in told.message
    more = devices + "far,leaf,lon1\n"
    path = site(tmp_path, "tables: [d.csv, c.csv]", HOST, d_csv=more, **files)
    with pytest.raises(InputError, match='is about sites ams1, lon1, and none is "fra1"'):
        read(path)


def test_a_role_of_the_file_wins_over_one_that_is_none(tmp_path: Path) -> None:
    """Its cables are ways, and its rack fails with it."""
    devices = DEVICES.replace("sp1,Spine,r0", "sp1,Distribution,r9")
    files = {"d_csv": devices, "c_csv": CABLES}
    own = HOST.replace("nodes: {", "nodes: { sp1: { role: spine },")
    fabric, warnings = read(site(tmp_path, "tables: [d.csv, c.csv]", own, **files))
    assert ("tor2", "swp9", "sp1", "swp2", 400) in links(fabric) and not warnings
    assert "rack-r9" in {group.name for group in fabric.risk_groups}
    passed = read(site(tmp_path, "tables: [d.csv, c.csv]", HOST, **files))[1]
    assert any("1 of role Distribution" in w.message for w in passed)


def test_devices_of_other_roles_and_sites_are_counted(tmp_path: Path) -> None:
    devices = "name,role,site\nsp1,spine,fra1\ntor1,leaf,FRA1\nbf1,dpu,fra1\npdu1,PDU,fra1\nfar,leaf,ams1\n"
    cables = "from,to\nbf1,tor1\ntor1,sp1\ntor1,pdu1\ntor1,typo\nfar,sp1\n"
    fabric, warnings = read(
        site(tmp_path, "tables: [d.csv, c.csv]", HOST, d_csv=devices, c_csv=cables)
    )
    assert {n.name for n in fabric.nodes} == {"sp1", "tor1", "bf1", "gpu1"}
    (told,) = warnings
    for part in (
        "1 cables to typo, which is no node here",
        "1 of role PDU",
        "1 of site ams1",
        "2 cables of devices",
    ):
        assert part in told.message


@pytest.mark.parametrize(("tables", "told"), [("[]", True), ("[d.csv]", False)])
def test_rows_of_a_site_that_does_not_name_their_table_are_counted(
    tables: str, told: bool, tmp_path: Path
) -> None:
    """Its rack would be no risk group, and nobody would know."""
    devices = "name,role,site,rack\nsp1,spine,fra1,\nfar,leaf,ams1,r9\n"
    path = site(tmp_path, "tables: [d.csv]", HOST, d_csv=devices)
    nodes = "{ far: { role: leaf } }"
    other = f"sites:\n  ams1: {{ clos: none, tables: {tables}, nodes: {nodes} }}\n"
    path.write_text(path.read_text().replace("sites:\n", other))
    fabric, warnings = read(path)
    assert any("1 of site ams1" in w.message for w in warnings) == told
    assert [group.name for group in fabric.risk_groups] == ([] if told else ["rack-r9"])


WRONG = {
    "it is empty": "",
    "its columns are colour, size": "colour,size\nred,1\n",
    "it is no CSV": 'name,role\n"sp1,spine\n',
    "it is no JSON": "{nothing",
    "neither a list of objects": '{"results": 5}',
    "neither devices nor cables": '[{"prefix": "10.0.0.0/8"}]',
    '"sp 1" cannot be its name': "name,role\nsp 1,spine\n",
    '"x" cannot be its asn': "name,role,asn\nsp1,spine,x\n",
    '"-1" cannot be its pod': "name,role,pod\nsp1,spine,-1\n",
}


@pytest.mark.parametrize("said", WRONG)
def test_what_is_no_table_is_told(tmp_path: Path, said: str) -> None:
    path = site(tmp_path, "tables: [t.csv]", HOST, t_csv=WRONG[said])
    with pytest.raises(InputError) as raised:
        load_fabric(path)
    wrong = next(d for d in raised.value.diagnostics if said in d.message)
    assert wrong.code == "C350" and wrong.span is not None and wrong.span.file.endswith("t.csv")


def test_a_table_that_is_not_there_or_lies_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="C350"):
        load_fabric(site(tmp_path, "tables: [none.csv]"))
    outside = tmp_path / "outside.csv"
    outside.write_text(DEVICES)
    (tmp_path / "in").mkdir()
    with pytest.raises(InputError, match="C112"):
        load_fabric(site(tmp_path / "in", "tables: [../outside.csv]"))


def test_a_table_of_too_many_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("name,role\n" + "a,leaf\n" * (ROWS + 1))
    with pytest.raises(InputError, match="more than"):
        read_table(path)


def test_tables_are_inputs(tmp_path: Path) -> None:
    path = site(tmp_path, "tables: [d.csv, c.csv]", HOST, d_csv=DEVICES, c_csv=CABLES)
    spec = load_fabric(path)
    assert {p.name for p in input_files(spec)} >= {"site.yaml", "d.csv", "c.csv"}
    proof = tmp_path / "proof.json"
    runner = CliRunner()
    assert runner.invoke(main, ["verify", str(path), "--certificate", str(proof)]).exit_code == 4
    assert any("c.csv" in str(item) for item in json.loads(proof.read_text())["inputs"])
    (tmp_path / "c.csv").write_text(CABLES.replace("swp2", "swp4"))
    done = runner.invoke(main, ["verify", str(path), "--check-certificate", str(proof)])
    assert done.exit_code == 1 and "c.csv" in done.output


def test_damaged_tables_are_errors_and_nothing_else(tmp_path: Path) -> None:
    """Every table with letters changed, cut or doubled: read, or refused."""
    texts = [
        DEVICES,
        CABLES,
        *netbox(tmp_path).values(),
        heard(("swp1", "bf1", "p0")),
        heard(("swp1", "bf1", "p0"), zero=True),
    ]
    rng = Random(7)
    for number in range(400):
        text = rng.choice(texts)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text) or 1)
            piece = rng.choice(
                ["", "\x00", '"', "{", "]", ",", "\n", "null", "é", "0" * 30, text[:9]]
            )
            text = text[:at] + piece + text[at + rng.randint(0, 3) :]
        path = site(tmp_path, "tables: [d.csv, t.json]", HOST, d_csv=DEVICES, t_json=text)
        try:
            load(path)
        except InputError as error:
            assert all(d.code for d in error.diagnostics), number


def test_a_file_that_extends_one_with_tables_has_its_tables(tmp_path: Path) -> None:
    """From another directory, in which files of the same names say something else."""
    (tmp_path / "base").mkdir()
    (tmp_path / "child").mkdir()
    site(tmp_path / "base", "tables: [d.csv, c.csv]", HOST, d_csv=DEVICES, c_csv=CABLES)
    (tmp_path / "child" / "c.csv").write_text("from,to\nbf1,sp1\n")
    child = tmp_path / "child" / "site.yaml"
    child.write_text("cloison: 1\nextends: ../base/site.yaml\nname: y\n")
    (tmp_path / ".git").mkdir()
    assert links(build_fabric(load_fabric(child))) == WHOLE
