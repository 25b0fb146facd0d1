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

FAULTS = (
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
        '            raise Unread("two repetitions stand in a row")',
        "            pass",
        "a possessive repetition is read as another one",
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
        "                if len(order) >= MOST_STATES:",
        "                if len(order) >= 10**9:",
        "states are not bounded",
        by=f"{OF}/test_languages.py::test_beyond_the_bound_nothing_is_said",
    ),
    Fault(
        LANGUAGES,
        "return Language(self.automaton - other.automaton)",
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
        "    for side in (out, into):",
        "    for side in (into,):",
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
)
