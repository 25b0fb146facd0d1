"""Issues of Code Climate, checked against their published TypeScript types."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent / "cloison" / "render" / "ci" / "schemas"
TYPES = (SCHEMAS / "codeclimate-types.d.ts").read_text("utf-8")
PLAIN = re.sub(r"/\*.*?\*/", "", TYPES, flags=re.S)
BODIES = {
    **dict(re.findall(r"export interface (\w+) (\{.*?^\})", PLAIN, re.S | re.M)),
    **dict(re.findall(r"export type (\w+) =(.*?)(?=\n\n|\Z)", PLAIN, re.S)),
}
FIELD = re.compile(r"(\w+)(\??): ((?:\{[^{}]*\}|[^;\n{}])+)")
SIMPLE = {"string": str, "number": int, "boolean": bool}


def problems(value: Any, kind: str = "Issue", at: str = "issue") -> list[str]:
    """What about a value is not of a type."""
    kind = kind.strip()
    if kind.endswith("[]"):
        if not isinstance(value, list):
            return [f"{at} is no list"]
        return [p for n, one in enumerate(value) for p in problems(one, kind[:-2], f"{at}[{n}]")]
    if kind in SIMPLE:
        return [] if type(value) is SIMPLE[kind] else [f"{at} is no {kind}"]
    if kind in BODIES:
        return problems(value, BODIES[kind], at)
    ways = [way.strip() for way in re.split(r"\|(?![^{]*\})", kind) if way.strip()]
    if len(ways) > 1:
        found = [problems(value, way, at) for way in ways]
        return [] if [] in found else [f"{at} is none of {ways}"]
    if ways[0].startswith("'"):
        return [] if value == ways[0].strip("'") else [f"{at} is not {ways[0]}"]
    assert ways[0].startswith("{"), f"{kind} is no type"
    return _fields(value, FIELD.findall(ways[0].strip()[1:-1]), at)


def _fields(value: Any, fields: list[tuple[str, str, str]], at: str) -> list[str]:
    assert fields
    if not isinstance(value, dict):
        return [f"{at} is no object"]
    found = [f"{at}.{key} is not known" for key in value if key not in {f[0] for f in fields}]
    for key, optional, of in fields:
        if key in value:
            found += problems(value[key], of, f"{at}.{key}")
        elif not optional:
            found.append(f"{at}.{key} is missing")
    return found
