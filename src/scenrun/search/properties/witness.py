"""The witness of a finding: the transitions that lead to it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from scenrun.model.machine import Transition
from scenrun.search.properties.end_states import FindingKey


class Witness(Struct, frozen=True):
    """A finding with a path to it, from the initial state."""

    about: FindingKey
    transitions: tuple[Transition, ...]
    cycle: tuple[Transition, ...] = ()
    """For a livelock: the transitions that are repeated for ever after `transitions`."""
    goal: Callable[[int], bool] | None = None
    """Whether a packed state shows the finding; a path is shortened towards such a state."""
    said: str | None = None
    """The sentence that describes the finding, if it is known already."""
