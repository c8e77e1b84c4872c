"""Searches on from the middle of a schedule: can this still go wrong, and what is the shortest way?"""

from __future__ import annotations

import time
from typing import Any

from msgspec import Struct

from scenrun.model.machine import Machine, Transition
from scenrun.model.state import State, StateKeys
from scenrun.search.properties.end_states import end_state_of


class Finish(Struct, frozen=True):
    """What a search from a state has found."""

    is_bad: bool
    """Whether an end with a finding can still come."""
    path: tuple[Transition, ...] = ()
    """The shortest way to one."""
    numbers: tuple[int, ...] = ()
    """The same by the numbers of the transitions among those that are possible, from 0."""
    states: int = 0
    closed: bool = True
    """Whether all states from there on were visited; otherwise one that is bad may have been missed."""


def finish_from(machine: Machine, begin: State, most_states: int, seconds: float) -> Finish:
    """Search breadth first from a state until an end with a finding comes.

    A way that goes on for ever is none: this finds what ends badly, not what does not end.
    """
    end = time.monotonic() + seconds
    keys = StateKeys()
    first = keys.of(begin)
    came: dict[Any, tuple[Any, Transition | None, int]] = {first: (None, None, 0)}
    level = [(first, begin)]
    while level:
        following = []
        for known, state in level:
            after = list(machine.following(state))
            if not after and end_state_of(machine, state).findings:
                return _found(came, known)
            for number, (transition, then) in enumerate(after):
                if (found := keys.of(then)) not in came:
                    came[found] = known, transition, number
                    following.append((found, then))
            if len(came) > most_states or time.monotonic() > end:
                return Finish(False, states=len(came), closed=False)
        level = following
    return Finish(False, states=len(came))


def _found(came: dict[Any, tuple[Any, Transition | None, int]], known: Any) -> Finish:
    path: list[Transition] = []
    numbers: list[int] = []
    while (step := came[known])[1] is not None:
        known, transition, number = step
        assert transition is not None
        path.insert(0, transition)
        numbers.insert(0, number)
    return Finish(True, tuple(path), tuple(numbers), len(came))
