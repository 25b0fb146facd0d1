"""What the rules are called that annotations name: error codes and the words of comparisons."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

WORDS = {
    "error": "The input is wrong, so that there is no answer.",
    "fails": "Something that was asked does not hold.",
    "unknown": "Something that touches the question is not evaluated: it may hold or not.",
    "doubt": "Legal and doubtful.",
    "expectation": "A line of `expect:` that does not hold.",
    "import": "A route that is imported without a declared intent.",
    "isolation": "Packets pass between VRFs although no leak, peering or zone rule says so.",
    "gained": "Packets get through that did not before the change.",
    "lost": "Packets do not get through any more.",
    "unsteady": "Packets get through between some members or on some paths only.",
    "steady": "Packets get through always, and before the change only in part.",
    "peer": "A peer or an endpoint of a zone that is in one of the two worlds only.",
    "door": "A Service or a host port leads elsewhere.",
    "approval": "A difference that nobody approved.",
    "gone": "A finding that was there before the change.",
}


@cache
def codes() -> dict[str, list[str]]:
    """Meaning and an example of a hint, by error code."""
    text = (Path(__file__).parent / "rules.json").read_text("utf-8")
    found: dict[str, list[str]] = json.loads(text)
    return found


def meaning(rule: str) -> str:
    """What a rule says, in a sentence."""
    return WORDS.get(rule) or codes().get(rule, [rule])[0]


def help_text(rule: str) -> str:
    """What is to be done, as far as one sentence can say."""
    hint = codes().get(rule, ["", ""])[1]
    return f"{meaning(rule)}\n\nHint, for example: {hint}" if hint else meaning(rule)
