"""What `import cloison` offers: one function per question.

A *source* is the path of a fabric file or of a directory of Kubernetes manifests, a spec (`load`),
or a `world`, which every verb takes. `down` names nodes, links, sessions and risk groups that have
failed (`world` takes other axes too), `accept_unevaluated` kinds of objects that are not evaluated
and may be left out; what else is not evaluated makes an answer that it touches unknown. What
`prove` and `simulate` return is true only where everything holds; other answers are compared by
their `verdict`, and refuse to be true or false. Wrong input raises `InputError`, which lists
everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from cloison.loading.how import How
from cloison.render.table import Table, WrittenTable
from cloison.verbs.checking import check_file, lints
from cloison.verbs.over_time import refuse_one_moment, whole_file
from cloison.verbs.simulation import run
from cloison.views.access.cluster_reach import ClusterReach
from cloison.views.access.reach import FabricReach
from cloison.views.dumps.compiled import Compiled
from cloison.views.packets.explained import Explained
from cloison.views.reports.simulated import Simulated
from cloison.views.verification.proved import Proved
from cloison.views.world import Names, Source, World
from compiler.policy.fields import read as carried
from compiler.targets import catalogue
from fabric.building.cluster import is_cluster
from fabric.building.load import directed, load_fabric
from fabric.diagnostics import Diagnostic, InputError
from fabric.file.spec import FabricSpec
from fabric.io.decoded_text import read_text
from fabric.rendering.render_command import rendering
from fabric.values.instants import told
from fabric.values.window import BEGINNING
from sim.names.wanted_requests import asked_request
from sim.why.one_answer import explain as explain_flow
from sim.why.request_answers import answered
from sim.worlds.world import NOWHERE

if TYPE_CHECKING:
    from cloison.render.plot import Drawing
    from cloison.verbs.replaying import Replay
    from cloison.views.network.spof import SinglePoints
    from cloison.views.times.verified_times import ProvedTimes
    from cloison.views.verification.lines_to_keep import LinesToKeep
    from cloison.views.verification.noticed import Covered

FIRST_MOMENT = told(BEGINNING)
Kinds = Iterable[str]


def load(path: str | Path) -> FabricSpec:
    """Read and check a fabric file."""
    return load_fabric(Path(path))


def check(path: str | Path) -> tuple[Diagnostic, ...]:
    """Every mistake, finding and doubt about a fabric file and all that it names, in the order of
    the file; nothing is written."""
    try:
        text, name = read_text(Path(path))
    except InputError as error:
        return directed(path, error)
    return tuple(check_file(name, text, How(drawn="forgotten")))


def timeline(path: str | Path) -> Table:
    """What of a fabric file is in force when: a row per period, with `at`, a moment of it."""
    from cloison.views.times.timeline import COLUMNS
    from cloison.views.times.timeline import timeline as periods

    rows = tuple({"at": row["from"] or FIRST_MOMENT, **row} for row in periods(load(path)))
    return Table(rows, "Timeline", ("at", *COLUMNS))


def world(
    source: Source,
    *,
    down: Names = None,
    drained: Names = None,
    at: Mapping[str, str | Iterable[str]] = NOWHERE,
    locked: bool = False,
    accept_unevaluated: Kinds = (),
    render: str | Iterable[str] = (),
    **axes: Names,
) -> World:
    """The world of a source, which every verb takes: endpoints placed, addresses allocated, the
    control plane converged.

    `down` are the nodes, links, sessions and risk groups that have failed, `drained` the nodes that
    traffic was moved away from. Every axis on which worlds differ (`sim.worlds.axes`) is a keyword:
    one name or several; an empty list is none of them, and left out an axis of a source that is a
    world stays as it is. `at` has values by name of the axis, beside those of keywords. `locked`
    refuses to draw what the lock file does not have. `render` are the first words of commands that
    may run to make manifests. Raises `InputError`."""
    commands = [render] if isinstance(render, str) else [*render]
    with rendering(*commands) if commands else nullcontext():
        return World.of(
            source,
            down,
            drained=drained,
            at=at,
            locked=locked,
            accept_unevaluated=accept_unevaluated,
            **axes,
        )


build = world
"""The name that `world` had first."""


def fabric_world(source: Source, down: Names, accept_unevaluated: Kinds) -> World:
    """The world of a source, which as a path is that of a fabric file: manifests have no lines to
    expect and no devices to lose."""
    failed = {} if down is None else {"down": (down,) if isinstance(down, str) else tuple(down)}
    found = World.read(source, How(accept=tuple(accept_unevaluated)), failed, only_fabric=True)
    if is_cluster(found.network):
        raise InputError(Diagnostic("C111", "a world of manifests alone, and no fabric"))
    return found


def compile(
    source: Source,
    *,
    target: str = catalogue.DEFAULT,
    down: Names = None,
    accept_unevaluated: Kinds = (),
) -> Compiled:
    """The tables that every enforcement point holds, against what a target can hold."""
    there = world(source, down=down, accept_unevaluated=accept_unevaluated)
    return Compiled(there.program, catalogue.profile(target))


def simulate(
    source: Source,
    *,
    target: str = catalogue.DEFAULT,
    down: Names = None,
    accept_unevaluated: Kinds = (),
) -> Simulated:
    """Build, converge, compile, replay traffic, prove; of a file with windows as `prove`.

    Every pair is replayed on every interesting port; where that is too much, random flows.
    """

    def make() -> World:
        there = world(source, down=down, accept_unevaluated=accept_unevaluated)
        if not isinstance(source, World):
            refuse_one_moment([there], How())
        return there

    return run(make, target=target)


def prove(source: Source, *, down: Names = None, accept_unevaluated: Kinds = ()) -> Proved:
    """Isolation and every expectation, for all packets of both IP versions; of a file with windows
    at one moment, which `world(source, time=…)` names (`timeline` has one of each period)."""
    there = world(source, down=down, accept_unevaluated=accept_unevaluated)
    if not isinstance(source, World):
        refuse_one_moment([there], How())
    from cloison.verbs.proving import proved

    return Proved(proved(there)[0])


def prove_all_times(
    path: str | Path,
    *,
    certificate: str | Path | None = None,
    down: Names = None,
    accept_unevaluated: Kinds = (),
) -> ProvedTimes:
    """The same of a fabric file with windows at all times, as `cloison verify` has it: each set of
    periods in which the same is in force has a proof. Certificates of all of them are written into
    the file `certificate`, where everything that was asked was tried. Raises `InputError`."""
    from cloison.verbs.proving import proved_at_all_times

    fabric, failed = Path(path), (down,) if isinstance(down, str) else tuple(down or ())
    how = How(accept=tuple(accept_unevaluated)).put(down=failed)
    written = None if certificate is None else Path(certificate)
    return proved_at_all_times(fabric, whole_file(fabric, how), how, certificate=written)


def explain(
    source: Source,
    src: str,
    dst: str,
    *,
    carrying: Mapping[str, str | int] = MappingProxyType({}),
    http: str | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    down: Names = None,
    accept_unevaluated: Kinds = (),
) -> Explained:
    """Why the flow from `src` to `dst` (`name:port/protocol`) is allowed or denied; `carrying` has
    values by name of further fields of its packets, where rules ask for some. With `http` ("GET
    http://host/path") the verdict is that of a request with these `headers`."""
    request = None if http is None else asked_request(http, headers, dst)
    there = world(source, down=down, accept_unevaluated=accept_unevaluated)
    wanted = dst if request is None else request[1]
    found = explain_flow(there, src, wanted, fields=carried(carrying))
    return Explained(found if request is None else answered(found, request[0]))


def replay(
    source: Source,
    *captures: str | Path,
    random: int | None = None,
    seed: int = 0,
    vrf: str | None = None,
    stateless: bool = False,
    after: Replay | None = None,
    down: Names = None,
    accept_unevaluated: Kinds = (),
    zipf: float | None = None,
    permitted: float = 0.0,
    replies: bool = False,
    dropped: str | Path | None = None,
) -> Replay:
    """What would happen to captured traffic (pcap, pcapng; plain or VXLAN), or, without captures,
    to every pair on every interesting port or to `random` flows. `vrf` (`tenant/vrf`) is where
    packets enter whose source no VRF or several know. With `after` flows of that replay are known
    (its counters go on), and decided again where the policy has changed since (`World.edit`). Of
    random flows a share is `permitted`, repeated by `zipf`; generated flows that are permitted get
    `replies`. Packets that are dropped are written into the file `dropped` (pcapng)."""
    from cloison.verbs.replaying import Traffic, captured
    from cloison.verbs.replaying import replay as send

    there = world(source, down=down, accept_unevaluated=accept_unevaluated)
    asked = Traffic(
        captured(captures),
        vrf,
        pairs=not captures and random is None,
        count=random,
        seed=seed,
        zipf=zipf,
        permitted=permitted,
        replies=replies,
        dropped=None if dropped is None else Path(dropped),
    )
    return send(there, asked, stateless=stateless, after=after)


def reach(
    source: Source,
    *,
    to: str | None = None,
    from_: str | None = None,
    down: Names = None,
    accept_unevaluated: Kinds = (),
) -> WrittenTable:
    """Who reaches whom, on which ports and because of what; narrowed by `to` (`name[:port]`) and
    `from_` (`name`), both patterns or addresses. Doors, and what else `cloison reach` says,
    are in `document()`."""
    there = world(source, down=down, accept_unevaluated=accept_unevaluated)
    if not is_cluster(there.network):
        return FabricReach.of(there, from_, to).table()
    more = lints(there.network, there.program.policy, How())
    return ClusterReach.of(there, from_, to, more).table()


def review(path: str | Path) -> Table:
    """What is wrong with the configurations of devices in a folder: a row per finding, with its
    lines, a packet, and what it rests on; the verdict is fails where something is wrong as it
    stands."""
    from cloison.views.devices.reviewed import verdict
    from compiler.imports.config_folder import read_folder
    from compiler.imports.review.review_checks import reviewed

    found = reviewed(read_folder(Path(path)).devices)
    columns = ("severity", "kind", "device", "what", "packet", "rests_on")
    rows = tuple(finding.row() for finding in found)
    return Table(rows, "Review", columns, (), verdict(found))


def plot(
    source: Source,
    *,
    tenant: str | None = None,
    trace: tuple[str, str] | None = None,
    matrix: bool = False,
    down: Names = None,
    accept_unevaluated: Kinds = (),
) -> Drawing:
    """The network as a picture: the Clos, with the nodes of one `tenant` or the path of a flow
    (`trace`: from, to); or the isolation `matrix`."""
    from cloison.verbs.drawing import drawing

    there = world(source, down=down, accept_unevaluated=accept_unevaluated)
    return drawing(there, tenant=tenant, trace=trace, matrix=matrix)


def spof(source: Source, *, down: Names = None, accept_unevaluated: Kinds = ()) -> SinglePoints:
    """What each single failure takes away of a fabric file, beside what is `down`, and from whom.
    Nothing is lost where a single failure moves traffic."""
    from cloison.verbs.failing import single_points

    return single_points(fabric_world(source, down, accept_unevaluated))


def coverage(
    source: Source,
    *,
    offers: bool = True,
    flows: str | Path | Iterable[str | Path] = (),
    down: Names = None,
    accept_unevaluated: Kinds = (),
) -> Covered:
    """Which lines of a fabric file and its manifests some expectation would notice. With `offers`
    each other line has an expectation that would; what `flows` (captures, flow logs) used counts
    as covered, too."""
    from cloison.verbs.covering import covered

    there = fabric_world(source, down, accept_unevaluated)
    files = (flows,) if isinstance(flows, str | Path) else flows
    return covered(there, offers=offers, flows=tuple(map(Path, files)))


def expect(source: Source, *, down: Names = None, accept_unevaluated: Kinds = ()) -> LinesToKeep:
    """Lines of `expect:` that hold of a fabric file now, to read and to keep in it."""
    from cloison.verbs.saying_now import lines_to_keep

    return lines_to_keep(fabric_world(source, down, accept_unevaluated))
