"""One page of HTML that holds all that it needs.

Rules that hold here:

1. What is filled in is text: Jinja2 escapes it, and signs that are not visible are shown as such.
   The one exception is a picture that cloison drew.
2. The page names nothing elsewhere. Its policy (`Content-Security-Policy`) lets it fetch nothing,
   and lets the one script run whose digest it says.
3. The same answer is the same page, byte for byte.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

from cloison.render.formats import STYLING, UNBOUNDED, rendered
from cloison.render.plot import Drawing
from fabric.io.visible import visible

HERE = __package__ or "cloison.render.pages"
CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def page(name: str, answer: Mapping[str, Any]) -> str:
    """The page of a template of this folder."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    script, style = text_of(f"{name}.js"), text_of(f"{name}.css")
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(text_of),
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.filters["anchor"] = anchor
    digest = b64encode(sha256(script.encode()).digest()).decode()
    # Only files of this package and cloison's own pictures go in as they are.
    return environment.get_template(f"{name}.html").render(
        **answer, script=Markup(script), style=Markup(style), digest=digest
    )


def text_of(name: str) -> str:
    """A file of this folder."""
    return (files(HERE) / name).read_text(encoding="utf-8")


def shown(value: Any) -> Any:
    """A value as people see it: numbers with commas, signs that are not visible as such."""
    if isinstance(value, bool) or value is None or hasattr(value, "__html__"):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return "\n".join(map(visible, value.split("\n"))) if isinstance(value, str) else value


def unstyled(*things: Any) -> str:
    """What a terminal shows, without styles and on lines as long as they are: the same for all."""
    said = "".join(rendered(thing, UNBOUNDED) for thing in things)
    return "\n".join(visible(STYLING.sub("", line)).rstrip() for line in said.split("\n")).strip(
        "\n"
    )


def anchor(text: str) -> str:
    """What a place of the page is called.

    >>> anchor("acme → zone 2")
    'acme-zone-2'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def inline(drawing: Drawing) -> Any:
    """A picture as part of a page: its names are text that can be searched, and its parts have
    none that could be those of the page."""
    import matplotlib as mpl
    from markupsafe import Markup

    with mpl.rc_context({"svg.fonttype": "none"}):
        text = drawing.render("svg").decode()
    text = CHARACTERS.sub("", text[text.index("<svg") :])
    used = {*re.findall(r"#([\w-]+)", text)}
    named = re.compile(r' id="([\w-]+)"')
    return Markup(named.sub(lambda m: m[0] if m[1] in used else "", text))
