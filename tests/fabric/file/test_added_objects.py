"""A fabric file that extends another one may bring objects of a tenant with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from fabric_files import vrf, write_fabric

from cloison.loading.how import How
from cloison.views.world import World
from fabric.diagnostics import InputError
from fabric.file.schema import json_schema

HOW = How(drawn="forgotten")
POLICY: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "shut", "namespace": "lab"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}


def extending(folder: Path, *rows: Any) -> Path:
    """A fabric file with edits."""
    pods = {"red": ["lab/a@host1=10.1.0.10"], "blue": ["lab/a@host2=10.2.0.10"]}
    base = write_fabric(folder, {"red": vrf("10.1.0.0/16"), "blue": vrf("10.2.0.0/16")}, pods)
    path = folder / "more.yaml"
    path.write_text(yaml.safe_dump({"cloison": 1, "extends": base.name, "patch": list(rows)}))
    return path


def policies(path: Path) -> set[str]:
    policy = World.of_fabric(path, HOW).policy_read
    return {str(s.origin) for s in policy.selections if "NetworkPolicy" in str(s.origin)}


def test_an_object_more_is_its_tenants_and_stands_where_the_edit_does(tmp_path: Path) -> None:
    path = extending(tmp_path, {"tenant": "red", "add": POLICY})
    (found,) = policies(path)
    assert "red/lab/shut" in found and "more.yaml:" in found
    jsonschema.validate(yaml.safe_load(path.read_text()), json_schema())


def test_later_edits_see_it(tmp_path: Path) -> None:
    nobody = {"matchLabels": {"no": "body"}}
    where = {"tenant": "red", "object": "NetworkPolicy/lab/shut"}
    edit = {**where, "at": ["spec", "podSelector"], "set": nobody}
    path = extending(tmp_path, {"tenant": "red", "add": POLICY}, edit)
    assert World.of_fabric(path, HOW).network.manifests["red"].objects[-1].value["spec"][
        "podSelector"
    ] == nobody  # fmt: skip


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"add": POLICY}, "C291"),
        ({"tenant": "red", "add": POLICY, "at": ["spec"]}, "C291"),
        ({"tenant": "red", "object": "NetworkPolicy/lab/x", "add": POLICY}, "C291"),
        ({"tenant": "red", "add": [POLICY]}, "C291"),
        ({"tenant": "red", "add": {"kind": "NetworkPolicy"}}, "C291"),
        ({"tenant": "red", "add": {**POLICY, "apiVersion": 1}}, "C291"),
        ({"tenant": "red", "at": ["x"], "set": 1}, "C291"),
    ],
)
def test_what_is_no_object_is_refused(tmp_path: Path, row: Any, code: str) -> None:
    path = extending(tmp_path, row)
    with pytest.raises(InputError) as refused:
        World.of_fabric(path, HOW)
    assert {d.code for d in refused.value.diagnostics} == {code}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(path.read_text()), json_schema())


def test_one_that_stands_already_with_other_contents_is_refused(tmp_path: Path) -> None:
    other = {**POLICY, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}
    path = extending(tmp_path, {"tenant": "red", "add": POLICY}, {"tenant": "red", "add": other})
    with pytest.raises(InputError) as refused:
        World.of_fabric(path, HOW)
    assert {d.code for d in refused.value.diagnostics} == {"C608"}
