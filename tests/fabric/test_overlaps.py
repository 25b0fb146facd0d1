"""Checks of prefixes before anything is built: of tenants with a VRF per namespace as well."""

from __future__ import annotations

from typing import Any

from fabric.checks.known_names import survey
from fabric.checks.overlaps import namespaces
from fabric.file.spec import FabricSpec


def test_namespaces_that_a_file_mentions_are_known() -> None:
    document: dict[str, Any] = {
        "cloison": 1,
        "name": "x",
        "sites": {"s": {}},
        "tenants": {
            "a": {"vrf_per": "namespace", "vrfs": {"main": {"prefixes": ["10.0.0.0/16"]}}},
            "b": {"vrfs": {"main": {"prefixes": ["10.1.0.0/16"]}}},
        },
        "peerings": [{"name": "ab", "between": ["a/web", "b/main"]}],
    }
    found = namespaces(survey(FabricSpec.model_validate(document)))
    assert {tenant: [*names] for tenant, names in found.items()} == {"a": ["nodes", "web"]}
