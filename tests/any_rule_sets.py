"""Random rule sets of nftables whose verdicts follow from packets alone, and packets for them.

Chains call only chains that stand before them; addresses, ports and marks are few, so that rules
meet packets and each other.
"""

from __future__ import annotations

from ipaddress import ip_address
from random import Random

from compiler.imports.nft.verdict import NftPacket

PORTS = (22, 53, 80, 81, 90, 443, 8000)
MARKS = (0x1, 0x10, 0x11, 0x100)
STATES = ("new", "established", "new,established", "invalid", "established,related")


class RuleSets:
    """Draws from one generator of random numbers."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def text(self) -> str:
        """A whole rule set: several tables, each with sets, regular chains and base chains."""
        families = [
            self.random.choice(("inet", "inet", "ip", "ip6")) for _ in range(self.upto(1, 3))
        ]
        return "".join(self.table(f"t{n}", family) for n, family in enumerate(families))

    def upto(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def flip(self, part: float = 0.5) -> bool:
        return self.random.random() < part

    def table(self, name: str, family: str) -> str:
        versions = {"inet": (4, 6), "ip": (4,), "ip6": (6,)}[family]
        out = [f"table {family} {name} {{"]
        self.versions = versions
        for version in versions:
            kind = "ipv4_addr" if version == 4 else "ipv6_addr"
            blocks = ", ".join(sorted({self.block(version) for _ in range(self.upto(0, 1))}))
            told = f"elements = {{ {blocks} }}" if blocks else ""
            out.append(f"set s{version} {{ type {kind}; flags interval; {told} }}")
            pairs = self.pairs(version)
            told = f"elements = {{ {', '.join(pairs)} }}" if pairs else ""
            out.append(f"map m{version} {{ type {kind} . inet_service : verdict; {told} }}")
            mark = f"{self.block(version)} : {self.random.choice(MARKS):#x}"
            told = f"flags interval; elements = {{ {mark} }}"
            out.append(f"map k{version} {{ type {kind} : mark; {told} }}")
        callable_: list[str] = []
        for n in range(self.upto(0, 3)):
            out += [f"chain r{n} {{", *self.rules(callable_), "}"]
            callable_.append(f"r{n}")
        for n in range(self.upto(1, 3)):
            hook = self.random.choice(("forward", "forward", "prerouting", "postrouting"))
            policy = self.random.choice(("accept", "accept", "drop"))
            head = f"type filter hook {hook} priority {self.upto(-20, 20)}; policy {policy};"
            out += [f"chain b{n} {{", head, *self.rules(callable_, hook), "}"]
        return "\n".join([*out, "}", ""])

    def pairs(self, version: int) -> list[str]:
        keys = {f"{self.address(version)} . {self.random.choice(PORTS)}" for _ in range(4)}
        return [f"{key} : {self.random.choice(('accept', 'drop'))}" for key in sorted(keys)]

    def rules(self, chains: list[str], hook: str = "") -> list[str]:
        return [self.rule(chains, hook) for _ in range(self.upto(0, 6))]

    def rule(self, chains: list[str], hook: str) -> str:
        """A rule speaks of one protocol at most: nft refuses others."""
        version, protocol = (
            self.random.choice(self.versions),
            self.random.choice(("tcp", "udp", "")),
        )
        matches = [self.match(version, protocol, hook) for _ in range(self.upto(0, 2))]
        if any("l4proto" in match for match in matches):
            protocol = "other"
        return " ".join([*matches, self.ending(chains, version, protocol, hook)])

    def ending(self, chains: list[str], version: int, protocol: str, hook: str) -> str:
        word = "ip" if version == 4 else "ip6"
        verdicts = ["accept", "drop", "return", "continue", "counter"]
        calls = [f"jump {c}" for c in chains] * 2 + [f"goto {c}" for c in chains]
        draw = self.random.random()
        if draw < 0.1 and protocol in ("tcp", ""):
            return f"{word} saddr . tcp dport vmap @m{version}"
        if draw < 0.2 and protocol in ("udp", ""):
            ports = self.random.sample(PORTS, 3)
            pairs = (f"{p} : {self.random.choice([*verdicts[:3], *calls])}" for p in ports)
            return f"udp dport vmap {{ {', '.join(pairs)} }}"
        if draw < 0.28:
            return f"meta mark set {word} daddr map @k{version}"
        if draw < 0.4:
            mark = self.random.choice(MARKS)
            return (
                f"meta mark set {self.random.choice(('', 'meta mark | ', 'meta mark & '))}{mark:#x}"
            )
        last = [*verdicts, *calls, *(["reject"] if hook == "forward" else [])]
        return ("counter " if self.flip(0.2) else "") + self.random.choice(last)

    def match(self, version: int, protocol: str, hook: str) -> str:
        word, no = ("ip" if version == 4 else "ip6"), self.random.choice(("", "", "", "!= "))
        way = self.random.choice(("saddr", "daddr"))
        few = ", ".join(sorted({self.address(version) for _ in range(3)}))
        kinds = [
            f"{word} {way} {no}{self.block(version)}",
            f"{word} {way} {no}{{ {few} }}",
            f"{word} {way} {no}@s{version}",
            f"ct state {self.random.choice(STATES)}",
            f"meta mark {no}{self.random.choice(MARKS):#x}",
            f"meta mark & {self.random.choice(MARKS):#x} == {self.random.choice((0, 1, 16)):#x}",
        ]
        if protocol:
            kinds += [f"{protocol} {self.random.choice(('dport', 'sport'))} {no}{self.ports()}"] * 3
        else:
            spelt = self.random.choice(("tcp", "udp", "{ tcp, udp }", "icmp", "ipv6-icmp"))
            kinds += [f"meta l4proto {no}{spelt}", "meta l4proto != { tcp, udp }"]
        if len(self.versions) == 2:
            kinds.append(f"meta nfproto ipv{version}")
        if hook in ("forward", "prerouting"):
            kinds.append(f'iifname {no}"eth{self.upto(0, 2)}"')
        if hook in ("forward", "postrouting"):
            kinds.append(f'oifname {{ "eth{self.upto(0, 2)}", "nothing*" }}')
        return self.random.choice(kinds)

    def ports(self) -> str:
        first = self.random.choice(PORTS)
        return self.random.choice(
            (str(first), f"{first}-{first + 10}", f"{{ {first}, {first + 20}-{first + 30} }}")
        )

    def address(self, version: int) -> str:
        n, k = self.upto(0, 2), self.upto(1, 4)
        return f"10.{n}.0.{k}" if version == 4 else f"2001:db8:{n}::{k}"

    def block(self, version: int) -> str:
        n, k = self.upto(0, 2), self.upto(1, 4)
        low = f"10.{n}.0." if version == 4 else f"2001:db8:{n}::"
        lengths = (16, 24, 30) if version == 4 else (48, 64, 126)
        draw = self.random.random()
        if draw < 0.4:
            return f"{low}{'0' if version == 4 else ''}/{self.random.choice(lengths)}"
        return f"{low}{k}" if draw < 0.7 else f"{low}{k}-{low}{k + 2}"

    def packets(self, count: int) -> list[NftPacket]:
        """Packets of which none belongs to a connection of another one."""
        out: dict[tuple[object, ...], NftPacket] = {}
        for _ in range(count):
            p = self.packet()
            ports = frozenset(((p.source, p.sport), (p.destination, p.dport)))
            out.setdefault((p.protocol, ports), p)
        return [*out.values()]

    def packet(self) -> NftPacket:
        """A packet between two interfaces of the node."""
        version = self.random.choice((4, 6))
        into, out = self.random.sample(range(3), 2)
        ends = [
            f"10.{n}.0.{self.upto(1, 5)}" if version == 4 else f"2001:db8:{n}::{self.upto(1, 5)}"
            for n in (into, out)
        ]
        protocol = self.random.choice((6, 6, 17, 17, 1 if version == 4 else 58))
        ports: list[int | None] = [None, None]
        if protocol in (6, 17):
            ports = [self.random.choice((*PORTS, 40000)), self.random.choice((*PORTS, 85, 8001))]
        source, destination = (int(ip_address(end)) for end in ends)
        where = {"into": f"eth{into}", "out": f"eth{out}"}
        return NftPacket(version, protocol, source, destination, *ports, **where, mark=0)
