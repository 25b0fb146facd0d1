"""Access lists of NVUE: `set acl NAME type …`, `rule N match …`, `rule N action …`.

What NVIDIA's documents say, and what is done here:

1. Rules are asked in order of their numbers and the first that matches decides (command reference
   of `nv set acl`). `permit` and `deny` end that, `log` does not. What `police` alone lets through,
   and what becomes of packets whose addresses are translated, is unknown.
2. Lists of one interface and direction are asked in order of their names, as one list: a permit of
   an earlier one outranks a deny of a later one. NVIDIA's controller names its lists for that order
   (p0000 … p0010), and infra-controller issue 6315 tells what comes of it.
3. What no rule matches passes: there is no implicit deny.
4. `match conntrack` asks for the state of a connection. Without `system reflexive-acl` nobody
   tracks connections, and what such a rule matches is unknown.
5. `hw-offload: off` keeps a rule out of the hardware: what the hardware forwards may never meet it.
6. A list matches packets of its `type` alone. (HBN 1.3 matched IPv6 with layer-4 rules of IPv4
   lists, its known issue 3284607; later releases do not.)
"""

from __future__ import annotations

from itertools import pairwise

from compiler.imports.device_facts import AccessEntry, AccessList, Networks, Ports
from compiler.imports.nvue.nvue_tree import USUAL, Branch, said
from compiler.imports.nvue.nvue_values import ANYTHING, network, port, protocol
from fabric.file.yaml.plain_yaml import Cut
from fabric.values.ports import ANY

FAMILIES = {"ipv4": 4, "ipv6": 6, "mac": -1}
STATES = ("new", "established", "related", "invalid")
GOES_ON = frozenset(("log", "police", "span", "erspan", "set", "recirculate"))
"""Actions behind which the next rule is asked, where nothing else stands beside them."""
LESS = frozenset(("police", "set", "recirculate"))
"""What of these may keep a permitted packet from where it goes, or lead it elsewhere."""
MAY_DROP = frozenset(("police",))
"""What of these drops what comes too fast, which nobody here knows."""
CHANGES = frozenset(("source-nat", "dest-nat", "nat"))
"""Actions that change packets, which nobody here follows."""
MOST_RULES = 65_536
L4 = {"tcp": 6, "udp": 17}


def read_acl(name: str, branch: Branch, tracked: bool) -> AccessList:
    """A list; `tracked`: the device keeps state of connections."""
    family = branch["type"].text()
    if family is None or family not in FAMILIES:
        if family is not None:
            branch["type"].wrong("ipv4, ipv6 or mac")
        what = f"access list {name} does not say whether it is of IPv4 or IPv6"
        branch.file.not_known("AccessList", "acl", what, branch.span)
    rules = branch["rule"]
    if isinstance(rules.value, Cut):
        branch.close({})
        read = branch.file.entries[rules.value]
        return AccessList(name, FAMILIES.get(family or "", 0), read, "next", branch.span)
    entries = []
    for number, rule in rules.each():
        if not (number.isascii() and number.isdigit() and int(number[:12]) < MOST_RULES):
            rule.file.found.error(
                "C831", f'{rule.name}: "{number[:20]}" is not the number of a rule', rule.span
            )
            continue
        entries.append(read_rule(int(number), rule, tracked))
    branch.close({})
    entries.sort(key=lambda entry: entry.number)
    twice = {a.number for a, b in pairwise(entries) if a.number == b.number}
    for again in sorted(twice):
        message = f"acl {name}: two rules have the number {again}"
        branch.file.found.error("C831", message, branch.span, "write each number once")
    return AccessList(name, FAMILIES.get(family or "", 0), tuple(entries), "next", branch.span)


def read_rule(number: int, branch: Branch, tracked: bool) -> AccessEntry:
    """One rule."""
    action, open_ = read_action(branch["action"])
    match = branch["match"]
    found = Matched(match)
    found.read(tracked)
    if branch.has("hw-offload") and not branch["hw-offload"].flag(True):
        found.partial.append("it is not in the hardware (hw-offload: off)")
    branch["remark"].text()
    for key, below in branch.each():
        below.ignore("not modelled: what this rule matches is unknown")
        found.partial.append(f"`{key}`")
    return AccessEntry(
        number, action, found.source, found.destination, found.protocol, found.sports,
        found.dports, found.states, ", ".join((*found.partial, *open_)), tuple(found.odd),
        branch.span,
    )  # fmt: skip


