"""The JSON Schema accepts what the loader accepts, and refuses what has a wrong shape."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
from goldens import ERRORS, inputs

from fabric.file.schema import json_schema, keys_at
from fabric.file.yaml.reader import read_yaml

ROOT = Path(__file__).parents[3]
FILES = [*(ROOT / "topologies").glob("*.yaml"), *(ROOT / "topologies" / "broken").glob("*.yaml")]
VALID = [path for path in FILES if not path.name.endswith(".lock.yaml")]
SHAPE = [path for path in ERRORS.glob("c20[1-7]*.yaml") if path.stem != "c206_tenant"]


def accepts(path: Path) -> bool:
    validator = jsonschema.Draft202012Validator(json_schema())
    return validator.is_valid(read_yaml(path)[0].value)


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json_schema() == json_schema()
    assert json_schema()["$id"] == "urn:cloison:fabric:1"


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_it_accepts_the_topologies(path: Path) -> None:
    assert accepts(path)


@pytest.mark.parametrize("path", SHAPE, ids=lambda p: p.stem)
def test_it_refuses_wrong_shapes(path: Path) -> None:
    assert not accepts(path)


def test_it_accepts_files_that_are_wrong_beyond_their_shape() -> None:
    deeper = [p for p in inputs(ERRORS) if re.match(r"c(?!308)[34]", p.stem)]
    assert all(accepts(path) for path in deeper)


def test_every_model_is_described() -> None:
    definitions = json_schema()["$defs"]
    assert [name for name, d in definitions.items() if not d.get("description")] == []


def test_keys() -> None:
    assert "leaks" in keys_at(())
    assert keys_at(("tenants", "acme", "vrfs", "main", "prefixes", 0))[:2] == ["cidr", "pool"]
    assert keys_at(("zones", "zone2", "rules", 3))[2] == "from"
    assert keys_at(("tenants", "acme", "manifests", 0)) == keys_at(("nowhere", 1)) == []
