"""The reader of certificates on its own: what holds every packet once, and whose an address is."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from sim.checker.document.partitions import LAST_PORT, fills, joined, problems, space
from sim.checker.document.regions import Box, Party, Regions

SIZE = 40
PREFIXES = [f"10.0.0.{first}/{length}" for length in (26, 27, 28, 30, 31, 32)
            for first in range(0, 64, 1 << 32 - length)]  # fmt: skip


@st.composite
def partitions(draw: st.DrawFn) -> list[Box]:
    """Boxes that hold every packet once: those of the whole space, cut a few times."""
    boxes = list(space())
    for _ in range(draw(st.integers(0, 8))):
        box = boxes.pop(draw(st.integers(0, len(boxes) - 1)))
        side = draw(st.sampled_from([0, 2, 4]))
        first, last = box[side : side + 2]
        if first == last:
            boxes.append(box)
            continue
        cut = draw(st.sampled_from([first, (first + last) // 2, last - 1]))
        parts = (first, cut), (cut + 1, last)
        boxes += [(*box[:side], *part, *box[side + 2 :]) for part in parts]  # type: ignore[misc]
    return draw(st.permutations(boxes))


@given(partitions())
def test_what_is_cut_still_holds_everything_once(boxes: list[Box]) -> None:
    assert fills(boxes)


@given(partitions(), st.data())
def test_what_is_left_out_doubled_or_moved_is_noticed(
    boxes: list[Box], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(boxes) - 1))
    box = boxes[place]
    others = [*boxes[:place], *boxes[place + 1 :]]
    assert not fills(others)
    assert not fills([*boxes, box])
    assert not fills([*others, box, box])
    side = data.draw(st.sampled_from([1, 3, 5]))
    grown = (*box[:side], box[side] + 1, *box[side + 1 :])
    assert not fills([*others, grown])  # type: ignore[list-item]
    assert not fills([*others, (*box[:4], box[5], box[4])]) or box[4] == box[5]


@given(partitions(), st.data())
def test_one_overlap_does_not_make_up_for_one_hole(boxes: list[Box], data: st.DataObject) -> None:
    """As many packets as there should be, one of them twice."""
    ported = [n for n, box in enumerate(boxes) if box[2] < box[3]]
    if len(ported) > 1:
        a, b = data.draw(st.permutations(ported))[:2]
        moved = list(boxes)
        moved[a] = (*boxes[a][:3], boxes[a][3] - 1, *boxes[a][4:])
        grown = boxes[b][2] - 1 if boxes[b][2] else boxes[b][3] + 1
        if grown <= LAST_PORT:
            moved.append((*boxes[b][:2], grown, grown, *boxes[b][4:]))
            extra = moved[-1]
            missing = (*boxes[a][:2], boxes[a][3], boxes[a][3], *boxes[a][4:])
            assert fills(moved) == (extra == missing)


RANGES = st.lists(
    st.tuples(st.integers(0, SIZE), st.integers(-1, 6)).map(lambda r: (r[0], r[0] + r[1])),
    max_size=5,
)


@given(RANGES)
def test_ranges_are_joined_unless_they_overlap(ranges: list[tuple[int, int]]) -> None:
    every = [x for first, last in ranges for x in range(first, last + 1)]
    found = joined(ranges)
    if len(set(every)) < len(every) or any(last < first for first, last in ranges):
        assert found is None
        return
    firsts = sorted(x for x in every if x - 1 not in every)
    lasts = sorted(x for x in every if x + 1 not in every)
    assert found == tuple(zip(firsts, lasts, strict=True))


def party(name: str, vrf: str, prefixes: list[str], v4: object) -> Party:
    return Party(name, None, (), "t", vrf, tuple(prefixes), (v4, ()))  # type: ignore[arg-type]


@st.composite
def owners(draw: st.DrawFn) -> list[tuple[str, list[str]]]:
    """Who has which prefixes in which VRF; several may have the same."""
    some = st.lists(st.sampled_from(PREFIXES), max_size=3, unique=True)
    return [(draw(st.sampled_from(["a", "b"])), draw(some)) for _ in range(draw(st.integers(1, 5)))]


def owned(owners: list[tuple[str, list[str]]]) -> list[tuple[tuple[int, int], ...]]:
    """Address by address: the most specific prefix of the VRF, then whoever comes first."""
    base, out = int(ip_network("10.0.0.0").network_address), []
    mine: list[set[int]] = [set() for _ in owners]
    for vrf in ("a", "b"):
        for ip in range(base, base + 64):
            claims = [
                (-net.prefixlen, n)
                for n, (where, prefixes) in enumerate(owners)
                for net in map(ip_network, prefixes)
                if where == vrf and ip in range(int(net[0]), int(net[-1]) + 1)
            ]
            if claims:
                mine[min(claims)[1]].add(ip)
    for found in mine:
        firsts = sorted(x for x in found if x - 1 not in found)
        lasts = sorted(x for x in found if x + 1 not in found)
        out.append(tuple(zip(firsts, lasts, strict=True)))
    return out


def said(given: list[tuple[str, list[str]]], true: list[tuple[tuple[int, int], ...]]) -> list[str]:
    """What is wrong with parties that say to own these addresses; nobody sends anything."""
    parties = [
        party(f"p{n}", vrf, prefixes, v4)
        for n, ((vrf, prefixes), v4) in enumerate(zip(given, true, strict=True))
    ]
    found = problems(Regions(["a", "b"], parties, [], [], []))
    return [text for text in found if text.startswith("endpoints")]


@given(owners())
def test_whose_an_address_is_follows_from_the_prefixes(given: list[tuple[str, list[str]]]) -> None:
    assert said(given, owned(given)) == []


@given(owners(), st.data())
def test_nobody_owns_more_or_less(given: list[tuple[str, list[str]]], data: st.DataObject) -> None:
    true = owned(given)
    number = data.draw(st.integers(0, len(true) - 1))
    changed = list(true)
    if true[number]:
        (first, last), *rest = true[number]
        other = data.draw(st.sampled_from([(), ((first, last + 1), *rest), tuple(rest)]))
    else:
        other = ((167772160, 167772160),)
    changed[number] = other  # type: ignore[call-overload]
    assert said(given, changed) == [
        f"endpoints[{number}].v4: not the addresses that p{number} owns by its prefixes"
    ]
