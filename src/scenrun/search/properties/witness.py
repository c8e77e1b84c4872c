"""The witness of a finding: the choices that lead to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scenrun.model.machine import Transition
from scenrun.search.properties.end_states import FindingKey


@dataclass(frozen=True, slots=True)
class Witness:
    """A finding with a path to it, from the initial state."""

    about: FindingKey
    choices: tuple[Transition, ...]
    cycle: tuple[Transition, ...] = ()
    """For a livelock: the choices that are repeated for ever after `choices`."""
    goal: Callable[[int], bool] | None = None
    """Whether a packed state shows the finding; a path is shortened towards such a state."""
    said: str | None = None
    """The sentence that describes the finding, if it is known already."""
