"""What a fabric file says of manifests that a program makes: `render:` of a tenant."""

from __future__ import annotations

from os.path import normpath

from pydantic import ConfigDict, Field

from fabric.file.times import Model


class RenderStep(Model):
    """A command that prints manifests. It runs only when somebody asks for that."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    command: str = Field(description="a program and its words, such as: kustomize build .")
    in_: str = Field(".", alias="in", description="the directory in which it runs")


Render = str | list[str | RenderStep]


def render_steps(said: Render) -> tuple[RenderStep, ...]:
    """The commands in order.

    >>> [step.command for step in render_steps("helm template shop")]
    ['helm template shop']
    """
    steps = [said] if isinstance(said, str) else said
    return tuple(RenderStep(command=s) if isinstance(s, str) else s for s in steps)


def moved(said: object, way: str) -> object:
    """What stands under `render:` of a file in another directory, to which `way` leads."""
    steps = [said] if isinstance(said, str) else said
    if not isinstance(steps, list):
        return said
    out: list[object] = []
    for step in steps:
        if isinstance(step, str):
            out.append({"command": step, "in": normpath(way)})
        elif isinstance(step, dict) and isinstance(step.get("in", "."), str):
            out.append({**step, "in": normpath(f"{way}/{step.get('in', '.')}")})
        else:
            out.append(step)
    return out
