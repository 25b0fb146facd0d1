"""Records of what was asked of the file system."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fabric.diagnostics import InputError
from fabric.io.dependencies import QUESTIONS, Record, asked, entries, place, recording, same
from fabric.io.reading import opened, read_bytes


def test_every_question_is_recorded_with_its_answer(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    (tmp_path / "link").symlink_to("file")
    with recording() as outer, recording() as record:
        read_bytes(file)
        for kind in QUESTIONS:
            if kind not in ("content", "entries"):
                asked(kind, file)
        assert [*entries(tmp_path)] == [("file", False, False), ("link", False, True)]
        assert place(tmp_path / "link") == file
    assert record.whole and outer.answers == record.answers
    assert {kind for kind, _ in record.answers} == {*QUESTIONS}
    assert same(record.answers, {})
    file.write_text("y")
    assert not same(record.answers, {})


def test_what_cannot_be_asked_or_says_two_things_spoils_the_record(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with recording() as record, pytest.raises(InputError):
        read_bytes(file)
    assert not record.whole
    with recording() as record, pytest.raises(OSError, match="file"):
        entries(file)
    assert not record.whole
    file.write_text("x")
    with recording() as record:
        read_bytes(file)
        assert record.whole
        file.write_text("y")
        read_bytes(file)
    assert not record.whole
    with recording() as record, opened(file) as stream:
        assert stream.read() == b"y"
    assert not record.whole, "what is read in pieces is not digested"


@pytest.mark.parametrize("now", ["gone", "pipe", "folder", "device", "circle"])
def test_what_is_no_file_any_more_is_not_opened(now: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with recording() as record:
        read_bytes(file)
    only = {key: answer for key, answer in record.answers.items() if key[0] == "content"}
    assert same(only, {})
    file.unlink()
    match now:
        case "pipe":
            os.mkfifo(file)
        case "folder":
            file.mkdir()
        case "device":
            file.symlink_to("/dev/zero")
        case "circle":
            file.symlink_to("file")
    assert not same(only, {})
    assert not same(record.answers, {})


def test_questions_end_at_the_first_other_answer(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    record = Record()
    record.note("place", file, "elsewhere")
    record.note("content", file, "unknown")
    known: dict[object, object] = {}
    assert not same(record.answers, known)  # type: ignore[arg-type]
    assert [*known] == [("place", str(file))]
