"""A finding with the choices that lead to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scenrun.model.machine import Choice
from scenrun.search.properties.end_states import About


@dataclass(frozen=True, slots=True)
class Way:
    """How to come to a finding."""

    about: About
    choices: tuple[Choice, ...]
    cycle: tuple[Choice, ...] = ()
    """Of a livelock: what is done again and again from there on."""
    goal: Callable[[int], bool] | None = None
    """Whether a packed state shows it as well."""
    said: str | None = None
    """What went wrong, where that is known already."""
