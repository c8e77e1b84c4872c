"""A finding with the choices that lead to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scenrun.model.machine import Transition
from scenrun.search.properties.end_states import FindingKey


@dataclass(frozen=True, slots=True)
class Witness:
    """How to come to a finding."""

    about: FindingKey
    choices: tuple[Transition, ...]
    cycle: tuple[Transition, ...] = ()
    """Of a livelock: what is done again and again from there on."""
    goal: Callable[[int], bool] | None = None
    """Whether a packed state shows it as well."""
    said: str | None = None
    """What went wrong, where that is known already."""
