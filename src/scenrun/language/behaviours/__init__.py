"""The behaviours that come with scenrun, written in the scenario language: one runnable file each."""

from __future__ import annotations

from functools import cache
from importlib import resources

from scenrun.errors import InternalError
from scenrun.language.model import Behaviour
from scenrun.language.reader import read_scenario
from scenrun.language.source import decode


@cache
def names() -> tuple[str, ...]:
    """The names of the shipped behaviours, in alphabetical order."""
    files = resources.files(__package__).iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


def text(name: str) -> str:
    """The file of a shipped behaviour: a scenario that shows it at work."""
    return resources.files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")


@cache
def shipped(name: str) -> Behaviour | None:
    """The shipped behaviour of that name, or None."""
    if name not in names():
        return None
    scenario, problems = read_scenario(decode(f"{name}.yaml", text(name).encode()))
    if scenario is None or problems or name not in scenario.behaviours:
        raise InternalError(f"the shipped behaviour `{name}` is broken: {problems}")
    behaviour: Behaviour = scenario.behaviours[name]
    return behaviour
