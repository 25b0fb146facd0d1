"""Faults of rule sets and configurations as texts: what is read as less, or as more, than it says."""

from __future__ import annotations

from mutants.table import Fault

FAULTS = (
    Fault(
        "compiler/imports/nft/text_rules.py",
        'out.append({"xt": " ".join(_rest(tokens))})',
        "_rest(tokens)",
        "what is not read in a rule is passed over, and what is read of it decides",
    ),
    Fault(
        "compiler/imports/nft/text_rules.py",
        '"ge": ">=", "!": "!="}',
        '"ge": ">=", "!": "=="}',
        "`! 80` is 80",
    ),
    Fault(
        "compiler/imports/nft/text_rules.py",
        'operator = "in" if isinstance(right, list) or _is_flags(asked) else "=="',
        'operator = "in" if isinstance(right, list) else "=="',
        "a state of a connection is no flag among others",
    ),
    Fault(
        "compiler/imports/nft/text_rules.py",
        'if tokens.accept("set"):\n        return {"mangle"',
        'if tokens.accept("set"):\n        return {"counter"',
        "what a rule writes into packets is taken for a counter",
    ),
    Fault(
        "compiler/imports/nft/text_values.py",
        'if tokens.peek() == "-":\n        tokens.take()\n        return {"range": [first, plain(tokens.take())]}',
        'if tokens.peek() == "-":\n        tokens.take()\n        return plain(tokens.take())',
        "a range with spaces is its end",
    ),
    Fault(
        "compiler/imports/nft/text_values.py",
        'key = "*" if tokens.accept("*") else _single(tokens, names)',
        'key = 0 if tokens.accept("*") else _single(tokens, names)',
        "the element that stands for all others of a map is one of them",
    ),
    Fault(
        "compiler/imports/nft/text_values.py",
        "found = {operator: [found, _single(tokens, False)]}",
        "_single(tokens, False)",
        "masks of fields are passed over",
    ),
    Fault(
        "compiler/imports/nft/text_values.py",
        'out["dir"] = tokens.take().text',
        "tokens.take()",
        "addresses of a connection's reply are those of what began it",
    ),
    Fault(
        "compiler/imports/nft/text_values.py",
        'return int(text, 16) if text[:2].lower() == "0x" else int(text)',
        "return int(text, 16)",
        "decimal numbers are hexadecimal",
    ),
    Fault(
        "compiler/imports/nft/nft_words.py",
        'r"(?P<space>[ \\t\\r]+|\\\\[ \\t\\r]*\\n)',
        'r"(?P<space>[ \\t\\r]+)',
        "a line that a backslash ends is where a rule ends",
    ),
    Fault(
        "compiler/imports/nft/nft_words.py",
        "names.pop(body[0].text, None)",
        "pass",
        "what was defined stands for something after it was undefined",
    ),
    Fault(
        "compiler/imports/nft/nft_words.py",
        'if word.text == "include" and _begins(found, at) and not word.quoted:',
        "if False:",
        "a file that is included says nothing, and is not told",
    ),
    Fault(
        "compiler/imports/nft/nft_words.py",
        "if (other := OTHER_ENDS.search(text)) is not None:",
        'if (other := OTHER_ENDS.search(text)) is not None and other.group() == "\\r":',
        "a sign that ends lines for some programs hides a rule in a comment",
    ),
    Fault(
        "compiler/imports/nft/nft_values.py",
        "if low > high:\n                raise ValueError",
        "if low > high + TOP[axis]:\n                raise ValueError",
        "a range that ends before it begins is one of nothing",
    ),
    Fault(
        "compiler/imports/nft/nft_values.py",
        "return int(net[0]), int(net[-1])",
        'return int(IPv4Address(value["addr"]) if axis[-1] == "4" else IPv6Address(value["addr"])), int(net[-1])',
        "a prefix with bits behind the mask begins there",
    ),
    Fault(
        "compiler/imports/nft/nft_values.py",
        "if not 0 <= number <= TOP[axis]:",
        "if number < 0:",
        "a port beyond the last is one",
    ),
    Fault(
        "compiler/imports/nft/nft_listing.py",
        'unknowns.append(NotKnown(where, "acl", "", "", f"{where}: {short(what)}", span))',
        "pass",
        "what a rule set may do and nobody reads is not told",
    ),
    Fault(
        "compiler/imports/nft/nft_listing.py",
        'unknowns = [NotKnown("nftables", "acl", "", "", NOT_FOLLOWED, None)]',
        "unknowns: list[NotKnown] = []",
        "rule sets are taken to be followed between devices",
    ),
    Fault(
        "compiler/imports/nft/nft_listing.py",
        "if table.dormant is not False:",
        "if table.dormant is True:",
        "a table that may be dormant is awake",
    ),
    Fault(
        "compiler/imports/nvue/nvue_values.py",
        "return (first, last) if first <= last <= MAX_PORT else None",
        "return (first, last) if last <= MAX_PORT else None",
        "a range of ports that ends before it begins is one of nothing",
    ),
    Fault(
        "compiler/imports/nvue/nvue_values.py",
        'found = parsed(branch, text, lambda t: ip_network(t, strict=False), "a network")',
        'found = parsed(branch, text, lambda t: ip_network(t.split("/")[0]), "a network")',
        "a network is its first address",
    ),
    Fault(
        "compiler/imports/nvue/nvue_values.py",
        'return found, "" if exact else text',
        'return found, ""',
        "bits behind a mask are as they should be",
    ),
    Fault(
        "compiler/imports/nvue/nvue_sessions.py",
        "if any(one not in USUAL[family] for one in wanted):",
        'if any(one not in USUAL["evpn"] for one in wanted):',
        "a next hop that stays as it was is usual in every family",
    ),
    Fault(
        "compiler/imports/nvue/nvue_sessions.py",
        'if family == "evpn" and not is_on(extended):',
        'if family == "ipv4" and not is_on(extended):',
        "a session that sends no route targets is as others are",
    ),
    Fault(
        "compiler/imports/nvue/nvue_sessions.py",
        "return not value or any(is_on(inner) for inner in value.values())",
        "return bool(value) and all(is_on(inner) for inner in value.values())",
        "a setting of which a part is off is off",
    ),
    Fault(
        "compiler/imports/review/asked_lists.py",
        'return self.entry.action in ("permit", "deny") and not self.entry.partial',
        'return self.entry.action in ("permit", "deny")',
        "an entry that may match what it says decides that for certain",
    ),
    Fault(
        "compiler/imports/review/asked_lists.py",
        "return [*self._boxes[4], *self._boxes[6]]",
        "return [*self._boxes[4]]",
        "an entry of both families is one of IPv4",
    ),
    Fault(
        "compiler/imports/nvue/shapes/entry_columns.py",
        "like.dports if dport < 0 else ((dport, dport),),",
        "like.dports if dport <= 0 else ((dport, dport),),",
        "an entry about port 0 is about that of its shape",
    ),
    Fault(
        "compiler/imports/nvue/shapes/entry_columns.py",
        "like.destination if destination < 0 else networks[destination],",
        "like.destination if destination < 0 else networks[source],",
        "entries of one shape lead to where they come from",
    ),
    Fault(
        "compiler/imports/nvue/shapes/rule_words.py",
        "if PORT.fullmatch(value) and int(value) <= MAX_PORT:",
        "if PORT.fullmatch(value):",
        "a port beyond the last is the value of a shape",
    ),
    Fault(
        "compiler/imports/nvue/shapes/rule_words.py",
        "return self.kind(before + quote, sort), len(self.networks) - 1",
        "return self.kind(before, sort), len(self.networks) - 1",
        "addresses with quotes and without are one kind",
    ),
    Fault(
        "compiler/imports/joined/behind_port.py",
        "return endpoint.name in self.names",
        "return any(endpoint.name.startswith(name) for name in self.names)",
        "a rule of a device is also about pods that are called as one behind it begins",
    ),
    Fault(
        "compiler/imports/joined/behind_port.py",
        'return "vrf", frozenset((self.vrf,))',
        'return "vrf", frozenset()',
        "who is behind an interface is in no VRF",
    ),
)
