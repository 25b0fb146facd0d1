"""The command line as a whole: exit codes, messages, `--help` that costs nothing."""

from __future__ import annotations

import errno

import click
import pytest
from click.testing import CliRunner

import cloison.cli
from cloison.cli import VERBS, main
from cloison.cli.shell.lazy import LazyGroup
from fabric.diagnostics import CapacityError, Diagnostic, InputError, MachineError, Span

FAILURES = [
    (InputError(Diagnostic("C101", "no such thing", Span("x.yaml", 3, 4))), 2, "C101"),
    (CapacityError("dpu1 holds 10 rules, 12 wanted"), 3, "error: dpu1"),
    (MachineError("nft is not installed"), 2, "error: nft"),
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "x.yaml"), 2, "x.yaml: No such"),
    (KeyboardInterrupt(), 130, "interrupted"),
    (KeyError("oops"), 70, "bug in cloison"),
]


@pytest.mark.parametrize(("failure", "code", "words"), FAILURES, ids=lambda x: type(x).__name__)
def test_failures_become_messages_and_exit_codes(
    monkeypatch: pytest.MonkeyPatch, failure: BaseException, code: int, words: str
) -> None:
    @click.command()
    def fails() -> None:
        raise failure

    monkeypatch.setattr(LazyGroup, "get_command", lambda *_: fails)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == code
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def fails() -> None:
        raise KeyError("oops")

    monkeypatch.setattr(LazyGroup, "get_command", lambda *_: fails)
    result = CliRunner().invoke(main, ["--debug", "check"])
    assert result.exit_code == 70
    assert "Traceback" in result.stderr


def test_wrong_usage_is_2_and_suggests() -> None:
    result = CliRunner().invoke(main, ["complie"])
    assert result.exit_code == 2
    assert "compile" in result.stderr


def test_help_names_every_verb_and_the_exit_codes() -> None:
    text = CliRunner().invoke(main, ["--help"]).stdout
    assert all(verb in text for verb in VERBS)
    assert "Exit codes" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    result = CliRunner().invoke(main, [verb, "--help"])
    assert result.exit_code == 0, result.stderr
    assert "Usage: main" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).stdout.startswith("cloison ")


def test_foreign_fabric_stops_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloison.cli.shell.guard.conflict", lambda: "somebody else owns fabric")
    result = CliRunner().invoke(cloison.cli.main, ["schema"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "somebody else" in result.stderr
