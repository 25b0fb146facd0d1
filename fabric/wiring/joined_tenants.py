"""The tenants of a fabric file together with the VRFs, route targets and prefixes that tables list.

Rules that hold here:

1. A table adds to tenants that the file names, by their name or slug, and makes none: what is of
   others is passed over, and counted (C358), as is what decides nothing here.
2. A VRF is called by its slug; where the file has `main` of acme, `acme-main` is that one. What the
   file says of it wins, an earlier table over a later one; what is said otherwise is a finding with
   both lines (C357).
3. A route target that a VRF, and no other one, both imports and exports is its own (`pins: rt`);
   others are raw ones. Where none is both, hosts of one VRF would not learn of each other, which no
   VRF of a fabric file can be: an error (C356), unless the file says itself what is imported.
4. Active prefixes count. Who gets addresses from one its role says (`USES`); of an unknown role
   nobody does but by pins. A prefix inside another one of the same use is a part of it.
5. Of a file with `devices:` nothing is added: what configurations say is compared with the rows
   (`compiler.imports.joined.listed_vrfs`), which are kept as `ListedVrf`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from fabric.diagnostics import FINDING, Diagnostic, Diagnostics, Span
from fabric.file.spec import FabricSpec, Tenant, VrfPrefix, VrfSpec
from fabric.io.visible import visible
from fabric.wiring.tenant_tables import TARGET, SeenPrefix, SeenVrf, TenantTable
from fabric.wiring.wiring_tables import slug

USES = {
    "nodes": "node nodes host hosts server servers compute baremetal bare-metal gpu gpus",
    "pods": "pod pods container containers workload workloads tenant kubernetes",
    "pins": "pin pins vip vips service services anycast static",
}
USE_OF = {word: use for use, words in USES.items() for word in words.split()}
ACTIVE, CONTAINER = ("active", ""), "container"
SHOWN = 4
Network = IPv4Network | IPv6Network
Key = tuple[str | int, ...]


@dataclass(slots=True)
class ListedVrf:
    """A VRF as tables have it: the row about it and its prefixes, as far as these count.
    `containers` are ranges that prefixes may be taken from."""

    row: SeenVrf
    prefixes: list[tuple[Network, SeenPrefix]] = field(default_factory=list)
    containers: list[Network] = field(default_factory=list)

    def has(self, network: Network) -> bool:
        """Whether a network lies in a prefix or container; in any, where there is none at all."""
        every = [*(prefix for prefix, _ in self.prefixes), *self.containers]
        return not every or any(_inside(network, other) for other in every)

    @property
    def targets(self) -> tuple[str, ...]:
        """Those that it imports and exports, in order of its imports."""
        return tuple(text for text in self.row.imports if text in self.row.exports)


def with_tenant_tables(
    spec: FabricSpec, tables: Sequence[TenantTable], found: Diagnostics
) -> FabricSpec:
    """The file with what the tables add to its tenants."""
    if not tables:
        return spec
    joining = _TenantsOfTables(spec, tables, found)
    listed = joining.listed()
    out = joining.added(listed) if spec.devices is None else spec.model_copy()
    out._listed_vrfs = tuple(listed)
    out._conflicts = tuple(joining.conflicts)
    out._elsewhere = {**spec._elsewhere, **joining.at}
    joining.tell()
    return out


class _TenantsOfTables:
    """Tables on their way into one file. `passed` counts what is passed over, by why."""

    def __init__(self, spec: FabricSpec, tables: Sequence[TenantTable], found: Diagnostics) -> None:
        self.spec, self.tables, self.found = spec, tables, found
        self.passed: Counter[str] = Counter()
        self.conflicts: list[Diagnostic] = []
        self.at: dict[Key, Span] = {}
        self.first: Span | None = None
        for table in tables:
            self.passed += table.other
        slugs = {t.name: t.slug for table in tables for t in table.tenants if t.slug}
        self.names = {name: slug(text) for name, text in slugs.items()}
        self.ours = {slug(name): name for name in spec.tenants}

    def tenant(self, said: str) -> str:
        """The slug of a tenant."""
        return self.names.get(said) or slug(said)

    def listed(self) -> list[ListedVrf]:
        """All VRFs of the tables, each once, with the prefixes that count."""
        made: dict[tuple[str, str], ListedVrf] = {}
        for table in self.tables:
            for row in table.vrfs:
                self.first = self.first or row.span
                if row.rd:
                    self.passed["route distinguishers, which every device has of its own"] += 1
                if bad := [t for t in (*row.imports, *row.exports) if not TARGET.fullmatch(t)]:
                    what = f'{visible(row.name)}: "{visible(bad[0])}" is no route target'
                    self.found.error("C356", what, row.span, "65000:100")
                    continue
                known = made.setdefault((row.name, row.rd), ListedVrf(row))
                if known.row is not row:
                    self.twice(known.row, row)
        named: dict[str, list[ListedVrf]] = defaultdict(list)
        for vrf in made.values():
            named[vrf.row.name].append(vrf)
        for table in self.tables:
            for prefix in table.prefixes:
                self.first = self.first or prefix.span
                self.take(prefix, named)
        return [*made.values()]

    def twice(self, known: SeenVrf, row: SeenVrf) -> None:
        """Rule 2, for two rows about one VRF."""
        for what in ("tenant", "imports", "exports", "vni"):
            one, other = getattr(known, what), getattr(row, what)
            if {*one} != {*other} if isinstance(one, tuple) else one != other:
                self.conflict(f"{what} of VRF {row.name}", _told(other), row.span, _told(one),
                              known.span)  # fmt: skip

    def take(self, row: SeenPrefix, named: Mapping[str, list[ListedVrf]]) -> None:
        """A prefix to its VRF; rule 4."""
        if slug(row.status) not in (*ACTIVE, CONTAINER):
            self.passed[f"prefixes that are {slug(row.status)}"] += 1
            return
        if not row.vrf:
            self.passed["prefixes of no VRF"] += 1
            return
        homes = [v for v in named.get(row.vrf, []) if v.row.rd in ("", row.rd) or not row.rd]
        if len(homes) > 1 and row.tenant:
            homes = [v for v in homes if v.row.tenant == row.tenant] or homes
        if len(homes) > 1:
            what = f"{visible(row.prefix)} is of VRF {visible(row.vrf)}, and there are several"
            hint = "an export that says route distinguishers, as JSON does, tells them apart"
            self.found.error("C356", what, row.span, hint)
            return
        if not homes:
            self.passed["prefixes of VRFs that no table has"] += 1
            return
        try:
            network = ip_network(row.prefix.strip(), strict=False)
        except ValueError:
            what = f'"{visible(row.prefix)}" is no prefix'
            self.found.error("C356", what, row.span)
            return
        home = homes[0]
        if slug(row.status) == CONTAINER:
            self.passed["containers of prefixes"] += 1
            home.containers.append(network)
            return
        if row.tenant and home.row.tenant and row.tenant != home.row.tenant:
            self.conflict(f"{network} in VRF {home.row.name}", f"of tenant {row.tenant}",
                          row.span, f"of {home.row.tenant}", home.row.span)  # fmt: skip
        if any(network == known for known, _ in home.prefixes):
            self.passed["prefixes that stand twice"] += 1
            return
        home.prefixes.append((network, row))

    def added(self, listed: Iterable[ListedVrf]) -> FabricSpec:
        """The file with the VRFs of its tenants."""
        tenants = dict(self.spec.tenants)
        rts = dict(self.spec.pins.rt)
        both = Counter(text for vrf in listed for text in {*vrf.targets})
        seen: dict[tuple[str, str], ListedVrf] = {}
        strange: list[SeenVrf] = []
        for vrf in listed:
            name = self.ours.get(self.tenant(vrf.row.tenant)) if vrf.row.tenant else None
            if name is None:
                of = f"of tenants that the file does not name ({visible(vrf.row.tenant)})"
                self.passed[f"VRFs {of if vrf.row.tenant else 'of no tenant'}"] += 1
                strange.append(vrf.row)
                continue
            if tenants[name].vrf_per == "namespace":
                self.passed["VRFs of tenants with one for each namespace"] += 1
                strange.append(vrf.row)
                continue
            key = self.called(name, vrf.row.name)
            if (other := seen.setdefault((name, key), vrf)) is not vrf:
                what = f"VRFs {visible(vrf.row.name)} and {visible(other.row.name)} of {name}"
                self.found.error("C356", f"{what} would both be {key or 'nameless'}", vrf.row.span)
                continue
            made = self.filled(name, key, vrf, rts, both)
            settings = tenants[name]
            update: Any = {"vrfs": {**settings.vrfs, key: made}}
            tenants[name] = Tenant.model_copy(settings, update=update)
        self.meeting(strange, seen)
        pins = self.spec.pins.model_copy(update={"rt": rts})
        return self.spec.model_copy(update={"tenants": tenants, "pins": pins})

    def meeting(
        self, strange: Iterable[SeenVrf], ours: Mapping[tuple[str, str], ListedVrf]
    ) -> None:
        """C359: routes that VRFs of ours and those that were passed over have in common."""
        for row in strange:
            for (tenant, name), vrf in ours.items():
                for target in sorted(({*row.imports} & {*vrf.row.exports}) | (
                    {*row.exports} & {*vrf.row.imports})):  # fmt: skip
                    what = (
                        f"VRF {row.name} of {row.tenant or 'no tenant'}, which is no VRF of the "
                        f"file, shares routes with {tenant}/{name} by {target} "
                        f"({vrf.row.span}): who is there is not looked at"
                    )
                    hint = "name its tenant in the file"
                    self.conflicts.append(
                        Diagnostic("C359", visible(what), row.span, hint, FINDING)
                    )

    def called(self, tenant: str, said: str) -> str:
        """Rule 2."""
        name, known = slug(said), self.spec.tenants[tenant].vrfs
        own = name.removeprefix(f"{slug(tenant)}-")
        return own if name not in known and own in known else name[:63].strip("-")

    def filled(
        self, tenant: str, key: str, vrf: ListedVrf, rts: dict[str, str], both: Counter[str]
    ) -> VrfSpec:
        """A VRF of the file with what the tables say of it, or a new one."""
        path: Key = ("tenants", tenant, "vrfs", key)
        known = self.spec.tenants[tenant].vrfs.get(key)
        if known is None:
            self.at[path] = vrf.row.span
        settings = known or VrfSpec()
        said: dict[str, Any] = {}
        if vrf.row.vni:
            if not re.fullmatch(r"[1-9][0-9]{0,7}", vrf.row.vni) or int(vrf.row.vni) >= 1 << 24:
                what = f'{visible(vrf.row.name)}: "{visible(vrf.row.vni)}" is no VNI'
                self.found.error("C356", what, vrf.row.span)
            else:
                said["vni"] = int(vrf.row.vni)
        said |= self.targets(f"{tenant}/{key}", settings, vrf, rts, both)
        if prefixes := self.prefixes(vrf, path):
            said["prefixes"] = prefixes
        return self.joined(path, vrf, settings, said)

    def targets(
        self, name: str, settings: VrfSpec, vrf: ListedVrf, rts: dict[str, str],
        both: Counter[str],
    ) -> dict[str, list[str]]:  # fmt: skip
        """Rule 3."""
        own, raw = rts.get(name), {*settings.import_rts, *settings.export_rts}
        if own is None:
            own = next((t for t in vrf.targets if both[t] == 1 and t not in raw), None)
            if own is not None:
                rts[name] = own
                self.at["pins", "rt", name] = vrf.row.span
            elif not (vrf.targets or raw) and (vrf.row.imports or vrf.row.exports):
                what = f"VRF {visible(vrf.row.name)} imports none of the route targets that it"
                hint = f"import_rts and export_rts of {name} in the file say what is meant"
                self.found.error("C356", f"{what} exports", vrf.row.span, hint)
        found = {"import_rts": vrf.row.imports, "export_rts": vrf.row.exports}
        return {k: [t for t in texts if t != own] for k, texts in found.items() if texts}

    def prefixes(self, vrf: ListedVrf, path: Key) -> list[str | VrfPrefix]:
        """Rule 4."""
        out: list[str | VrfPrefix] = []
        uses: list[tuple[Network, str]] = []
        for network, row in sorted(vrf.prefixes, key=lambda p: (p[0].version, p[0].prefixlen)):
            use = USE_OF.get(slug(row.role), "pins" if row.role else "pods")
            if row.role and slug(row.role) not in USE_OF:
                word = visible(row.role)
                self.passed[f"addresses of prefixes of role {word}: only pins give them"] += 1
            if any(_inside(network, other) and use == other_use for other, other_use in uses):
                self.passed["prefixes inside another one of their VRF"] += 1
                continue
            uses.append((network, use))
            self.at[(*path, "prefixes", len(out))] = row.span
            out.append(VrfPrefix.model_validate({"cidr": str(network), "use": use}))
        return out

    def joined(self, path: Key, vrf: ListedVrf, settings: VrfSpec, said: dict[str, Any]) -> VrfSpec:
        """Rule 2, for a VRF of the file and the tables' one."""
        mine = {k: getattr(settings, k) for k in said if k in settings.model_fields_set}
        what = f"{path[1]}/{path[3]}"
        for key, own in mine.items():
            other = said.pop(key)
            span = self.spec.at(*path, key) or vrf.row.span
            if key == "prefixes":
                for place in [at for at in self.at if at[:5] == (*path, "prefixes")]:
                    del self.at[place]
                self.compare(what, own, vrf, span)
            elif ({*own} if isinstance(own, list) else own) != (
                {*other} if isinstance(other, list) else other
            ):
                self.conflict(f"{key} of {what}", _told(other), vrf.row.span, _told(own), span)
        for key in ("import_rts", "export_rts"):
            for number in range(len(said.get(key, ()))):
                self.at[(*path, key, number)] = vrf.row.span
        update = {k: getattr(settings, k) for k in settings.model_fields_set} | said
        return VrfSpec.model_validate(update)

    def compare(self, what: str, own: Any, vrf: ListedVrf, span: Span) -> None:
        """Prefixes that the file lists, against those of the tables; drawn ones say nothing."""
        texts = [p if isinstance(p, str) else p.cidr for p in own]
        try:
            mine = [ip_network(text) for text in texts if text]
        except ValueError:
            return
        for network, row in vrf.prefixes:
            if not any(_inside(network, other) for other in mine):
                there = ", ".join(map(str, mine)) or "none"
                self.conflict(f"prefixes of {what}", str(network), row.span, there, span)
        for network in mine:
            if not vrf.has(network):
                self.conflict(f"prefixes of {what}", "none around it", vrf.row.span,
                              str(network), span)  # fmt: skip

    def conflict(self, what: str, here: str, span: Span, there: str, other: Span) -> None:
        """C357."""
        text = f"{what}: {here} here, and {there} at {other}"
        self.conflicts.append(Diagnostic("C357", visible(text), span, "that one counts", FINDING))

    def tell(self) -> None:
        """C358."""
        counts = [(what, n) for what, n in self.passed.most_common() if n]
        if more := counts[3 * SHOWN :]:
            counts[3 * SHOWN :] = [("others", sum(n for _, n in more))]
        if counts:
            some = "; ".join(f"{n:,} {what}" for what, n in counts)
            self.found.warn("C358", f"tables of tenants: not used are {some}", self.first)


def _inside(network: Network, other: Network) -> bool:
    return network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]


def _told(value: Any) -> str:
    """A value as people read it."""
    many = value if isinstance(value, list | tuple) else [value]
    return ", ".join(sorted(str(item) for item in many)) or "none"
