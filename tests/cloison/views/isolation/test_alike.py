"""Classes of tenants that no cell tells apart."""

from __future__ import annotations

import random

from cloison.views.isolation.alike import classes


def test_one_odd_tenant_stands_out() -> None:
    parties = [f"t{n}" for n in range(50)]
    found = classes(parties, lambda a, b: "443" if (a, b) == ("t7", "t8") else "")
    assert [p for p in found if len(p) == 1] == [["t7"], ["t8"]]
    assert sorted(map(len, found)) == [1, 1, 48]


def test_members_of_a_class_may_be_swapped() -> None:
    rng = random.Random(1)
    for _ in range(20):
        parties = [f"t{n}" for n in range(8)]
        kinds = {p: rng.choice("ab") for p in parties}
        odd = {(a, b): rng.random() < 0.1 for a in parties for b in parties}

        def cell(a: str, b: str, kinds: dict[str, str] = kinds, odd: dict = odd) -> object:  # type: ignore[type-arg]
            return kinds[a] + kinds[b] + ("!" if odd[a, b] else "")

        for members in classes(parties, cell):
            first = members[0]
            for other in members[1:]:
                row = sorted(str(cell(first, p)) for p in parties if p not in (first, other))
                same = sorted(str(cell(other, p)) for p in parties if p not in (first, other))
                assert row == same
                assert cell(first, first) == cell(other, other)
