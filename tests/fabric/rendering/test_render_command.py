"""Commands as they may stand in a file, and which of them may run."""

from __future__ import annotations

from pathlib import Path

import pytest
from renderers import in_path

from fabric.diagnostics import InputError
from fabric.rendering.render_command import (
    FOREIGN,
    program,
    rendering,
    rendering_asked,
    words_of,
)


def test_words_are_split_as_a_shell_does_it() -> None:
    found = words_of("helm template shop charts/shop -f 'values prod.yaml' --set a='$x'")
    assert found == ("helm", "template", "shop", "charts/shop", "-f", "values prod.yaml",
                     "--set", "a=$x")  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "./render.sh", "/bin/sh -c x", "../kustomize build", "A=b kustomize build",
        "kustomize build x | sh", "kustomize build x > y", "kustomize build $(pwd)", "a `id`",
        "kustomize build x; id", "kustomize build 'x", "kustomize build x && id", "-x",
        "kustomize build 'a\nb'", "kustomize build x 2>/dev/null",
        *(f"kustomize build x {word}" for word in FOREIGN), "helm template --post-renderer=./x",
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="C652"):
        words_of(text)


def test_only_what_was_asked_for_may_run() -> None:
    assert rendering_asked() is None
    with rendering("kustomize build overlays/prod", "helm"):
        asked = rendering_asked()
        assert asked is not None
        for text, may in (
            ("kustomize build overlays/prod", True),
            ("kustomize build overlays/prod --enable-helm", True),
            ("kustomize build overlays/production", False),
            ("kustomize build", False),
            ("helm template x", True),
            ("helmfile template", False),
        ):
            assert asked.lets(words_of(text)) == may, text
    assert rendering_asked() is None
    with rendering():
        assert rendering_asked() is None


def test_a_program_in_the_tree_is_never_the_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    in_path(monkeypatch, tree / "bin", tool="#!/bin/sh\n")
    with pytest.raises(OSError, match="lies in the tree"):
        program("tool", [tree])
    monkeypatch.setenv("PATH", f"bin:{tree / 'bin'}:{tmp_path / 'own'}")
    monkeypatch.chdir(tree)
    with pytest.raises(OSError, match="there is no tool"):
        program("tool", [tree])
    in_path(monkeypatch, tmp_path / "bin", tool="#!/bin/sh\n")
    monkeypatch.setenv("PATH", f"bin:{tmp_path / 'own'}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="there is no tool"):
        program("tool", [tree])
    own = tmp_path / "own"
    own.mkdir()
    (own / "tool").symlink_to(tree / "bin" / "tool")
    with pytest.raises(OSError, match="lies in the tree"):
        program("tool", [tree])
    (own / "tool").unlink()
    (own / "tool").write_text("#!/bin/sh\n")
    (own / "tool").chmod(0o755)
    assert program("tool", [tree]) == own / "tool"
