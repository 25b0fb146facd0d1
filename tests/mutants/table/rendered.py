"""Faults of manifests that a program makes, and of what lies beside manifests."""

from __future__ import annotations

from mutants.table import Fault

COMMAND = "fabric/rendering/render_command.py"
RUN = "fabric/rendering/confined_run.py"
CHILD = "fabric/rendering/confined_child.py"
TREE = "fabric/rendering/input_tree.py"
FILES = "fabric/rendering/rendered_files.py"
FOREIGN = "fabric/kubernetes/files/foreign.py"
OF_COMMANDS = "tests/fabric/rendering/test_render_command.py::"
OF_RUNS = "tests/fabric/rendering/test_confined_run.py::"
OF_TREES = "tests/fabric/rendering/test_input_tree.py::"
OF_FILES = "tests/fabric/rendering/test_rendered_files.py::"
OF_FOREIGN = "tests/fabric/kubernetes/files/test_foreign.py::"
VERBS = "tests/cloison/cli/test_render.py::"

FAULTS = (
    Fault(
        FOREIGN,
        "if nothing_else:",
        "if nothing_else and len(self.counts) > 1:",
        "a folder of nothing but the values of a chart is a cluster in which nobody reaches anybody",
        by=OF_FOREIGN + "test_nothing_but_others_data_is_no_cluster",
    ),
    Fault(
        FILES,
        "if asked is None or not asked.lets(step.words):",
        "if asked is None:",
        "whoever lets one command run lets every command run that a file names",
        by=OF_FILES + "test_nothing_runs_that_nobody_asked_for",
    ),
    Fault(
        COMMAND,
        "any(command[: len(start)] == start for start in self.asked)",
        "any(command[0] == start[0] for start in self.asked)",
        "the rest of a command that was asked for may be another one",
        by=OF_COMMANDS + "test_only_what_was_asked_for_may_run",
    ),
    Fault(
        COMMAND,
        "place.is_relative_to(tree) or found.is_relative_to(tree) for tree in trees",
        "found.is_relative_to(tree) for tree in trees",
        "a link in the search path runs a program out of the tree",
        by=OF_COMMANDS + "test_a_program_in_the_tree_is_never_the_one",
    ),
    Fault(
        COMMAND,
        "if not found.is_absolute() or",
        "if",
        "a relative search path runs a program out of the working directory",
        by=OF_COMMANDS + "test_a_program_in_the_tree_is_never_the_one",
    ),
    Fault(
        COMMAND,
        'if word.partition("=")[0] in FOREIGN',
        "if word in FOREIGN",
        "--post-renderer=./x runs x",
        by=OF_COMMANDS + "test_what_is_no_command_is_refused",
    ),
    Fault(
        RUN,
        'if sizes["printed"] > bounds.printed:',
        'if sizes["printed"] > 4 * bounds.printed:',
        "four times as much may be printed as is said",
        by=OF_RUNS + "test_who_prints_too_much_or_never_ends_is_ended_with_all_it_started",
    ),
    Fault(
        RUN,
        "os.killpg(process.pid, signal.SIGKILL)",
        "os.kill(process.pid, signal.SIGKILL)",
        "what a program left running goes on where there are no walls",
        by=OF_RUNS + "test_who_prints_too_much_or_never_ends_is_ended_with_all_it_started",
    ),
    Fault(
        RUN,
        "return Ran(found.printed, found.said, found.code, why, found.ended)",
        "return found",
        "an answer does not say that there were no walls",
        by=OF_RUNS + "test_the_same_tries_succeed_where_there_are_no_walls",
    ),
    Fault(
        CHILD,
        "every = NEWUSER | NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS",
        "every = NEWUSER | NEWNS | NEWPID | NEWIPC | NEWUTS",
        "a program that renders has the network",
        by=OF_RUNS + "test_there_is_no_network_no_other_file_and_nothing_to_write",
    ),
    Fault(
        CHILD,
        "about = MountAttributes(RDONLY | NOSUID | more, 0, 0, 0)",
        "about = MountAttributes(NOSUID | more, 0, 0, 0)",
        "a program that renders can write to what it is shown",
        by=OF_RUNS + "test_there_is_no_network_no_other_file_and_nothing_to_write",
    ),
    Fault(
        CHILD,
        'libc.syscall(calls["keyctl"], JOIN_SESSION_KEYRING, None)',
        "pass",
        "a program that renders without walls reads the keys of who asks",
        by=OF_RUNS + "test_the_kernel_refuses_keys_other_users_and_sockets_that_leave_the_machine",
    ),
    Fault(
        CHILD,
        "FAMILIES = (2, 10, 16)",
        "FAMILIES = (1, 2, 10, 16, 40)",
        "a program that renders speaks to the host of the virtual machine",
        by=OF_RUNS + "test_the_kernel_refuses_keys_other_users_and_sockets_that_leave_the_machine",
    ),
    Fault(
        CHILD,
        'for name in ("clone", "unshare"):',
        "for name in ():",
        "a program that renders has every privilege in a namespace of its own",
        by=OF_RUNS + "test_the_kernel_refuses_keys_other_users_and_sockets_that_leave_the_machine",
    ),
    Fault(
        TREE,
        "return not (self.place / name).resolve().is_relative_to(self.place)",
        "return False",
        "a link to a link that leads out is handed on, and nobody is told",
        by=OF_TREES + "test_links_out_by_any_way_are_left_out_and_told",
    ),
    Fault(
        TREE,
        "(e for e in found if e.name != HIDDEN)",
        "(e for e in found)",
        "a program that renders reads what git keeps, with its credentials",
        by=OF_TREES + "test_what_git_keeps_is_no_part_and_nothing_may_be_executed",
    ),
    Fault(
        TREE,
        'self.note("file", name, self.copied(entry.path, to))',
        "self.copied(entry.path, to)",
        "what was printed for another tree counts as that of this one",
        by=OF_TREES + "test_digests_are_equal_where_trees_are_and_a_copy_is_its_original",
    ),
    Fault(
        TREE,
        'asked("there", self.root / name)',
        "pass",
        "a submodule whose files are missing is rendered as if it were empty",
        by=VERBS + "test_a_revision_with_a_submodule_is_refused",
    ),
    Fault(
        FILES,
        "parts = VERSION, step.words, str(where), found, step.inside, tree.digest",
        "parts = VERSION, step.words, str(where), step.inside, tree.digest",
        "another release of the program counts as the one that printed",
        by=OF_FILES + "test_it_is_kept_by_what_counts_and_only_where_that_is_wanted",
    ),
    Fault(
        FILES,
        'found = (_digest_of(where), signs(environment("", where)["PATH"]))',
        "found = (_digest_of(where),)",
        "what kustomize printed with another release of helm counts as with this one",
        by=OF_FILES + "test_it_is_kept_by_what_counts_and_only_where_that_is_wanted",
    ),
    Fault(
        FILES,
        "    if ran.code:\n",
        "    if ran.code and not ran.printed:\n",
        "what a program printed before it failed counts as all of it",
        by=OF_FILES + "test_a_program_that_fails_is_an_error_whatever_it_printed",
    ),
    Fault(
        FILES,
        "if not ran.printed.strip():",
        "if False:",
        "a command that prints nothing is a cluster without policies",
        by=OF_FILES + "test_a_program_that_fails_is_an_error_whatever_it_printed",
    ),
    Fault(
        FILES,
        "if left_out := known[step.root].left_out:",
        "if not (left_out := known[step.root].left_out):",
        "nobody hears of links that the program was not given",
        by=OF_FILES + "test_links_out_of_the_tree_make_the_answer_unknown",
    ),
    Fault(
        "cloison/loading/kept_worlds.py",
        "return kept() and not never and rendering_asked() is None",
        "return kept() and not never",
        "a directory that was read as it is answers for what a command makes of it",
        by=VERBS + "test_nothing_kept_without_it_answers_for_it",
    ),
    Fault(
        FOREIGN,
        'r"kind|\\\\[ux\\r\\n]|binary',
        'r"kind|binary',
        "a broken policy whose keys are escaped is passed over as data of others",
        by=OF_FOREIGN + "test_what_may_be_an_object_is_a_mistake_and_not_passed_over",
    ),
    Fault(
        FOREIGN,
        "elif isinstance(value, Mapping):\n            left",
        "elif False:\n            left",
        "a policy below items that no kind stands over is passed over",
        by=OF_FOREIGN + "test_what_may_be_an_object_is_a_mistake_and_not_passed_over",
    ),
    Fault(
        "fabric/kubernetes/files/objects.py",
        'elif inside := next(held(value.get("items"), ("items",)), ()):',
        "elif inside := ():",
        "a policy that kubectl applies is taken for a part of a ConfigMap",
        by=OF_FOREIGN + "test_what_may_be_an_object_is_a_mistake_and_not_passed_over",
    ),
    Fault(
        FOREIGN,
        "said = {str(key).lower(): below for key, below in value.items()}",
        "said = dict(value)",
        "a policy whose keys are in other capitals is passed over",
        by=OF_FOREIGN + "test_what_may_be_an_object_is_a_mistake_and_not_passed_over",
    ),
)
