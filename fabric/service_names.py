"""Names of Services: `Service shop/web` as `reach` prints it, or `shop/web[Service]`; a tenant may
stand in front of the namespace. A Service has the ports that it offers and opens no connections, so
it is a destination and never a source.
"""

from __future__ import annotations

import re

SUFFIX = "[Service]"
SPELT = re.compile(r"[Ss]ervice\s+(\S.*)")


def service_in(text: str) -> str | None:
    """The name of a Service; None when a text is no Service's.

    >>> [service_in(t) for t in ("service shop/web", "acme/shop/web[Service]", "shop/web")]
    ['shop/web', 'acme/shop/web', None]
    """
    text = text.strip()
    if found := SPELT.fullmatch(text):
        return found[1].removesuffix(SUFFIX)
    return text.removesuffix(SUFFIX) if text.endswith(SUFFIX) else None


def in_brackets(text: str) -> str:
    """A Service's name with its kind behind it, any other text as it is.

    >>> in_brackets("Service shop/web"), in_brackets("shop/web")
    ('shop/web[Service]', 'shop/web')
    """
    name = service_in(text)
    return text if name is None else f"{name}{SUFFIX}"
