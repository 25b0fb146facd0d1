"""Data of other tools beside manifests: counted, and never what may decide something."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fabric.diagnostics import InputError
from fabric.kubernetes.files.foreign import deciding_kinds, held, may_be_object
from fabric.kubernetes.manifests import Manifests, load_manifests

POD = "{apiVersion: v1, kind: Pod, metadata: {name: seen, namespace: shop}}\n"
POLICY = (
    '{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", '
    '"metadata": {"name": "x", "namespace": "shop"}, "spec": {"podSelector": {}}}'
)
OTHERS = {
    "values.yaml": "replicas: 3\nimage: {tag: v1}\n",
    "charts/db/values-prod.yaml": "a: 1\na: 2\n",
    "dash/cpu.json": '{"panels": [], "schemaVersion": 36, "title": "{{x}}"}',
    "dash/gpu.json": '{"panels": [], "schemaVersion": 36}',
    "package.json": '{"name": "site", "version": "1.0.0"}',
    "tsconfig.json": '{\n  // a comment\n  "compilerOptions": {},\n}',
    ".drone.yml": "kind: pipeline\ntype: docker\n",
    "grafana/sources.yaml": "apiVersion: 1\ndatasources: []\n",
    "patch.json": '[{"op": "remove", "path": "/spec"}]',
    "stack.yaml": "Resources: {Bucket: {Name: !Ref other}}\n",
}


def folder(tmp_path: Path, files: Mapping[str, str | bytes]) -> Manifests:
    """What is read in a directory with one pod and these files."""
    for name, text in {"seen.yaml": POD, **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_manifests([tmp_path])


def test_a_repository_of_others_data_is_read_and_counted_by_kind(tmp_path: Path) -> None:
    found = folder(tmp_path, OTHERS)
    (warning,) = found.warnings
    assert (warning.code, [p.name for p in found.pods]) == ("C602", ["seen"])
    for said in ("2 × dashboards of Grafana", "1 × packages of Node.js", "1 × values of Helm",
                 "1 × values of Helm, not readable", "1 × texts, not readable"):  # fmt: skip
        assert said in warning.message
    counts = [int(part.split(" × ")[0]) for part in warning.message.split(": ")[-1].split(", ")
              if " × " in part]  # fmt: skip
    assert sum(counts) == len(OTHERS)
    assert not found.not_evaluated


def test_nothing_but_others_data_is_no_cluster(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("replicas: 3\n")
    with pytest.raises(InputError) as error:
        load_manifests([tmp_path])
    (found,) = error.value.diagnostics
    assert found.code == "C614" and "1 × values of Helm" in found.message


@pytest.mark.parametrize(
    "key",
    ["!!binary a2luZA==", "!<tag:yaml.org,2002:binary> a2luZA==", "!!%62inary a2luZA=="],
)
def test_a_key_that_is_decoded_may_be_kind(key: str, tmp_path: Path) -> None:
    text = f"{key}: NetworkPolicy\n!!binary YXBpVmVyc2lvbg==: networking.k8s.io/v1\n"
    with pytest.raises(InputError, match="C106"):
        folder(tmp_path, {"policy.yaml": text})


def test_templates_beside_values_are_what_is_not_rendered(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("replicas: 3\n")
    (tmp_path / "pod.yaml").write_text("kind: Pod\nname: {{ .Values.name }}\n")
    found = load_manifests([tmp_path])
    assert {warning.code for warning in found.warnings} == {"C602", "C603"}
    assert found.not_evaluated


@pytest.mark.parametrize(
    "text",
    [
        "kind: NetworkPolicy\nspec: {}\n",
        "kind: CiliumClusterwideNetworkPolicy\nspec: {}\n",
        "KIND: networkpolicylist\nitems: []\n",
        "apiVersion: networking.k8s.io/v1\nspec: {}\n",
        "apiVersion: 1\nkind: Anything\n",
        "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {name: x\n",
        '{"\\u006bind": "NetworkPolicy", ]',
        "kind: X\nkind: NetworkPolicy\n",
        '"k\\\nind": NetworkPolicy\n]',
        f"- {POLICY}\n",
        f"[[1, [{POLICY}]]]",
        f"items: [{POLICY}]\n",
        f"Items: [{{items: [[{POLICY}]]}}]\n",
        f"kind: bundle\nitems: [{POLICY}]\n",
        f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: x}}, items: [{POLICY}]}}\n",
        f"{{apiVersion: v1, kind: list, items: [{POLICY}]}}\n",
        POLICY.encode("utf-16-be"),
        POLICY.encode("utf-16-le"),
        POLICY.encode("utf-32-be"),
    ],
)
def test_what_may_be_an_object_is_a_mistake_and_not_passed_over(
    tmp_path: Path, text: str | bytes
) -> None:
    with pytest.raises(InputError):
        folder(tmp_path, {"x.yaml": text})


def test_what_is_said_of_an_object_in_a_list_leads_to_it(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        folder(tmp_path, {"x.json": f"[1,\n {POLICY}]"})
    (found,) = error.value.diagnostics
    assert (found.code, found.span and found.span.line) == ("C602", 2)
    assert found.hint and "kind: List" in found.hint


def test_a_template_that_cannot_be_read_is_told_whatever_it_holds(tmp_path: Path) -> None:
    found = folder(tmp_path, {"t.yaml": "{{ if .Values.on }}\nspec: x\n{{ end }}\n"})
    assert [w.code for w in found.warnings] == ["C603"]
    assert [(r.kind, r.scope) for r in found.not_evaluated] == [("Template", "cluster")]


def test_a_file_that_was_named_is_no_others_data(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(OTHERS["values.yaml"])
    with pytest.raises(InputError, match="C602"):
        load_manifests([path])


@given(
    st.dictionaries(
        st.sampled_from(["kind", "Kind", "apiVersion", "APIVERSION", "spec", "metadata"]),
        st.one_of(
            st.sampled_from([*sorted(deciding_kinds()), "v1", "apps/v1", "pipeline"]),
            st.integers(0, 3),
        ),
    )
)
def test_nothing_that_kubectl_would_apply_is_passed_over(value: dict[str, object]) -> None:
    """What has both keys as they are spelt, as text, always counts as an object."""
    kind, version = value.get("kind"), value.get("apiVersion")
    if isinstance(kind, str) and isinstance(version, str):
        assert may_be_object(value)
    again = yaml.safe_load(json.dumps(value))
    assert may_be_object(again) == may_be_object(value)


@given(
    st.recursive(
        st.sampled_from([1, "x", {"a": 1}, {"kind": "NetworkPolicy", "apiVersion": "v1"}]),
        lambda below: st.one_of(
            st.lists(below, max_size=3),
            st.dictionaries(st.sampled_from(["items", "ITEMS", "extra"]), below, max_size=2),
        ),
        max_leaves=8,
    )
)
def test_an_object_in_lists_and_items_counts_at_any_depth(value: Any) -> None:
    def there(value: Any) -> bool:
        if isinstance(value, list):
            return any(map(there, value))
        if isinstance(value, dict):
            return "kind" in value or any(there(v) for k, v in value.items() if k != "extra")
        return False

    assert may_be_object(value) == there(value)
    for place in held(value):
        below = value
        for step in place:
            below = below[step]
        assert below["kind"] == "NetworkPolicy"
