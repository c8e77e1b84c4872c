"""Schedules that begin alike share their beginning: a tree, whose nodes are the states that strategies see."""

from __future__ import annotations

Choice = int
"""The number of the thread that moves, and above it, in which of the ways that there are."""
THREAD_BITS = 20
ROOT = 0
"""The state before the first step."""


def thread_of(choice: Choice) -> int:
    """The number of the thread."""
    return choice & (1 << THREAD_BITS) - 1


class ScheduleTree:
    """The schedules that have a number so far."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all but the empty one."""
        self._before: list[int] = [ROOT]
        self._choices: list[Choice] = [0]
        self._depths: list[int] = [0]
        self._after: dict[tuple[int, Choice], int] = {}

    def __len__(self) -> int:
        return len(self._before)

    def after(self, state: int, choice: Choice) -> int:
        """The number of a schedule with one more step."""
        found = self._after.setdefault((state, choice), len(self._before))
        if found == len(self._before):
            self._before.append(state)
            self._choices.append(choice)
            self._depths.append(self._depths[state] + 1)
        return found

    def depth(self, state: int) -> int:
        """The number of steps."""
        return self._depths[state]

    def beyond(self, earlier: int, state: int) -> list[int] | None:
        """The states after an earlier one on the way to a state, in order; None where the way does not lead through it."""
        out = []
        while self._depths[state] > self._depths[earlier]:
            out.append(state)
            state = self._before[state]
        return out[::-1] if state == earlier else None

    def choice(self, state: int) -> Choice:
        """The last step of a schedule that is not empty."""
        return self._choices[state]

    def schedule(self, state: int) -> tuple[Choice, ...]:
        """All steps."""
        return tuple([self._choices[one] for one in self.beyond(ROOT, state) or ()])
