"""Makes the moves of a saved schedule again in code, also where the code beside them, or Python's own, has changed since."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from scenrun.model.moves import Diverged, Move
from scenrun.own_code.running.steps import Controlled
from scenrun.own_code.searching.executions import CodeExecutions
from scenrun.own_code.searching.schedule_tree import ROOT
from scenrun.own_code.telling.labels import thread_name
from scenrun.search.properties.end_states import FindingKey

MOST_MORE = 1_000
"""Steps that are made after the last move, until the finding shows."""


class Follower:
    """Makes moves, one after another."""

    def __init__(self, executions: CodeExecutions) -> None:
        self.executions = executions
        self.state = ROOT
        self.found: FindingKey | None = None
        """The finding that was asked for, as it is now."""

    def follow(self, moves: Sequence[Move]) -> None:
        """Make all moves; raises Diverged at the first one that cannot be made.

        Steps in other code that a line calls may be more or fewer than they were: those that no move names are made, and moves
        that name none are left out.
        """
        for number, move in enumerate(moves):
            self._make(number, move, moves[number + 1 :])
        self.executions.at(self.state)

    def _make(self, number: int, move: Move, rest: Sequence[Move]) -> None:
        while True:
            execution = self.executions.at(self.state)
            one = next((one for one in execution.threads if thread_name(execution, one.number) == move.thread), None)
            if one is None:
                raise Diverged(number, f"move {number + 1:,} ({move}): {move.thread} has not been started then")
            now = self.executions.move_of(one) if one.next is not None else None
            if now is not None and _is_same(now, move):
                return self._step(number, move, one, rest)
            if now is not None and move.inner and (_is_expected(now, move, rest) or not one.is_enabled):
                return None  # it is not there any more, and what comes now is what came after it
            if now is not None and (now.inner or _is_in_line(now, move)):
                self._step(number, now, one, rest)
            elif move.inner:
                return None
            else:
                about = "has ended by then" if now is None else f"is about to {_shown(now)} instead"
                raise Diverged(number, f"move {number + 1:,} ({move}): {move.thread} {about}")

    def _step(self, number: int, move: Move, one: Controlled, rest: Sequence[Move]) -> None:
        while not (afters := self.executions.afters_of(self.state, one.number)) and self._has_freed(rest):
            pass
        if move.alternative >= len(afters):
            raise Diverged(number, f"move {number + 1:,} ({move}): it cannot move, as it has to wait")
        self.state = afters[move.alternative]

    def _has_freed(self, rest: Sequence[Move]) -> bool:
        """Let a thread make a step in other code that none of the moves is; returns whether there was one."""
        execution = self.executions.at(self.state)
        for one in execution.threads:
            if one.is_enabled and (now := self.executions.move_of(one)).inner:
                expected = next((move for move in rest if move.thread == now.thread), None)
                afters = self.executions.afters_of(self.state, one.number)
                if afters and (expected is None or not _is_same(now, expected)):
                    self.state = afters[0]
                    return True
        return False

    def shows(self, about: FindingKey) -> bool:
        """Whether a finding is shown now, or once the threads have gone on, each for as long as it can."""
        for _ in range(MOST_MORE):
            if self._is_among(about, self.executions.lasting(self.state)):
                return True
            afters = self.executions.successors(self.state)
            if not afters:
                return self._is_among(about, self.executions.end(self.state).findings)
            execution = self.executions.at(self.state)
            last = execution.moved[-1].thread if execution.moved else 0
            self.state = (*self.executions.afters_of(self.state, last), *afters)[0]
        return False

    def _is_among(self, about: FindingKey, found: Sequence[FindingKey]) -> bool:
        """Whether a finding is among those of a state; an outcome is one, whatever its values."""
        for one in found:
            if one == about or (
                one.kind == about.kind and about.about == "outcome" and one.about.startswith("outcome [")
            ):
                self.found = one
                return True
        return False


def _is_same(now: Move, move: Move) -> bool:
    return now._replace(alternative=0, expires=False) == move._replace(alternative=0, expires=False)


def _is_expected(now: Move, move: Move, rest: Sequence[Move]) -> bool:
    """Whether a step is a later one of the thread's moves: in the same line, if it is in the line of this move."""
    of_thread = [one for one in rest if one.thread == move.thread]
    if _is_in_line(now, move):
        of_thread = list(takewhile(lambda one: _is_in_line(one, move), of_thread))
    return any(_is_same(now, one) for one in of_thread)


def _is_in_line(now: Move, move: Move) -> bool:
    return bool(now.source) and (now.function, now.source) == (move.function, move.source)


def _shown(move: Move) -> str:
    where = f" at `{move.source}`" if move.source else f" at {move.step}" if move.step else ""
    return f"{'end' if move.op == 'ends' else move.op}{where}"
