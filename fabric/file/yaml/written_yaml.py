"""YAML that readers of 1.1 and of 1.2 read alike: text that either may take for something else is
quoted.

Sources: YAML 1.1 (types bool, int, float, null, timestamp); YAML 1.2.2 §10.3; go-yaml, which reads
numbers after their underscores are taken out.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

TAKEN_OTHERWISE = re.compile(
    r"""
    [yYnN]                                                              # booleans of 1.1
    | [-+]?(0[xX][0-9a-fA-F_]+ | 0[oO][0-9_]+ | 0[bB][0-9_]+)
    | [-+]?([0-9][0-9_,]*(\.[0-9_]*)? | \.[0-9_]+)([eE][-+]?[0-9_]+)?   # 09, 12e3
    | [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?                      # of base 60
    | [-+]?\.([iI][nN][fF] | [nN][aA][nN])
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*                                  # dates
    """,
    re.VERBOSE | re.DOTALL,
)
"""Beside what PyYAML, which is a reader of 1.1, quotes by itself."""
TEXT = "tag:yaml.org,2002:str"


class QuotingDumper(yaml.SafeDumper):
    """Quotes text that a reader may take for something else; has no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    quote = '"' if TAKEN_OTHERWISE.fullmatch(value) else None
    return dumper.represent_scalar(TEXT, value, quote)


QuotingDumper.add_representer(str, _text)


def written_yaml(value: Any, **how: Any) -> str:
    """Plain data as a document, in its own order; `how` are PyYAML's options.

    >>> written_yaml(["12e3", "10.0.0.1"], default_flow_style=True).strip()
    '["12e3", 10.0.0.1]'
    """
    return str(yaml.dump(value, Dumper=QuotingDumper, sort_keys=False, **how))
