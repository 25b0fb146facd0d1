"""VRFs, route targets and prefixes out of NetBox: as if they stood in the file."""

# ruff: noqa: E501 (one row, one line)

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloison.loading.how import How
from cloison.loading.loader import read_fabric
from fabric.building.build import build
from fabric.building.fingerprint import fingerprint
from fabric.building.load import examine, load, load_fabric
from fabric.diagnostics import Diagnostic
from fabric.wiring.joined_tenants import USE_OF

FILE = """cloison: 1
name: x
sites: {{ fra1: {{ tables: [netbox] }} }}
tenants:
  red: {{ hosts: [host1]{red} }}
  blue: {{ hosts: [host2]{blue} }}
"""
VRF = "Name,RD,Tenant,Unique,Import targets,Export targets,VNI\n"
PREFIX = "Prefix,Status,VRF,Tenant,Role\n"


def site(folder: Path, red: str = "", blue: str = "", **tables: str) -> Path:
    """A fabric file and its tables, by name."""
    (folder / "netbox").mkdir(exist_ok=True)
    for name, text in tables.items():
        (folder / "netbox" / name.replace("_", ".")).write_text(text)
    path = folder / "site.yaml"
    path.write_text(FILE.format(red=red and f", {red}", blue=blue and f", {blue}"))
    return path


def vrfs(*rows: str) -> str:
    """A table of VRFs."""
    return VRF + "\n".join(rows) + "\n"


def prefixes(*rows: str) -> str:
    """A table of prefixes."""
    return PREFIX + "\n".join(rows) + "\n"


BOTH = vrfs("main,1:1,Red,True,65000:1,65000:1,5001", "main,1:2,blue,True,,,")
BOTH_PREFIXES = prefixes("10.1.0.0/16,Active,main (1:1),,", "10.2.0.0/16,active,main (1:2),,")


def codes(found: Iterable[Diagnostic]) -> list[str]:
    return sorted(d.code for d in found)


