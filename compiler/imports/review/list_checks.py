"""What is wrong with access lists, decided over all packets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from compiler.imports.device_facts import Device
from compiler.imports.review.asked_lists import (
    AskedEntry,
    AskedLists,
    asked_lists,
    routes_ipv6,
)
from compiler.imports.review.box_index import BoxIndex
from compiler.imports.review.header_boxes import (
    Box,
    TooManyBoxesError,
    boxes_of,
    covers,
    everything,
    families,
    meets,
    most_usual,
    packet_of,
    touch,
    without,
)
from compiler.imports.review.review_finding import ReviewFinding, Severity
from fabric.diagnostics import Span
from fabric.values.ports import ANY

ORDER = "the lists of an interface and direction are asked as one, in order of their names"
AS_WRITTEN = "nothing but the list"
Cover = tuple[list[AskedEntry], Box]
NAMED = 3
MOST_BEFORE = 2_500
"""Entries before one, with packets in common with it, that are looked at: more take minutes."""


def entries_that_never_decide(device: Device) -> Iterator[ReviewFinding]:
    """Dead, shadowed and duplicate entries: those before them decide all that they match."""
    dead: dict[tuple[str, int], list[tuple[AskedLists, AskedEntry, list[AskedEntry], Box]]] = {}
    alive: set[tuple[str, int]] = set()
    undecided: dict[tuple[str, int], Span] = {}
    for asked in asked_lists(device):
        if cut_off(asked) is not None:
            continue
        index = BoxIndex([one.every_box for one in asked.entries])
        for number, one in enumerate(asked.entries):
            before = [asked.entries[n] for n in index.before(number)]
            key = one.acl.name, one.entry.number
            try:
                found = covered(one, before)
            except TooManyBoxesError:
                undecided[key] = one.entry.span
                alive.add(key)
                continue
            if found is not None and is_isolation(one, found[0]):
                continue
            if found is None:
                alive.add(key)
            else:
                dead.setdefault(key, []).append((asked, one, *found))
    if undecided:
        what = f"whether {len(undecided):,} entries can decide is not told: too much overlaps"
        lines = tuple(undecided.values())[:NAMED]
        yield ReviewFinding(
            "undecided-entry", "note", device.name, what, lines, AS_WRITTEN, "", len(undecided)
        )
    by_cause: dict[tuple[str, str, str], list[tuple[AskedLists, AskedEntry, Box]]] = defaultdict(
        list
    )
    causes: dict[tuple[str, str, str], list[AskedEntry]] = {}
    for key, places in dead.items():
        if key in alive:
            continue
        _, one, by, box = places[0]
        kind = kind_of(one, by)
        cause = kind, one.acl.name, by[-1].said
        by_cause[cause] += [(asked, one, box) for asked, _, _, _ in places[:1]]
        causes[cause] = by
    for cause, members in by_cause.items():
        yield never_decide(device, cause[0], members, causes[cause])


def is_isolation(one: AskedEntry, by: Sequence[AskedEntry]) -> bool:
    """Whether that is what `permits_before_isolation` tells."""
    return denies_networks(one) and any(
        other.place < one.place and outranked(other, one) is not None for other in by
    )


def covered(one: AskedEntry, before: Sequence[AskedEntry]) -> Cover | None:
    """The entries that decide everything that one matches, of those before it that have packets in
    common with it, and a box of it that the last of them decides; None where some of it is left.
    Where one entry alone would do, it is that one. Raises `TooManyBoxesError`."""
    boxes = one.every_box
    if not boxes:
        return None
    if len(before) > MOST_BEFORE:
        raise TooManyBoxesError
    left, by, last = list(boxes), [], boxes[0]
    alone: Cover | None = None
    for other in before:
        theirs = [t for t in other.every_box if any(touch(box, t) for box in boxes)]
        if not other.certain:
            continue
        both = [b for box in left for t in theirs if (b := meets(box, t)) is not None]
        if not both:
            continue
        left = without(left, theirs)
        by.append(other)
        last = most_usual(both)
        if alone is None and not without(boxes, theirs):
            alone = [other], last
        if not left:
            return alone or (by, last)
    return None


def kind_of(one: AskedEntry, by: Sequence[AskedEntry]) -> str:
    """duplicate: the same match and action before; shadowed: what is before says otherwise;
    redundant: it says the same."""
    actions = {other.entry.action for other in by}
    if actions != {one.entry.action}:
        return "shadowed-entry"
    versions = families(one.acl)
    same = any(
        sorted(b for v in versions for b in other.boxes(v))
        == sorted(b for v in versions for b in one.boxes(v))
        for other in by
    )
    return "duplicate-entry" if same else "redundant-entry"


VERBS = {"permit": ("permits", "permitted"), "deny": ("denies", "denied")}


def never_decide(
    device: Device,
    kind: str,
    members: Sequence[tuple[AskedLists, AskedEntry, Box]],
    by: Sequence[AskedEntry],
) -> ReviewFinding:
    """One finding about the entries of a list that the same entries decide before."""
    (asked, first, box), last = members[0], by[-1]
    numbers = ", ".join(str(one.entry.number) for _, one, _ in members[:NAMED])
    more = f" and {len(members) - NAMED} more" if len(members) > NAMED else ""
    never = f"s {numbers}{more} of {first.acl.name} never decide"
    if len(members) == 1:
        never = f" {numbers} of {first.acl.name} never decides"
    present, past = VERBS[last.entry.action]
    others = f" (with {len(by) - 1} before it)" if len(by) > 1 else ""
    what = f"rule{never}: {last.said}{others} {present} all of it before ({asked.where})"
    packet = f"{packet_of(box)}: {past} by {last.said}"
    severity: Severity = "doubt"
    if kind == "shadowed-entry":
        packet += f", {first.said} would {first.entry.action}"
        severity = "finding"
    lines = (first.entry.span, *(other.entry.span for other in by[-NAMED:]))
    rests = ORDER if any(other.acl.name != first.acl.name for other in by) else AS_WRITTEN
    return ReviewFinding(kind, severity, device.name, what, lines, rests, packet, len(members))


def permits_before_isolation(device: Device) -> Iterator[ReviewFinding]:
    """A permit of an earlier list that outranks a later list's deny of networks, for all addresses
    that it denies."""
    told: set[tuple[Span, Span]] = set()
    for asked in asked_lists(device):
        for later in asked.entries:
            if later.entry.action != "deny" or not denies_networks(later):
                continue
            for earlier in asked.entries:
                if earlier.place >= later.place:
                    break
                pair = earlier.entry.span, later.entry.span
                box = outranked(earlier, later)
                if box is None or pair in told or decided_before(asked, earlier, box):
                    continue
                told.add(pair)
                what = (
                    f"{earlier.said} permits what {later.said} is there to deny: the isolation "
                    f"behind it does not hold ({asked.where})"
                )
                packet = f"{packet_of(box)}: permitted by {earlier.said}"
                yield ReviewFinding(
                    "permit-before-isolation", "finding", device.name, what, pair, ORDER, packet
                )


def decided_before(asked: AskedLists, one: AskedEntry, box: Box) -> bool:
    """Whether entries before one decide a box whole."""
    before = asked.entries[: asked.entries.index(one)]
    try:
        left = without([box], (b for o in before if o.certain for b in o.boxes(box[0][0])))
    except TooManyBoxesError:
        return False
    return not left


def denies_networks(asked: AskedEntry) -> bool:
    """Whether an entry denies addresses whatever is sent, and not everything."""
    entry = asked.entry
    plain = entry.protocol == ANY and not (entry.sports or entry.dports or entry.states)
    return plain and asked.certain and bool(entry.source or entry.destination) and not all_of(asked)


def all_of(asked: AskedEntry) -> bool:
    """Whether an entry matches every packet of its families."""
    return all(
        any(covers(box, everything(version)) for box in asked.boxes(version))
        for version in families(asked.acl)
    )


def outranked(earlier: AskedEntry, later: AskedEntry) -> Box | None:
    """What a permit lets through of everything that a deny is about; None where it is not all of
    its addresses, or the permit is limited by ports or state."""
    entry = earlier.entry
    if entry.action != "permit" or entry.partial or entry.sports or entry.dports or entry.states:
        return None
    for version in families(later.acl):
        theirs = later.boxes(version)
        wide = [(*b[:3], (0, 255), *b[4:]) for b in earlier.boxes(version)]
        if theirs and all(any(covers(w, t) for w in wide) for t in theirs):
            protocol = earlier.boxes(version)[0][3]
            return (*theirs[0][:3], protocol, *theirs[0][4:])
    return None


def cut_off(asked: AskedLists) -> AskedEntry | None:
    """The entry of a list of one entry, asked before others, that denies everything of IPv4: as a
    quarantine does."""
    last = asked.entries[-1].place
    for one in asked.entries:
        alone = len(one.acl.entries) == 1 and 4 in families(one.acl)
        if (
            alone
            and one.place < last
            and one.entry.action == "deny"
            and one.certain
            and all_of(one)
        ):
            return one
    return None


def quarantines(device: Device) -> Iterator[ReviewFinding]:
    """Hosts that an override denies everything, and what passes anyway."""
    by_interface: dict[str, list[AskedLists]] = defaultdict(list)
    for asked in asked_lists(device):
        by_interface[asked.interface.name].append(asked)
    for name, ways in by_interface.items():
        marks = [one for asked in ways if (one := cut_off(asked)) is not None]
        if not marks:
            continue
        lines = tuple(one.entry.span for one in marks)
        try:
            leaks = list(passing(ways))
        except TooManyBoxesError:
            what = (
                f"{name} is in quarantine, and its lists are too long to tell whether all of it is"
            )
            yield ReviewFinding("quarantine-leak", "doubt", device.name, what, lines, ORDER)
            continue
        for where, box in leaks:
            by = marks[0].acl.name
            what = f"{name} is in quarantine ({by} denies everything), and {where} passes"
            packet = f"{packet_of(box)} passes"
            yield ReviewFinding(
                "quarantine-leak", "finding", device.name, what, lines, ORDER, packet
            )
        if not leaks:
            by = marks[0].acl.name
            what = f"{name} is in quarantine: nothing passes, and what is behind {by} is not judged"
            yield ReviewFinding("quarantine", "note", device.name, what, lines, ORDER)


def passing(ways: Sequence[AskedLists]) -> Iterator[tuple[str, Box]]:
    """What passes of an interface in each direction and family, with a box of it."""
    known = {asked.way: asked for asked in ways}
    for way, words in (("in", "what it sends"), ("out", "what it gets")):
        for version in (4, 6):
            entries = known[way].entries if way in known else ()
            box = passes(entries, version)
            if box is not None:
                yield f"{words} of IPv{version}", box


def passes(entries: Sequence[AskedEntry], version: int) -> Box | None:
    """A box of what may pass of a family; None where nothing does for certain. Raises
    `TooManyBoxesError`."""
    left = [everything(version)]
    for one in entries:
        mine = one.boxes(version)
        if one.entry.action == "deny":
            left = without(left, mine) if one.certain else left
            continue
        both = (b for box in left for other in mine if (b := meets(box, other)) is not None)
        if (found := next(both, None)) is not None:
            return found
    return left[0] if left else None


def ipv6_beside_ipv4(device: Device) -> Iterator[ReviewFinding]:
    """Networks are denied in IPv4, and none in IPv6, where IPv6 is routed."""
    for asked in asked_lists(device):
        if not routes_ipv6(device, asked.interface) or cut_off(asked) is not None:
            continue
        four = [e for e in asked.entries if 4 in families(e.acl) and denies_whole(e)]
        six = [e for e in asked.entries if 6 in families(e.acl) and denies_whole(e)]
        if four and not six:
            try:
                box = passes(asked.entries, 6)
            except TooManyBoxesError:
                box = everything(6)
            if box is None:
                continue
            first = four[-1]
            what = (
                f"{asked.where}: networks are denied in IPv4 ({first.said}), and none in IPv6, "
                "which is routed here"
            )
            yield ReviewFinding(
                "ipv6-open", "finding", device.name, what,
                (first.entry.span, asked.interface.span),
                "the interface has an IPv6 address, or its VRF speaks ipv6-unicast",
                f"{packet_of(box)} passes",
            )  # fmt: skip


def denies_whole(asked: AskedEntry) -> bool:
    """Whether an entry denies addresses, or everything, whatever is sent."""
    return asked.entry.action == "deny" and (denies_networks(asked) or all_of(asked))


def odd_values(device: Device) -> Iterator[ReviewFinding]:
    """Networks with bits behind their mask: they mean another one than they seem to."""
    for acl in device.acls:
        odd = [(entry, text) for entry in acl.entries for text in entry.odd]
        texts = dict.fromkeys(text for _, text in odd)
        for text in texts:
            mine = [entry for entry, other in odd if other == text]
            networks = (*mine[0].source, *mine[0].destination)
            meant = next((str(n) for n in networks if written_as(text, str(n))), "another network")
            box = next((b for v in families(acl) for b in boxes_of(mine[0], v)), None)
            packet = "" if box is None else f"{packet_of(box)} matches"
            what = f'{acl.name} says "{text}", which is {meant}'
            yield ReviewFinding(
                "non-canonical", "finding", device.name, what,
                tuple(entry.span for entry in mine[:NAMED]),
                "bits behind the mask do not count", packet, len(mine),
            )  # fmt: skip


def written_as(text: str, network: str) -> bool:
    """Whether a network has the length that a text has."""
    return text.rpartition("/")[2] == network.rpartition("/")[2]


def lists_asked_nowhere(device: Device) -> Iterator[ReviewFinding]:
    """Lists that are written and bound nowhere; bindings to lists that are not there."""
    used = {binding.acl for binding in device.bindings}
    idle = [acl for acl in device.acls if acl.name not in used and acl.entries]
    for acl in idle:
        what = f"{acl.name} has {len(acl.entries)} rules and is asked nowhere"
        yield ReviewFinding("unbound-list", "doubt", device.name, what, (acl.span,), AS_WRITTEN)
    for binding in device.bindings:
        if device.acl(binding.acl) is None:
            what = (
                f"{binding.acl} is asked at {binding.interface or 'the device'}, and is not there"
            )
            yield ReviewFinding(
                "missing-list", "finding", device.name, what, (binding.span,), AS_WRITTEN
            )


def state_that_nobody_keeps(device: Device) -> Iterator[ReviewFinding]:
    """Rules about the state of connections where nobody keeps any."""
    for acl in device.acls:
        mine = [e for e in acl.entries if "which nobody tracks" in e.partial]
        if mine:
            what = f"{acl.name} asks for the state of connections, which this device does not track"
            yield ReviewFinding(
                "no-state", "finding", device.name, what,
                tuple(e.span for e in mine[:NAMED]), "`system reflexive-acl` is not on", "",
                len(mine),
            )  # fmt: skip
