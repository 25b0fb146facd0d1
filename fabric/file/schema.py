"""JSON Schema of the fabric file (draft 2020-12), for editors and for error messages.

`cloison schema > fabric.schema.json`, then `# yaml-language-server: $schema=fabric.schema.json` as
the first line of a fabric file gives completion and checks while typing. The schema comes from the
models; what it adds is what happens before them: tenants' keys may hold ranges, and a file may
extend another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from fabric.file.spec import FabricSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = "urn:cloison:fabric:1"
TENANT = r"^([a-z0-9]|[a-z0-9-]*(\{[0-9]+\.\.[0-9]+\})[a-z0-9-]*|[a-z0-9][a-z0-9-]*[a-z0-9])$"
STEP = {"type": "array", "minItems": 1, "items": {"type": ["string", "integer"]}}
EDIT = {
    "type": "object",
    "description": "One change at one place of the file that is extended, or of a manifest.",
    "properties": {
        "at": {**STEP, "description": "keys and indexes (from 0) that lead to the place"},
        "set": {"description": "the new value"},
        "append": {"description": "added to the end of the list there"},
        "remove": {"const": True, "description": "takes the place away"},
        "tenant": {"type": "string", "description": "whose manifest is changed"},
        "object": {"type": "string", "description": "Kind/namespace/name in that tenant"},
    },
    "required": ["at"],
    "oneOf": [{"required": [action]} for action in ("set", "append", "remove")],
    "dependentRequired": {"tenant": ["object"], "object": ["tenant"]},
    "additionalProperties": False,
}
ADDITION = {
    "type": "object",
    "description": "An object more of a tenant.",
    "properties": {
        "tenant": {"type": "string", "description": "whose manifests have it"},
        "add": {
            "type": "object",
            "description": "the object",
            "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}},
            "required": ["apiVersion", "kind", "metadata"],
        },
    },
    "required": ["tenant", "add"],
    "additionalProperties": False,
}
EXTENSION = {
    "type": "object",
    "description": "A fabric file that is another one with a few lines changed.",
    "properties": {
        "cloison": {"const": 1, "description": "version of this format"},
        "extends": {"type": "string", "description": "the other file, seen from this one"},
        "name": {"type": "string", "description": "default: the other file's"},
        "patch": {
            "type": "array",
            "items": {"oneOf": [EDIT, ADDITION]},
            "description": "edits, in order",
        },
    },
    "required": ["cloison", "extends"],
    "additionalProperties": False,
}


def json_schema() -> dict[str, Any]:
    """The schema as a fresh dict with `$schema` and `$id`.

    >>> json_schema()["$schema"]
    'https://json-schema.org/draft/2020-12/schema'
    """
    whole = FabricSpec.model_json_schema(by_alias=True)
    definitions = whole.pop("$defs")
    whole["properties"]["tenants"]["propertyNames"] = {"pattern": TENANT}
    whole["properties"]["tenants"]["description"] = "`t{01..32}` as a key stands for 32 tenants"
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "cloison fabric file",
        "description": whole["description"],
        "if": {"type": "object", "required": ["extends"]},
        "then": {"$ref": "#/$defs/Extension"},
        "else": {"$ref": "#/$defs/Fabric"},
        "$defs": {**definitions, "Extension": EXTENSION, "Fabric": whole},
    }


@cache
def _shared() -> dict[str, Any]:
    return json_schema()


def keys_at(place: tuple[str | int, ...]) -> list[str]:
    """The keys that the file format knows in the mapping at a path; none where any may stand.

    >>> keys_at(("leaks", 0))[:3], keys_at(("tenants",))
    (['name', 'from', 'prefixes'], [])
    """
    schema = _shared()
    current: Mapping[str, Any] = {"$ref": schema["else"]["$ref"]}
    for step in place:
        current = below(mapping_branch(current, schema), step)
    found = mapping_branch(current, schema)
    return list(found.get("properties", found.get("propertyNames", {}).get("enum", ())))


def mapping_branch(current: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references, and in a union the branch that is no plain text."""
    while True:
        if "$ref" in current:
            current = schema["$defs"][current["$ref"].rpartition("/")[2]]
        elif "anyOf" in current:
            branches = [b for b in current["anyOf"] if "$ref" in b or b.get("type") == "array"]
            if not branches:
                return {}
            current = branches[0]
        else:
            return current


def below(current: Mapping[str, Any], step: str | int) -> Mapping[str, Any]:
    """One step down; an empty schema where the format knows nothing."""
    if isinstance(step, int):
        found = current.get("items", {})
    else:
        patterns = list(current.get("patternProperties", {}).values())
        others = patterns[0] if patterns else current.get("additionalProperties", {})
        found = current.get("properties", {}).get(step, others)
    return found if isinstance(found, dict) else {}