def test_a_table_says_what_the_file_could_say(tmp_path: Path) -> None:
    path = site(
        tmp_path,
        tenants_csv="Name,Slug,Group\nRed GmbH,red,\n",
        vrfs_csv=vrfs(
            "Main,1:1,Red GmbH,True,65000:1 65000:7,65000:1,5001", "main,1:2,Blue,True,,,",
        ),
        prefixes_csv=prefixes(
            "10.1.0.0/16,Container,Main (1:1),Red GmbH,",
            "10.1.0.0/17,Active,Main (1:1),Red GmbH,Pods",
            "10.1.5.0/24,Active,Main (1:1),Red GmbH,Pods",
            "10.1.128.0/24,Active,Main (1:1),,Bare Metal",
            "fd00:1::/64,Active,Main (1:1),,GPU",
            "10.1.130.0/24,Active,Main (1:1),,Firewall",
            "10.2.0.0/16,,main (1:2),,",
            "10.3.0.0/16,Deprecated,main (1:2),,",
        ),
    )  # fmt: skip
    spec, warnings = load(path)
    red, blue = (spec.tenants[name].vrfs["main"] for name in ("red", "blue"))
    assert [(p.cidr, p.use) for p in red.prefixes if not isinstance(p, str)] == [
        ("10.1.0.0/17", "pods"), ("10.1.128.0/24", "nodes"), ("10.1.130.0/24", "pins"),
        ("fd00:1::/64", "nodes"),
    ]  # fmt: skip
    assert (red.vni, red.import_rts, red.export_rts) == (5001, ["65000:7"], [])
    assert spec.pins.rt == {"red/main": "65000:1"}
    assert [p.cidr for p in blue.prefixes if not isinstance(p, str)] == ["10.2.0.0/16"]
    (warning,) = [w for w in warnings if w.code == "C358"]
    for said in ("1 containers of prefixes", "1 prefixes inside another one", "1 prefixes that are "
                 "deprecated", "of role Firewall: only pins", "2 route distinguishers"):  # fmt: skip
        assert said in warning.message
    assert str(spec.at("tenants", "red", "vrfs", "main", "prefixes", 1)).endswith(
        "prefixes.csv:5:1"
    )
    assert str(spec.at("pins", "rt", "red/main")).endswith("vrfs.csv:2:1")


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_rows_build_the_network_that_the_same_lines_build(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Law: tables, as CSV or JSON, and the file are two ways to say one thing."""
    own = data.draw(st.lists(st.integers(1, 9), min_size=2, max_size=2, unique=True))
    raw = [data.draw(st.lists(st.integers(10, 14), max_size=2, unique=True)) for _ in range(4)]
    uses = [data.draw(st.sampled_from(["nodes", "pods"])) for _ in range(2)]
    lines, rows, ranges = [], [], []
    for n, name in enumerate(("red", "blue")):
        taken, given_ = ([f"65000:{t}" for t in raw[2 * n + k]] for k in (0, 1))
        lines.append(
            f"vrfs: {{main: {{vni: {5000 + n}, import_rts: {taken}, export_rts: {given_}, "
            f"prefixes: [{{cidr: 10.{n}.0.0/16, use: {uses[n]}}}, fd00:{n}::/48]}}}}"
        )
        target = f"65000:{own[n]}"
        order = data.draw(st.permutations([target, *taken])), data.draw(
            st.permutations([target, *given_]))  # fmt: skip
        rows.append((name, *order, str(5000 + n)))
        ranges += [(f"10.{n}.0.0/16", name, uses[n]), (f"fd00:{n}::/48", name, "")]
    pins = "".join(
        f"{name}/main: '65000:{t}', " for name, t in zip(("red", "blue"), own, strict=True)
    )
    folder = tmp_path_factory.mktemp("law")
    written = site(folder, *lines)
    written.write_text(f"{written.read_text()}pins: {{ rt: {{ {pins} }} }}\n".replace(
        "tables: [netbox]", ""))  # fmt: skip
    wanted = build(load_fabric(written), drawn="forgotten")
    table = vrfs(
        *(f'main,1:{r[3]},{r[0]},True,"{",".join(r[1])}",{" ".join(r[2])},{r[3]}' for r in rows)
    )
    at = {r[0]: r[3] for r in rows}
    some = prefixes(*(f"{p},Active,main (1:{at[v]}),,{u}" for p, v, u in ranges))
    (folder / "a").mkdir()
    by_rows = build(load_fabric(site(folder / "a", vrfs_csv=table, prefixes_csv=some)),
                    drawn="forgotten")  # fmt: skip
    (folder / "b").mkdir()
    objects = of_api(rows, ranges, at)
    by_objects = build(load_fabric(site(folder / "b", **objects)), drawn="forgotten")
    assert fingerprint(wanted) == fingerprint(by_rows) == fingerprint(by_objects)


def of_api(rows: Any, ranges: Any, at: dict[str, str]) -> dict[str, str]:
    """The same as the API of NetBox answers."""
    some = [
        {"id": n, "name": "main", "rd": f"1:{r[3]}", "tenant": {"name": r[0].title(), "slug": r[0]},
         "enforce_unique": True, "import_targets": [{"name": t} for t in r[1]],
         "export_targets": [{"name": t} for t in r[2]], "custom_fields": {"vni": int(r[3])}}
        for n, r in enumerate(rows)
    ]  # fmt: skip
    more = [
        {"prefix": p, "vrf": {"name": "main", "rd": f"1:{at[v]}"}, "tenant": None,
         "status": {"value": "active", "label": "Active"},
         "role": {"name": u.title(), "slug": u} if u else None, "is_pool": False}
        for p, v, u in ranges
    ]  # fmt: skip
    page = {"count": len(some), "next": None, "results": some}
    return {"vrfs_json": json.dumps(page), "prefixes_json": json.dumps(more)}


@pytest.mark.parametrize(
    ("red", "what"),
    [
        ("vrfs: { main: { vni: 5009 } }", "vni of red/main: 5001 here, and 5009"),
        ("vrfs: { main: { import_rts: ['65000:8'] } }", "import_rts of red/main: none here"),
        ("vrfs: { main: { prefixes: [10.7.0.0/16] } }", "10.1.0.0/16 here, and 10.7.0.0/16"),
        ("vrfs: { main: { prefixes: [10.1.0.0/17] } }", "10.1.0.0/16 here, and 10.1.0.0/17"),
        ("vrfs: { main: { prefixes: [10.1.0.0/16, 10.7.0.0/16] } }", "none around it here"),
    ],
)
def test_what_the_file_says_wins_and_the_difference_is_a_finding(
    tmp_path: Path, red: str, what: str
) -> None:
    path = site(tmp_path, red, vrfs_csv=BOTH, prefixes_csv=BOTH_PREFIXES)
    found = read_fabric(path, How(drawn="forgotten"))
    assert not found.errors and found.network is not None
    told = [str(d) for d in found.network.findings if d.code == "C357"]
    assert any(what in text and "site.yaml:5:" in text and ".csv:" in text for text in told), told
    key, value = ("vni", 5009) if "vni" in red else ("import_rts", ["65000:8"])
    if key in red:
        assert getattr(found.network.spec.tenants["red"].vrfs["main"], key) == value


def test_where_both_say_the_same_nothing_is_found(tmp_path: Path) -> None:
    red = "vrfs: { main: { vni: 5001, prefixes: [10.1.0.0/16] } }"
    path = site(tmp_path, red, vrfs_csv=BOTH, prefixes_csv=BOTH_PREFIXES)
    found = read_fabric(path, How(drawn="forgotten"))
    assert found.network is not None and not found.network.findings


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (["main,,red,True,65000:1,65000:2,"], "imports none of the route targets"),
        (["main,,red,True,nonsense,,"], "is no route target"),
        (["main,,red,True,,,99999999"], "is no VNI"),
        (["a b,,red,True,,,", "a-b,,red,True,,,"], "would both be a-b"),
    ],
)
def test_what_no_vrf_of_a_file_can_be_is_a_mistake(
    tmp_path: Path, rows: list[str], what: str
) -> None:
    _, found = examine(site(tmp_path, vrfs_csv=vrfs(*rows)))
    assert any(d.code == "C356" and what in d.message for d in found.errors), found.items


def test_a_vrf_that_learns_nothing_of_itself_may_be_meant_by_the_file(tmp_path: Path) -> None:
    rows = vrfs("main,,red,True,65000:1,65000:2,", "main2,,blue,True,,,")
    red = "vrfs: { main: { import_rts: ['65000:1'], export_rts: ['65000:2'] } }"
    ranges = prefixes("10.1.0.0/16,active,main,,", "10.2.0.0/16,active,main2,,")
    _, found = examine(site(tmp_path, red, vrfs_csv=rows, prefixes_csv=ranges))
    assert "C356" not in codes(found.errors)


def test_a_route_target_of_several_vrfs_is_nobodys_own(tmp_path: Path) -> None:
    rows = vrfs("main,1:1,red,True,65000:1,65000:1,", "main,1:2,blue,True,65000:1,65000:1,")
    spec = load_fabric(site(tmp_path, vrfs_csv=rows, prefixes_csv=BOTH_PREFIXES))
    assert spec.pins.rt == {}
    for name in ("red", "blue"):
        vrf = spec.tenants[name].vrfs["main"]
        assert vrf.import_rts == vrf.export_rts == ["65000:1"]
    network = build(spec, drawn="forgotten")
    assert {d.code for d in network.findings} == {"C510"}


def test_one_name_of_two_vrfs_is_told_apart_or_refused(tmp_path: Path) -> None:
    by_tenant = prefixes("10.1.0.0/16,active,main,Red,", "10.2.0.0/16,active,main,blue,")
    spec = load_fabric(site(tmp_path, vrfs_csv=BOTH, prefixes_csv=by_tenant))
    assert all(len(spec.tenants[name].vrfs["main"].prefixes) == 1 for name in ("red", "blue"))
    bare = prefixes("10.1.0.0/16,active,main,,")
    _, found = examine(site(tmp_path, vrfs_csv=BOTH, prefixes_csv=bare))
    assert "there are several" in str(found.errors[0])


def test_what_is_of_nobody_here_is_counted(tmp_path: Path) -> None:
    path = site(
        tmp_path,
        vrfs_csv=BOTH + "office,,Corp,True,,,\nlost,,,True,,,\n",
        prefixes_csv=BOTH_PREFIXES + "10.9.0.0/16,active,none,,\n10.8.0.0/16,active,Global,,\n",
        addresses_csv="address,vrf,status\n10.1.0.1/24,main,active\n",
        vlans_csv="vid,name,site\n7,x,\n8,y,\n",
        targets_csv="ID,Name,Tenant\n1,65000:1,\n",
        aggregates_json='[{"prefix": "10.0.0.0/8", "rir": {"name": "x"}}]',
    )
    spec, warnings = load(path)
    (warning,) = [w for w in warnings if w.code == "C358"]
    for said in ("1 addresses", "2 VLANs", "1 aggregates", "1 route targets by themselves",
                 "1 VRFs of tenants that the file does not name (Corp)", "1 VRFs of no tenant",
                 "1 prefixes of VRFs that no table has", "1 prefixes of no VRF"):  # fmt: skip
        assert said in warning.message, warning.message
    assert {*spec.tenants} == {"red", "blue"}


def test_two_rows_about_one_vrf_that_differ_are_a_finding(tmp_path: Path) -> None:
    again = "main,1:1,Red,True,65000:1 65000:9,65000:1,5001\n"
    path = site(tmp_path, vrfs_csv=BOTH + again, prefixes_csv=BOTH_PREFIXES)
    found = read_fabric(path, How(drawn="forgotten"))
    assert found.network is not None
    (told,) = [str(d) for d in found.network.findings]
    assert "imports of VRF main: 65000:1, 65000:9 here, and 65000:1 at" in told


@pytest.mark.parametrize(("taken", "given_"), [("65000:1", ""), ("", "65000:5")])
def test_routes_that_others_share_with_a_vrf_of_the_file_are_a_finding(
    tmp_path: Path, taken: str, given_: str
) -> None:
    rows = vrfs("main,1:1,Red,True,65000:1 65000:5,65000:1,", "main,1:2,blue,True,,,",
                f"office,1:3,Corp,True,{taken},{given_},", "free,1:4,Corp,True,9:9,9:9,")  # fmt: skip
    path = site(tmp_path, vrfs_csv=rows, prefixes_csv=BOTH_PREFIXES)
    found = read_fabric(path, How(drawn="forgotten"))
    assert found.network is not None
    (told,) = [str(d) for d in found.network.findings if d.code == "C359"]
    assert "VRF office of Corp" in told and "red/main" in told and (taken or given_) in told


def test_words_for_roles_are_slugs() -> None:
    assert all(word == word.lower().replace(" ", "-") for word in USE_OF)
    assert ip_network("10.0.0.0/8")
