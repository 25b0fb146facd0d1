"""Faults of what decides requests to object storage."""

from mutants.table import Fault

ROOM = "compiler/decisions/storage"
SEMANTICS, OPERATORS = f"{ROOM}/storage_semantics.py", f"{ROOM}/condition_operators.py"
READ, PATTERNS, ACTIONS = f"{ROOM}/read_policy.py", f"{ROOM}/patterns.py", f"{ROOM}/actions.py"
LINTS, QUESTIONS = f"{ROOM}/storage_lints.py", "cloison/views/storage/bucket_questions.py"
TESTS = "tests/compiler/decisions/storage"
ORDER, CONDITIONS = f"{TESTS}/test_storage_semantics.py", f"{TESTS}/test_condition_operators.py"
POLICIES, TEXTS = f"{TESTS}/test_read_policy.py", f"{TESTS}/test_patterns.py"
DOUBTS, VERB = (
    f"{TESTS}/test_storage_lints.py",
    "tests/cloison/cli/storage/test_storage_requests.py",
)

TABLE, LAW = f"{ROOM}/storage_table.py", f"{TESTS}/test_storage_table.py"
PROOF = f"{TESTS}/test_outsiders.py"
JOIN = "tests/cloison/cli/storage/test_storage_fabric.py"

FAULTS = (
    Fault("compiler/decisions/decision.py", 'STRONGEST: tuple[Verdict, ...] = ("denied", "unknown", "allowed")', 'STRONGEST: tuple[Verdict, ...] = ("denied", "allowed", "unknown")', "what is unknown of a path permits", by="tests/compiler/decisions/test_decision.py"),
    Fault("cloison/views/asked_lines.py", "while line and not line.endswith(", "while False and not line.endswith(", "the rest of a line that is too long is further questions", by="tests/cloison/views/test_asked_lines.py"),
    Fault("fabric/io/placed_json.py", "            if key in values:", "            if False:", "a key of a policy that stands twice is its last one", by=POLICIES),
    Fault(SEMANTICS, "    if denies.sure:\n        return _stated(\"denied\", \"statement_denies\", denies.sure, request)\n    covered", "    if denies.sure and not owns:\n        return _stated(\"denied\", \"statement_denies\", denies.sure, request)\n    covered", "a Deny does not bind the owner of a bucket", by=ORDER),
    Fault(SEMANTICS, "    if denies.unsure and (may or allows.unsure):", "    if denies.unsure and allows.unsure:", "a Deny that may apply is passed over for keys of the owner", by=ORDER),
    Fault(SEMANTICS, "    if allows.unsure:\n        return _unsure(allows.unsure, request)\n    if owns", "    if owns", "an Allow that may apply is a denial", by=ORDER),
    Fault(SEMANTICS, "    covered = owns and caller is not None and covers(", "    covered = caller is not None and covers(", "a key's level holds in every organisation's buckets", by=ORDER),
    Fault(SEMANTICS, "action in OWN_POLICY and not bucket.gave_up", "action in OWN_POLICY", "an owner that gave up its policy keeps it", by=ORDER),
    Fault(SEMANTICS, "    return principal.key is None or principal.key == caller.key", "    return principal.key is None", "a statement that names a key means nobody", by=ORDER),
    Fault(SEMANTICS, "    if principal.unread:\n        return None", "    if principal.unread:\n        return False", "a role is nobody", by=ORDER),
    Fault(SEMANTICS, "return found if found is None else found is not statement.others", "return found", "NotPrincipal is Principal", by=ORDER),
    Fault(SEMANTICS, "return any(fits_action(text, action) for text, _ in words.patterns) is not words.other", "return any(fits_action(text, action) for text, _ in words.patterns)", "NotAction is Action", by=ORDER),
    Fault(SEMANTICS, "return None if fits_name(plain, resource) else False", "return False", "a resource with a region is nothing, for sure", by=ORDER),
    Fault(SEMANTICS, "return None if given is None else holds(", "return False if given is None else holds(", "what was not said of a request does not hold", by=ORDER),
    Fault(SEMANTICS, '    if not allows.sure and not allows.unsure:\n        why = "no policy', '    if False:\n        why = "no policy', "an organisation's silence lets pass", by=VERB),
    Fault(OPERATORS, '            how.opposite and op.quantifier != "ForAnyValue"', "            False", "the opposite of an operator fails where the key is missing", by=CONDITIONS),
    Fault(OPERATORS, 'op.if_exists or op.quantifier == "ForAllValues"', "op.if_exists", "ForAllValues fails where the key is missing", by=CONDITIONS),
    Fault(OPERATORS, "return every(each) if how.opposite else some(each)", "return some(each)", "an opposite holds where one of the values differs", by=CONDITIONS),
    Fault(OPERATORS, "        return None if how.opposite else False", "        return how.opposite", "what is no number differs from every number, for sure", by=CONDITIONS),
    Fault(OPERATORS, "any(boolean(text) is (not given) for text in wanted)", "any(boolean(text) is bool(given) for text in wanted)", "Null is the wrong way round", by=CONDITIONS),
    Fault(OPERATORS, 'f"{prefix}LessThan": _operator(read, lambda a, b: b < a),', 'f"{prefix}LessThan": _operator(read, lambda a, b: b <= a),', "less than is less or equal", by=CONDITIONS),
    Fault(PATTERNS, "pattern.split(\":\", PARTS - 1), name.split(\":\", PARTS - 1)", "pattern.split(\":\"), name.split(\":\")", "a pattern of keys matches none that has a colon", by=TEXTS),
    Fault(PATTERNS, "found.version == where.version and found in where", "found in where or found.version != where.version", "every IPv6 source is in each range of IPv4", by=CONDITIONS),
    Fault(PATTERNS, "parts, others = pattern.lower().split(\":\"), action.lower().split(\":\")", "parts, others = pattern.split(\":\"), action.split(\":\")", "names of actions have a case", by=TEXTS),
    Fault(ACTIONS, 'not name.endswith(("Acl", "BucketPolicy"))', 'not name.endswith("BucketPolicy")', "a read key reads ACLs", by=ORDER),
    Fault(ACTIONS, '            return level != "write"', "            return True", "a write key reads", by=ORDER),
    Fault(READ, '        if others and effect == "Allow":', "        if False:", "NotPrincipal with Allow is taken", by=POLICIES),
    Fault(READ, '        if "${" in text:', "        if False:", "a variable is taken for its name", by=POLICIES),
    Fault(READ, 'version is None or version.value != VERSION', 'version is not None and version.value != VERSION', "a policy needs no version", by=POLICIES),
    Fault(READ, "        if not hit:\n", "        if False:\n", "an action that nobody knows is taken", by=POLICIES),
    Fault(READ, 'key=None if key in ("", "*") else key', "key=key or None", "all keys of a user are one that is called so", by=ORDER),
    Fault(LINTS, 'if op.name == NULL or op.if_exists or op.quantifier == "ForAllValues":', "if op.name == NULL:", "a condition that holds without its key narrows", by=DOUBTS),
    Fault(LINTS, "return all(one.prefixlen > WIDE[one.version] for one in ranges)", "return any(one.prefixlen > WIDE[one.version] for one in ranges)", "half of all addresses are somebody", by=DOUBTS),
    Fault(QUESTIONS, "values, context is not None)", "values, True)", "a question that says nothing of conditions says that there are none", by=VERB),
    Fault(QUESTIONS, '        "s3:ListBucket",\n', "        request.action,\n", "whoever may read is told that an object is missing", by=VERB),
    Fault("cloison/views/storage/gateway_ways.py", "if len(mine) == 1 and mine[0].num_addresses == 1:", "if mine:", "the first pod of a workload sends for all of them", by=JOIN),
    Fault("cloison/views/storage/gateway_ways.py", "    if gateway.endswith(TLS):", "    if True:", "requests to any port come with TLS", by=JOIN),
    Fault("cloison/views/storage/gateway_ways.py", "if found.flow.version == version:", "if True:", "who has no IPv6 address sends from it", by=JOIN),
    Fault("cloison/views/storage/asked_buckets.py", "both.append(together([said, way.ruling]))", "both.append(said)", "a permission is enough to get there", by=JOIN),
    Fault("cloison/views/storage/asked_buckets.py", "both.append(together([said, way.ruling]))", "both.append(way.ruling)", "a way is enough to be let in", by=JOIN),
    Fault("cloison/views/storage/asked_buckets.py", "if source is not None and (said := sorted(SEEN & {*given})):", "if False and (said := sorted(SEEN & {*given})):", "a sender may say from which address it asks", by=JOIN),
    Fault("cloison/views/storage/asked_buckets.py", "max(both, key=", "min(both, key=", "a request is denied where one IP version is", by=JOIN),
    Fault("compiler/decisions/storage/buckets_of_fabric.py", "        for named in (one for stated in statements for one in stated.principals or ()):", "        for named in ():", "whom a policy names and nobody knows is nobody", by=JOIN),
    Fault("compiler/decisions/storage/buckets_of_fabric.py", "        if refused := spec._trees and spec._trees.refusal(path, span):", "        if refused := None:", "a policy may lie anywhere on the machine", by=JOIN),
    Fault("fabric/file/extend.py", 'way = os.path.normpath(Path(there, part["policy"]))', 'way = part["policy"]', "policies of a file that is extended are looked for beside the other one", by=JOIN),
    Fault(TABLE, 'return (YES - row).astype(np.int8) if others else row', 'return row', 'tables: everybody but some are these some', by=LAW),
    Fault(TABLE, 'np.full(len(self.every), MAYBE if unread else NO, np.int8)', 'np.full(len(self.every), NO, np.int8)', 'tables: a role is nobody', by=LAW),
    Fault(TABLE, '            elif one.org is not None and one.key is not None:\n', '            elif False:\n', 'tables: a statement that names a key means nobody else, nor it', by=LAW),
    Fault(TABLE, 'np.where((denied == MAYBE) & (may > NO), np.int8(MAYBE), may)', 'may', 'tables: a Deny that may apply is passed over', by=LAW),
    Fault(TABLE, 'found = np.where(denied == YES, np.int8(NO), found)', 'found = np.where((denied == YES) & ~covered, np.int8(NO), found)', 'tables: a Deny does not bind the owner', by=LAW),
    Fault(TABLE, 'return np.where(self.owns & roots & kept[:, None], np.int8(YES), found).astype(np.int8)', 'return found.astype(np.int8)', 'tables: an owner loses its policy', by=LAW),
    Fault(TABLE, '            found = min(found, known[key])', '            found = known[key]', 'tables: the last clause of a condition counts', by=LAW),
    Fault(TABLE, '    return one.others, tuple((', '    return False, tuple((', 'tables: everybody but some share a row with these', by=LAW),
    Fault(TABLE, '        key = (clause.op, clause.key, clause.values)', '        key = (clause.key, clause.values)', 'tables: clauses of one key and value are one, whatever they ask', by=LAW),
    Fault(TABLE, '    return names.other, tuple(', '    return False, tuple(', 'tables: all actions but some share a row with these', by=LAW),
    Fault(TABLE, 'out[where[first]] = np.maximum.reduceat(rows, first, axis=0)', 'out[where[first]] = rows[first]', 'tables: the first statement of a bucket counts', by=LAW),
    Fault("cloison/views/storage/many_buckets.py", 'said = np.minimum(said, np.int8(VERDICTS.index(way.ruling.verdict)))', 'pass', 'in many buckets a permission is enough', by=JOIN),
    Fault("cloison/views/storage/many_buckets.py", 'np.where((where == one)[:, None], np.maximum(found, said), found)', 'np.maximum(found, said)', 'the gateway of one region opens buckets of all', by=JOIN),
    Fault(
        "cloison/views/storage/asked_buckets.py",
        "CHANGES = (\"s3:PutBucketPolicy\", \"s3:DeleteBucketPolicy\")",
        "CHANGES = (\"s3:DeleteBucketPolicy\",)",
        "who may write a policy changes nothing by it",
        by="tests/cloison/cli/storage/test_policy_changers.py",
    ),
    Fault(
        "cloison/views/storage/asked_buckets.py",
        "return bool(one[\"verdict\"] != \"denied\" or one[\"around\"])",
        "return bool(one[\"verdict\"] != \"denied\")",
        "nobody reads of who may change the policy",
        by="tests/cloison/cli/storage/test_policy_changers.py",
    ),
    Fault("compiler/decisions/storage/outsiders.py", 'not one.clauses and not one.others and any(', 'not one.others and any(', 'outsiders: a Deny on a condition takes an Allow away whole', by=PROOF),
    Fault("compiler/decisions/storage/outsiders.py", 'not one.clauses and not one.others and any(', 'not one.clauses and any(', 'outsiders: a Deny of all but some takes an Allow away from these', by=PROOF),
    Fault("compiler/decisions/storage/outsiders.py", 'any(named_action(one.actions, action) and holds_all(one, allow, name) for one in whole)', 'any(holds_all(one, allow, name) for one in whole)', 'outsiders: a Deny of another action takes an Allow away', by=PROOF),
    Fault("compiler/decisions/storage/outsiders.py", '        if not taken_away(allow, denies, name):', '        if False:', 'outsiders: an Allow without a request that shows it is no way in', by=PROOF),
    Fault("compiler/decisions/storage/outsiders.py", 'any(one.everybody or one.unread or one.org != owner for one', 'any(one.everybody or (not one.unread and one.org != owner) for one', 'outsiders: an Allow to a role lets nobody in from outside', by=PROOF),
    Fault("compiler/decisions/storage/outsiders.py", 'if known & {"*", resource_of("*"), f"{resource_of(name)}*"} or everything <= known:', 'if known & {"*", *everything}:', 'outsiders: a Deny of the bucket is one of its objects', by=PROOF),
    Fault("cloison/verbs/checking.py", "        beyond += bucket_policies(network.spec)\n", "", "check does not read policies of buckets", by=JOIN),
    Fault(
        "cloison/views/storage/asked_buckets.py",
        "return [LISTS, *([PRESENT] if negated else [])]",
        "return [LISTS]",
        "answers do not say that releases read negated conditions otherwise",
        by="tests/cloison/cli/storage/test_policy_changers.py",
    ),
)  # fmt: skip
