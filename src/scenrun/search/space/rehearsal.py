"""Random walks before a search, which widen the fields of packed states.

A breadth-first search reaches deep states last, so each field that they overflow would cost it dearly.
"""

from __future__ import annotations

import random
from contextlib import suppress

from scenrun.model.machine import Transition
from scenrun.search.space.packed import Packed
from scenrun.search.space.state_space import Overflow, Stopped

WALKS = 16
"""Random walks without a new overflow after which a rehearsal ends."""


def rehearse(packed: Packed, steps: int) -> None:
    """Walk at random, up to `steps` steps, unless another search of these states did.

    What stops the walks, such as a limit, the search that follows finds out by itself.
    """
    if packed.rehearsed < steps:
        packed.rehearsed = steps
        with suppress(Stopped):
            _walk(packed, steps)
    packed.begin_anew()


def _walk(packed: Packed, steps: int) -> None:
    draw = random.Random(0)
    quiet, state = 0, packed.begin_anew()
    path: list[Transition] = []
    for _ in range(steps):
        known = len(packed.violations)
        try:
            following = packed.following(state)
        except Overflow:
            quiet, following = 0, []
            packed.begin_anew()
        for one in packed.violations[known:]:
            packed.walked_into.append((one.kind, one.about, (*path, one.transition)))
        if following:
            transition, state = draw.choice(following)
            path.append(transition)
            continue
        quiet, state, path = quiet + 1, packed.initial, []
        if quiet > WALKS:
            return
