"""Loading: places survive expansion, patches and unions; warnings do not stop."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from fabric.building.load import load, load_fabric
from fabric.diagnostics import InputError

RANGES = """\
cloison: 1
name: x
sites: { s: {} }
tenants:
  t{08..10}:
    hosts: ["host{n}", host1]
    vrfs:
      main:
        prefixes:
          - 10.0.0.0/16
          - { cidr: 100.64.0.0/24, use: nodes }
  other: { vrfs: { main: { prefixes: [10.0.0.0/16] } } }
"""


def test_ranges_become_tenants_with_the_place_of_their_template() -> None:
    spec, _ = load("f.yaml", RANGES.replace('"host{n}", ', ""))
    assert list(spec.tenants) == ["t08", "t09", "t10", "other"]
    for tenant in ("t08", "t10"):
        place = ("tenants", tenant, "vrfs", "main", "prefixes")
        assert str(spec.at(*place, 1)) == "f.yaml:11:13"
        assert str(spec.at(*place, 1, "cidr")) == "f.yaml:11:21"
        assert str(spec.at_key("tenants", tenant)) == "f.yaml:5:3"
    assert str(spec.at_key("tenants", "other")) == "f.yaml:12:3"


def test_the_number_of_a_range_stands_for_n() -> None:
    with pytest.raises(InputError) as caught:
        load("f.yaml", RANGES)
    assert [d.message for d in caught.value.diagnostics] == [
        f'no host is called "host{n}"' for n in ("08", "09", "10")
    ]


def test_places_without_a_file() -> None:
    spec, _ = load("f.yaml", RANGES.replace('"host{n}", ', ""))
    assert spec.at("zones", "zone0", "rules", 3) is not None
    assert spec.model_copy(update={"name": "y"}).at("name") == spec.at("name")


def test_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "cloison: 1\nname: x\nsites: { s: {} }\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    spec = load_fabric("-")
    assert spec.path is None
    assert str(spec.at("name")) == "<stdin>:2:7"


def test_json_is_yaml(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text('{"cloison": 1, "name": "x",\n "sites": {"s": {"leaves": 4}}}')
    spec = load_fabric(path)
    assert spec.sites["s"].leaves == 4
    assert str(spec.at("sites", "s", "leaves")).endswith("f.json:2:28")


def test_warnings_do_not_stop() -> None:
    spec, warnings = load("f.yaml", "cloison: 1\nname: x\nsites: { s: { leaves: 3 } }\n")
    assert spec.sites["s"].leaves == 3
    assert [d.code for d in warnings] == ["C333"]


@pytest.mark.parametrize(
    "text",
    [
        "vni: {acme/main: 0}",
        "rt: {acme/main: abc}",
        "blocks: {x: [10.0.0.1/8]}",
        "vni: [",
        "x: 1",
        "7",
    ],
)
def test_a_damaged_lock_file_is_an_input_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("cloison: 1\nname: x\nsites: { s: {} }\n")
    (tmp_path / "f.lock.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_fabric(path)
    assert [d.code for d in caught.value.diagnostics] == ["C480"]
