"""Write docs/fabric-keys.md from the JSON Schema; `--check` only says whether it is current."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fabric.file.schema import json_schema

TARGET = Path(__file__).parent / "fabric-keys.md"
INTRO = """# Every key of the fabric file

Written by `make docs` from the schema (`cloison schema`); a test keeps it current and complete.
How the parts work together is told in [the fabric file](fabric-file.md). `*` in a path is a name
of yours, `[]` an entry of a list.
"""
Row = tuple[str, ...]


def reference() -> str:
    """The whole page: one table per top-level key that has keys of its own, simple ones first."""
    schema = json_schema()
    simple, parts = [], []
    fabric = schema["$defs"]["Fabric"]
    for key, value in fabric["properties"].items():
        rows = list(keys(schema, key, value, key in fabric["required"]))
        simple.append(rows[0])
        parts += [(key, rows[1:])] if rows[1:] else []
    text = INTRO + "\n## At the top\n\n" + table(simple)
    text += "".join(f"\n## {name}\n\n{table(rows)}" for name, rows in parts)
    rows = list(below(schema, "", schema["$defs"]["Extension"]))
    extension = [(name.replace("`.", "`"), *rest) for name, *rest in rows]
    return f"{text}\n## A file that extends another\n\n{table(extension)}"


def keys(schema: Any, path: str, value: Any, required: bool) -> Iterator[Row]:
    """A key, and the keys below it."""
    branches = [resolve(schema, branch) for branch in branched(resolve(schema, value))]
    kinds = " or ".join(dict.fromkeys(kind(schema, b) for b in branches if b.get("type") != "null"))
    yield f"`{path}`", kinds, default(value, required), value.get("description", "")
    for branch in branches:
        yield from below(schema, path, branch)


def below(schema: Any, path: str, value: Any) -> Iterator[Row]:
    """The keys inside a value: its own, or those of its entries."""
    for key, child in value.get("properties", {}).items():
        yield from keys(schema, f"{path}.{key}", child, key in value.get("required", ()))
    if isinstance(entries := value.get("additionalProperties"), Mapping):
        for branch in branched(resolve(schema, entries)):
            yield from below(schema, f"{path}.*", resolve(schema, branch))
    for entries in value.get("patternProperties", {}).values():
        yield from below(schema, f"{path}.*", resolve(schema, entries))
    if isinstance(items := value.get("items"), Mapping):
        for branch in branched(resolve(schema, items)):
            yield from below(schema, f"{path}[]", resolve(schema, branch))


def resolve(schema: Any, value: Any) -> Any:
    """The definition that a reference stands for."""
    if "$ref" in value:
        return schema["$defs"][value["$ref"].rpartition("/")[2]]
    if len(value.get("allOf", ())) == 1:
        return resolve(schema, value["allOf"][0])
    return value


def branched(value: Any) -> list[Any]:
    """The alternatives of a value, itself if it has none."""
    return [value] if "properties" in value else list(value.get("anyOf", [value]))


def kind(schema: Any, value: Any) -> str:
    """What may stand there, in words."""
    if "enum" in value:
        return " or ".join(f"`{word}`" for word in value["enum"])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if isinstance(value.get("type"), list):
        return " or ".join(kind(schema, {"type": each}) for each in value["type"])
    match value.get("type"):
        case "array":
            inner = [resolve(schema, b) for b in branched(resolve(schema, value.get("items", {})))]
            return "list of " + " or ".join(dict.fromkeys(kind(schema, b) for b in inner))
        case "object":
            inside = value.get("additionalProperties")
            named = isinstance(inside, Mapping) and "properties" not in resolve(schema, inside)
            return f"mapping to {kind(schema, resolve(schema, inside))}" if named else "mapping"
        case "string":
            return "text"
        case "integer":
            low = value.get("minimum", value.get("exclusiveMinimum", -1) + 1)
            high = value.get("maximum")
            if high is not None:
                return f"{low}–{high}"
            return f"number from {low}" if low > 0 else "number"
        case "boolean":
            return "`true` or `false`"
        case other:
            return str(other or "anything")


def default(value: Any, required: bool) -> str:
    """What a missing key means."""
    if required:
        return "required"
    given = value.get("default")
    told_below = isinstance(given, Mapping) and "v4" not in given
    if given in (None, []) or told_below:
        return ""
    return f"`{json.dumps(given, ensure_ascii=False)}`"


def table(rows: list[Row]) -> str:
    """Rows as Markdown."""
    lines = ["| key | value | default | |", "|---|---|---|---|"]
    for row in rows:
        cells = " | ".join(cell.replace("|", "\\|") for cell in row)
        lines.append(f"| {cells} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(not TARGET.exists() or TARGET.read_text("utf-8") != reference())
    TARGET.write_text(reference(), "utf-8")
