"""Faults of what is said of requests: expressions, languages, rules, paths, and who sees what."""

from mutants.table import Fault

PARTS = "compiler/requests/regex_parts.py"
LANGUAGES = "compiler/requests/languages.py"
RULES = "compiler/requests/http_rules.py"
ASKED = "compiler/requests/asked_requests.py"
VERDICTS = "compiler/requests/request_verdicts.py"
PATHS = "compiler/requests/seen_paths.py"
NAMES = "compiler/requests/server_names.py"
TEXT = "compiler/requests/request_text.py"
PORTS = "compiler/sources/cilium_ports.py"
ANSWERS = "sim/why/request_answers.py"
OF = "tests/compiler/requests"
READ = f"{OF}/test_regex_parts.py"
HTTP = f"{OF}/test_http_rules.py"
SEEN = f"{OF}/test_request_verdicts.py"
WHY = "tests/sim/why/test_request_answers.py"

SETS = "compiler/requests/request_sets.py"
BOUNDS = "compiler/requests/request_bounds.py"
SPELLINGS = "compiler/requests/spellings.py"
JUDGE = "sim/proof/request_paths.py"
LINES = "tests/sim/proof/test_request_paths.py"

FAULTS = (
    Fault(
        SETS,
        "    if meet(piece, box) is None:\n        return [piece]",
        "    if meet(piece, box) is None:\n        return []",
        "a box takes away what it does not touch",
        by=f"{OF}/test_request_sets.py",
    ),
    Fault(
        SETS,
        "    return box if all(box.values()) else None",
        "    return box",
        "an empty box is one",
        by=f"{OF}/test_request_sets.py",
    ),
    Fault(
        BOUNDS,
        "            return (EVERYTHING,) if tls else ()",
        "            return ()",
        "a server name lets no request in",
        by=f"{OF}/test_request_bounds.py",
    ),
    Fault(
        BOUNDS,
        "        case _:\n            return ()",
        "        case _:\n            return (EVERYTHING,)",
        "who has to prove who it is passes for certain",
        by=f"{OF}/test_request_bounds.py",
    ),
    Fault(
        BOUNDS,
        "for rule in one.rules if not rule.unread]",
        "for rule in map(known_parts, one.rules)]",
        "a rule that is not read lets all pass for certain",
        by=f"{OF}/test_request_bounds.py",
    ),
    Fault(
        BOUNDS,
        '    there = {"path": normal_paths()}\n',
        "    there: Box = {}\n",
        "rules see paths that are not normalised",
        by=f"{OF}/test_request_bounds.py",
    ),
    Fault(
        SPELLINGS,
        "        if low:\n            found.append(_escape(high, low))",
        "        pass",
        "an escaped sign is another one",
        by=f"{OF}/test_spellings.py",
    ),
    Fault(
        SPELLINGS,
        'return of_parts(joined(parts, read_regex(r"\\.?(:[0-9]{1,5})?")))',
        "return of_parts(parts)",
        "a host with a port is another one",
        by=f"{OF}/test_spellings.py",
    ),
    Fault(
        JUDGE,
        "            and all((reach.sets[reach.path_set[row]] | ~needed).all() for row in found[key])",
        "",
        "requests get through ports that are closed",
        by=LINES,
    ),
    Fault(
        JUDGE,
        "        if found is not None and bounds.unread:\n            return None, bounds.unread",
        "",
        "what hangs on an expression that is not read fails",
        by=LINES,
    ),
    Fault(
        JUDGE,
        '            self.undecided = self.undecided or f"requests are too many to tell apart: {error}"',
        "            pass",
        "what is too much to work out holds",
        by=LINES,
    ),
    Fault(
        JUDGE,
        "            if any((reach.sets[reach.path_set[row]] & others).any() for row in rows):",
        "            if False:",
        "only is not about other ports",
        by=LINES,
    ),
    Fault(
        JUDGE,
        "            return self._detour(bounds, meant)",
        '            return found, ""',
        "a detour around a path is not found",
        by=LINES,
    ),
    Fault(
        "sim/proof/prove.py",
        '            "fails" if not o.holds else "unknown" if o.undecided or doubted(o.claim) else "holds"',
        '            "fails" if not o.holds else "unknown" if doubted(o.claim) else "holds"',
        "a line that is undecided holds",
        by=LINES,
    ),
    Fault(
        "sim/wording/assumptions.py",
        "    if said := [line for line in lines if line is not None]:",
        "    if said := []:",
        "certificates tell of requests as of packets",
        by=LINES,
    ),
    Fault(
        PARTS,
        "return bool(at & self.last) or (begin and self.empty)",
        "return bool(at) or begin",
        "an expression matches what only begins as it does",
        by=READ,
    ),
    Fault(
        PARTS,
        "return self.sign(subtract(ALL, ((10, 10),)))",
        "return self.sign(ALL)",
        "a dot is a newline as well",
        by=READ,
    ),
    Fault(
        PARTS,
        "return subtract(ALL, chars) if negated else chars",
        "return chars",
        "a class with ^ holds what it names",
        by=READ,
    ),
    Fault(
        PARTS,
        'raise Unread(f"{sign} stands inside it")',
        "return NOTHING",
        "an anchor inside is passed over",
        by=READ,
    ),
    Fault(
        PARTS,
        "            self.link(copies[-1].last, copies[-1].first)",
        "            pass",
        "a star holds a sign once",
        by=READ,
    ),
    Fault(
        PARTS,
        "bounds[1] is not None and bounds[1] < bounds[0]",
        "False",
        "a repetition of three to two is read",
        by=READ,
    ),
    Fault(
        LANGUAGES,
        "if sizes[0] * sizes[1] > MOST_PRODUCT or max(sizes) > MOST_STATES:",
        "if max(sizes) > 10**9:",
        "products are not bounded",
        by=f"{OF}/test_languages.py",
    ),
    Fault(
        LANGUAGES,
        "return Language(minimal(self.automaton - other.automaton))",
        "return Language(self.automaton)",
        "a difference leaves out nothing",
        by=f"{OF}/test_languages.py",
    ),
    Fault(
        RULES,
        "found.append(held != ABSENT and ask.value in (None, held[1:]))",
        "found.append(ask.value in (None, held[1:]))",
        "a header that must be there may be missing",
        by=HTTP,
    ),
    Fault(
        RULES,
        "        return None if None in found else True",
        "        return True",
        "what is not read of a rule holds",
        by=HTTP,
    ),
    Fault(
        RULES,
        'held = request.value(f":{ask.name.lower()}")',
        'held = request.value(f":{ask.name}")',
        "upper case of a header's name counts",
        by=HTTP,
    ),
    Fault(
        ASKED,
        "return alike and (not isinstance(other, RequestAsked) or self.rules == other.rules)",
        "return alike",
        "what a header must hold makes no other condition",
        by=HTTP,
    ),
    Fault(
        ASKED,
        "    if not all(permits):\n        return ()",
        "    permits = [one for one in permits if one]",
        "a permit of everything beside one of some requests lets some pass",
        by=HTTP,
    ),
    Fault(
        VERDICTS,
        "    if request.tls and not seen:",
        "    if False:",
        "what is inside TLS is seen",
        by=SEEN,
    ),
    Fault(
        VERDICTS,
        '                return RequestVerdict(False, "no TLS, so no server name")',
        "                return RequestVerdict(True)",
        "a request in clear has the server name that is asked for",
        by=SEEN,
    ),
    Fault(
        VERDICTS,
        "found = [_of(one, request, profile, TERMINATED in given) for one in given]",
        "found = [_of(one, request, profile, True) for one in given]",
        "TLS is always ended",
        by=SEEN,
    ),
    Fault(
        VERDICTS,
        '            return RequestVerdict(False, "it is no DNS query")',
        "            return RequestVerdict(True)",
        "a request is a DNS query",
        by=SEEN,
    ),
    Fault(
        VERDICTS,
        "    if len({one.holds for one in found}) > 1:",
        "    if False:",
        "of readings of a path the first counts",
        by=SEEN,
    ),
    Fault(
        PATHS,
        "    if SLASHES.search(before):",
        "    if False:",
        "an escaped slash is passed over",
        by=SEEN,
    ),
    Fault(
        PATHS,
        'DOTS = re.compile(r"((?:\\.|%2[eE]){1,2})(;.*)?")',
        'DOTS = re.compile(r"(\\.{1,2})(;.*)?")',
        "dots that are escaped stay in a path",
        by=SEEN,
    ),
    Fault(
        PATHS,
        "                del out[-1:]",
        "                pass",
        "two dots leave what stands before them",
        by=SEEN,
    ),
    Fault(
        PATHS,
        "    return (shape - dots) - escaped",
        "    return shape - escaped",
        "rules see paths with segments of dots",
        by=f"{OF}/test_seen_paths.py",
    ),
    Fault(
        NAMES,
        'return (labels + r"\\." if below else "") + starred',
        "return starred",
        "two stars in front hold nothing",
        by=f"{OF}/test_server_names.py",
    ),
    Fault(
        NAMES,
        "    return None if None in found else False",
        "    return False",
        "a pattern that is none is no name",
        by=f"{OF}/test_server_names.py",
    ),
    Fault(
        TEXT,
        'tls = url is not None and url["scheme"] == "https"',
        "tls = False",
        "https is in clear",
        by=f"{OF}/test_request_text.py",
    ),
    Fault(
        PORTS,
        "        if not mismatch:",
        "        if True:",
        "a header that is only logged refuses",
        by=f"{WHY}::test_headers_decide_and_are_not_shown",
    ),
    Fault(
        ANSWERS,
        'return "deny" if False in said else "unknown" if None in said else "allow"',
        'return "deny" if False in said else "allow"',
        "what is not known to pass passes",
        by=WHY,
    ),
    Fault(
        ANSWERS,
        "    for side in (taken.out, taken.into):",
        "    for side in (taken.into,):",
        "what the sender's proxy refuses passes",
        by=WHY,
    ),
    Fault(
        ANSWERS,
        'return "normalised" if tenant is None else tenant.http_paths',
        'return "normalised"',
        "paths are always normalised",
        by=WHY,
    ),
    Fault(
        "compiler/policy/semantics.py",
        "        return any_of([rule.conditions for rule in rules])",
        "        return tuple(sorted({c for rule in rules for c in rule.conditions}))",
        "by definition all permits of a flow ask together",
        by="tests/compiler/sources/test_cilium_policy.py",
    ),
    Fault(
        "compiler/requests/request_changes.py",
        "        return shortest(left(after.boxes, before.boxes)), shortest(left(before.boxes, after.boxes))",
        "        return shortest(left(before.boxes, after.boxes)), shortest(left(after.boxes, before.boxes))",
        "what is gained is told as lost",
        by=f"{OF}/test_request_changes.py",
    ),
    Fault(
        "compiler/requests/request_changes.py",
        "        if before.unread or after.unread:",
        "        if False:",
        "what is not read is compared as if it were",
        by=f"{OF}/test_request_changes.py",
    ),
    Fault(
        "compiler/requests/request_logs.py",
        "            if len(line) > MOST_LINE:",
        "            if False:",
        "lines of a log are not bounded",
        by=f"{OF}/test_request_logs.py",
    ),
    Fault(
        "compiler/requests/request_logs.py",
        "else True if isinstance(code, int) and code != 403 else None",
        "else isinstance(code, int) and code != 403",
        "a 403 of a server is told as one of a rule",
        by=f"{OF}/test_request_logs.py",
    ),
    Fault(
        "cloison/views/replayed_requests.py",
        '{("allow", False), ("deny", True)}',
        '{("allow", False)}',
        "what passed and is denied is no difference",
        by="tests/cloison/cli/test_replayed_requests.py",
    ),
    Fault(
        "sim/diff/diff.py",
        "    refuse_other_paths(old, new)\n",
        "",
        "the same rules over paths that are read otherwise are no difference",
        by=f"{OF}/test_request_changes.py",
    ),
    Fault(
        RULES,
        'known and name.lower() != "host" and not name.startswith(":")',
        "known",
        "a header called Host is one as others are",
        by=f"{OF}/test_http_rules.py",
    ),
)