def read_action(branch: Branch) -> tuple[str, list[str]]:
    """What a rule does, and what of that is not modelled."""
    if branch.has("permit") or branch.has("deny"):
        for word in sorted(GOES_ON - (LESS if branch.has("permit") else set())):
            branch.skip(word, "counts, marks or logs what the rule decides")
    words = dict(branch.each())
    for below in words.values():
        for _, _ in walk_all(below):
            pass
    if not words:
        return "unknown", ["it has no action"]
    if "permit" in words and "deny" in words:
        return "unknown", ["it permits and denies"]
    open_ = [f"`action {word}`" for word in words if word in CHANGES]
    strange = [w for w in words if w not in GOES_ON | CHANGES | {"permit", "deny"}]
    open_ += [f"`action {word}`" for word in strange]
    if "deny" in words:
        return "deny", open_
    if "permit" in words:
        return "permit", [
            *open_,
            *(f"`action {word}` beside a permit" for word in sorted(LESS & {*words})),
        ]
    open_ += [f"`action {word}` drops what is above its rate" for word in words if word in MAY_DROP]
    if open_:
        return "unknown", open_
    return "none", open_


def walk_all(branch: Branch) -> list[tuple[str, Branch]]:
    """Every branch below, taken and read."""
    out: list[tuple[str, Branch]] = []
    waiting = [branch]
    while waiting:
        here = waiting.pop()
        if not isinstance(here.value, dict | list):
            here.read()
        below = list(here.each()) if isinstance(here.value, dict | list) else []
        out += below
        waiting += [b for _, b in below]
    return out


class Matched:
    """What a rule matches, as it is read."""

    def __init__(self, branch: Branch) -> None:
        self.branch = branch
        self.source: Networks = ()
        self.destination: Networks = ()
        self.protocol = ANY
        self.sports: Ports = ()
        self.dports: Ports = ()
        self.states: tuple[str, ...] = ()
        self.partial: list[str] = []
        self.odd: list[str] = []

    def read(self, tracked: bool) -> None:
        """Everything below `match`."""
        ip = self.branch["ip"]
        self.source = self.networks(ip["source-ip"])
        self.destination = self.networks(ip["dest-ip"])
        said_twice = next((n for n in L4 if ip.has(n) and said(ip["protocol"].value) == n), None)
        if said_twice:
            ip["protocol"].repeats("says what is said below")
        text = None if said_twice else ip["protocol"].text()
        if text is not None:
            known = protocol(text)
            if known is None:
                self.partial.append(f"protocol {text}")
            else:
                self.protocol = known
        self.sports, self.dports = self.ports(ip["source-port"]), self.ports(ip["dest-port"])
        for name, number in L4.items():
            if ip.has(name):
                self.layer4(ip[name], name, number)
        if (self.sports or self.dports) and self.protocol not in (6, 17, 132):
            self.partial.append("ports without TCP or UDP")
        if self.branch.has("conntrack"):
            self.tracking(self.branch["conntrack"], tracked)
        if ip.has("connection-state"):
            self.tracking(ip["connection-state"], tracked)
        self.rest(ip, "ip ")
        self.rest(self.branch, "")

    def layer4(self, branch: Branch, name: str, number: int) -> None:
        """Cumulus: ports and flags below the protocol."""
        if self.protocol == ANY:
            self.protocol = number
        elif self.protocol != number:
            self.partial.append(f"`ip {name}` of another protocol")
        self.sports = self.sports or self.ports(branch["source-port"])
        self.dports = self.dports or self.ports(branch["dest-port"])
        self.rest(branch, f"ip {name} ")

    def networks(self, branch: Branch) -> Networks:
        """Networks of one side; any where nothing is said."""
        out = []
        if branch and said(branch.value) in ANYTHING:
            branch.repeats(USUAL)
            return ()
        for text, _ in branch.each():
            if text in ANYTHING:
                return ()
            found, odd = network(branch, text)
            if found is None:
                self.partial.append(f"`{text[:40]}`")
                continue
            out.append(found)
            if odd:
                self.odd.append(odd)
        return tuple(out)

    def ports(self, branch: Branch) -> Ports:
        """Ports of one side; any where nothing is said."""
        out = []
        if branch and said(branch.value) in ANYTHING:
            branch.repeats(USUAL)
            return ()
        for text, _ in branch.each():
            found = port(text)
            if found is None:
                self.partial.append(f"port {text[:40]}")
            else:
                out.append(found)
        return () if (0, 65535) in out else tuple(sorted(out))

    def tracking(self, branch: Branch, tracked: bool) -> None:
        """States of a connection."""
        names = branch.keys()
        known = tuple(state for state in STATES if state in names)
        self.states = known
        self.partial += [f"state {name[:40]}" for name in names if name not in STATES]
        if not tracked:
            self.partial.append("the state of connections, which nobody tracks (reflexive-acl)")

    def rest(self, branch: Branch, where: str) -> None:
        """What is not modelled of a match."""
        for key, below in branch.each():
            walk_all(below)
            self.partial.append(f"`match {where}{key}`")
