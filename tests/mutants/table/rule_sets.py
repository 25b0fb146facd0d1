"""Faults of reading nftables: what makes a rule set permit what the kernel drops, or drift pass."""

from mutants.table import Fault

NFT = "compiler/imports/nft/"
VERDICT = NFT + "verdict.py"
STATEMENTS = NFT + "statements.py"
EXPRESSIONS = NFT + "expressions.py"
COMMANDS = NFT + "commands.py"
RULES = NFT + "rule_set.py"
TEXT = NFT + "nft_text.py"
DRIFT = NFT + "rule_drift.py"
SAID = NFT + "said.py"
LISTS = NFT + "chain_lists.py"
STATE = "sim/state/nft_state.py"
TESTS = "tests/compiler/imports/nft/"
ASKED = TESTS + "test_nft_documents.py::test_what_the_documents_say"
DAMAGE = TESTS + "test_nft_damage.py"
LINES = TESTS + "test_nft_lines.py"
DRIFTED = "tests/sim/state/test_nft_state.py"

FAULTS = (
    Fault(VERDICT, 'if end.kind == "drop":', 'if end.kind == "dropped":',
          "a drop in a base chain lets the next one decide", by=ASKED),
    Fault(VERDICT, 'ends[_Ended("accept" if base.policy == "accept" else "drop", said, False, way)] = None',
          'ends[_Ended("accept", said, False, way)] = None',
          "a base chain whose policy is drop accepts", by=ASKED),
    Fault(VERDICT, "go((*behind, (decided.chain, 0)), then)", "go((*frames[:-1], (decided.chain, 0)), then)",
          "a jump does not come back", by=ASKED),
    Fault(VERDICT, "return (step.lookup.find(masked) is not None) != step.negated",
          "return step.lookup.find(masked) is not None", "what is not equal is equal", by=ASKED),
    Fault(VERDICT, "if table.family in (\"ip\", \"ip6\") and self.packet.family", "if False and self.packet.family",
          "a table of IPv4 sees IPv6", by=ASKED),
    Fault(VERDICT, 'if table.family == "arp" or table.dormant is True:', 'if table.family == "arp":',
          "a dormant table decides", by=ASKED),
    Fault(VERDICT, "if unsure:\n            ends.append", "if False:\n            ends.append",
          "a chain that perhaps is not asked is asked for certain", by=ASKED),
    Fault(VERDICT, "elif isinstance(step, Opaque):\n                way = way.doubting(rule.span, step.text)\n                out.append((None, way))",
          "elif isinstance(step, Opaque):\n                way = way.doubting(rule.span, step.text)",
          "a limit always matches", by=ASKED),
    Fault(VERDICT, "return replace(way, tracked=False), None", "return way, None",
          "what is not tracked has a state", by=ASKED),
    Fault(VERDICT, "return packet.state if way.tracked else None", "return packet.state",
          "states are asked of what is not tracked", by=ASKED),
    Fault(VERDICT, "self.left -= 1", "pass", "a rule set that forks without end is followed without end",
          by=DAMAGE + "::test_chains_that_fork_without_end_are_given_up"),
    Fault(RULES, 'return iter(sorted(found, key=lambda both: both[1].priority))', "return iter(found)",
          "chains go by their place in the file", by=ASKED),
    Fault(RULES, "return isinstance(value, int) and part[0] <= value <= part[1]",
          "return isinstance(value, int) and part[0] <= value < part[1]",
          "the last value of a range is not in it", by=ASKED),
    Fault(EXPRESSIONS, 'needs = (only("protocol", PROTOCOL_NUMBERS[protocol]),)', "needs = ()",
          "a port of TCP is one of UDP too", by=ASKED),
    Fault(EXPRESSIONS, 'needs = (only("family", family),)', "needs = ()",
          "an address of IPv4 is asked of IPv6", by=ASKED),
    Fault(STATEMENTS, 'elif kind == "reject":', 'elif kind == "rejected":',
          "a reject may be anything", by=ASKED),
    Fault(STATEMENTS, "yield NftMatch(lookup, operator == \"!=\", asked.masks)", "yield NftMatch(lookup, False, asked.masks)",
          "the opposite of a set is the set", by=ASKED),
    Fault(COMMANDS, "rules.insert(0 if first else len(rules), (statements, span, comment, command.known))",
          "rules.append((statements, span, comment, command.known))", "what is inserted stands behind", by=ASKED),
    Fault(COMMANDS, 'held.unsure = "packets change it"\n        elif', 'held.unsure = ""\n        elif',
          "a set that packets change is what it was", by=DAMAGE),
    Fault(COMMANDS, "elif callee in inside:", "elif False:", "a chain may call itself",
          by=DAMAGE + "::test_what_means_harm_is_told_with_its_place"),
    Fault(COMMANDS, 'elif set(flags) - {"owner", "persist"}:', "elif False:",
          "flags that nft did not print are none", by=DRIFTED + "::test_drift_is_found"),
    Fault(TEXT, "number += sign * self._number", "number -= sign * self._number",
          "a priority behind a name is before it", by=ASKED),
    Fault(LISTS, "if axis in self.asked and self.asked[axis] != (keys, step.negated):", "if False:",
          "the last of two matches of one kind is the only one",
          by=LINES + "::test_lists_say_what_their_rules_ask"),
    Fault(LISTS, 'elif isinstance(step, NftDecision) and step.kind == "return" and chain.hook:',
          'elif isinstance(step, NftDecision) and step.kind == "return":',
          "who returns from a chain is let pass", by=LINES),
    Fault(DRIFT, 'if _head(mine) != _head(theirs):', "if False:", "a chain that is hooked elsewhere is the same",
          by=DRIFTED + "::test_drift_is_found"),
    Fault(DRIFT, "if mine.dormant != theirs.dormant:", "if False:", "a table that sleeps is awake",
          by=DRIFTED + "::test_drift_is_found"),
    Fault(DRIFT, "for n in range(low + both, high):", "for n in range(0):", "a rule that is gone is no difference",
          by=DRIFTED + "::test_drift_is_found"),
    Fault(DRIFT, "for n in range(first + both, last):", "for n in range(0):", "a rule more is no difference",
          by=DRIFTED + "::test_drift_is_found"),
    Fault(DRIFT, "        if chain.hook:\n            state", "        if not chain.hook:\n            state",
          "a table that nobody wants is no difference", by=DRIFTED + "::test_drift_is_found"),
    Fault(SAID, "{'not ' if match.negated else ''}", "", "a match and its opposite are said alike",
          by=DRIFTED + "::test_drift_is_found"),
    Fault(STATE, "if found.items:\n        return found.items[0].message", "if False:\n        return found.items[0].message",
          "a listing that cannot be read is one of which parts are missing",
          by=DRIFTED + "::test_a_damaged_listing_is_unknown"),
    Fault(STATE, "if node not in self.nodes:\n            return NftRuleSet()", "if False:\n            return NftRuleSet()",
          "rules are wanted where nothing is enforced", by=DRIFTED + "::test_rules_where_none_are_wanted"),
    Fault(
        NFT + "text_rules.py",
        'line is not None and "@" not in line',
        "line is not None",
        "a rule about a set asks what it asked on the device before",
        by=TESTS + "test_known_lines.py",
    ),
    Fault(
        NFT + "text_values.py",
        "tokens.known.elements.get((names, line))",
        "tokens.known.elements.get((False, line))",
        "names of devices are read as the numbers that they look like",
        by=TESTS + "test_known_lines.py",
    ),
    Fault(
        NFT + "known_lines.py",
        "key = (about, id(value))",
        "key = id(value)",
        "an address of a receiver is the one of a sender",
        by=TESTS + "test_known_lines.py",
    ),
    Fault(
        NFT + "nft_words.py",
        'any(word in text for word in ("define", "include", "$"))',
        "False",
        "what is defined in one file stands for nothing",
        by=TESTS + "test_known_lines.py",
    ),
)  # fmt: skip
