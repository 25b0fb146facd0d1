"""What of a rule is a value, and of which kind: whatever is odd is a kind of its own."""

from __future__ import annotations

from compiler.imports.nvue.shapes.rule_words import ValueNumbers

PORT, PREFIX = "-port: {'", "-ip: "


def test_ports_are_one_kind_and_what_is_none_is_by_itself() -> None:
    found = ValueNumbers()
    texts = ("80", "443", "0", "65535", "65536", "99999", "080", "80-90", "ssh")
    kinds = [found.kinds[found[PORT + text]] for text in texts]
    assert len(set(kinds[:4])) == 1
    assert len({*kinds}) == 1 + len(texts[4:])
    assert [found.worth[found[PORT + text]] for text in texts[:4]] == [80, 443, 0, 65535]
    assert [found.sorts[kind] for kind in kinds] == ["p"] * 4 + [""] * 5


def test_addresses_are_one_kind_by_version_and_quotes() -> None:
    found = ValueNumbers()
    groups = (
        (f"{PREFIX}10.0.0.0/8", f"{PREFIX}192.0.2.1"),
        (f"{PREFIX}'10.0.0.0/8", f"{PREFIX}'192.0.2.1"),
        (f"{PREFIX}'2001:db8::/32", f"{PREFIX}'::1"),
        (f"{PREFIX}10.0.0.1/8",),
        (f"{PREFIX}10.0.0.256",),
        ("-ip: {10.0.0.0/8",),
    )
    kinds = [{found.kinds[found[text]] for text in group} for group in groups]
    assert all(len(kind) == 1 for kind in kinds)
    assert len(set.union(*kinds)) == len(groups)
    assert [str(found.networks[found.worth[found[text]]][0]) for text in groups[0]] == [
        "10.0.0.0/8",
        "192.0.2.1/32",
    ]


def test_the_number_of_a_rule_is_the_first_kind() -> None:
    found = ValueNumbers()
    assert found.judged("\n      '12") == (0, 12)
    assert found.judged("\n      'x")[0] != 0
