"""How interrupts come in the threads of a model: on the stack of a thread, above the step that it is about to do."""

from __future__ import annotations

from collections.abc import Iterator

from scenrun.model.own_instructions import OwnInstructions
from scenrun.model.state import LEAVING, State, Thread, Who
from scenrun.program.ir import Interrupt

INTERRUPT = -1
"""The alternative of a transition with which the first interrupt of a thread comes; the next one is -2."""


class Interruptions(OwnInstructions):
    """The codes of a program, in whose threads interrupts come."""

    def interrupts_in(self, thread: Thread) -> Iterator[int]:
        """The alternatives with which interrupts may come in a thread now: in none that runs one, or has not begun."""
        if (thread.pc >= 0 or thread.pc == LEAVING) and thread.below is None:
            yield from (INTERRUPT - at for at, times in enumerate(thread.coming) if times)

    def interrupt_of(self, thread: Thread, alternative: int) -> Interrupt | None:
        """The interrupt that comes with an alternative; None where the thread makes a step."""
        if alternative > INTERRUPT:
            return None
        return self.program.interrupts_of(thread.who.group)[INTERRUPT - alternative]

    def interrupted(self, state: State, number: int, alternative: int) -> State | None:
        """The state in which an interrupt has come in a thread; None where it may not come now."""
        thread = state.threads[number]
        if alternative not in self.interrupts_in(thread):
            return None
        come = self._come(thread, INTERRUPT - alternative)
        return state._replace(threads=(*state.threads[:number], come, *state.threads[number + 1 :]))

    def interruptions(self, state: State, number: int) -> Iterator[tuple[int, State]]:
        """The alternatives with which interrupts may come in a thread now, each with the state after it."""
        for alternative in self.interrupts_in(state.threads[number]):
            if (after := self.interrupted(state, number, alternative)) is not None:
                yield alternative, after

    def _come(self, thread: Thread, at: int) -> Thread:
        """The thread at the first step of an interrupt."""
        coming = (*thread.coming[:at], thread.coming[at] - 1, *thread.coming[at + 1 :])
        code = self.program.interrupts_of(thread.who.group)[at].code
        begun = Thread(thread.who, 0, (), handler=code, below=thread._replace(coming=coming))
        return self._ran(begun, 0, self.codes[code].registers(()), [])

    def coming_in(self, who: Who) -> tuple[int, ...]:
        """How often each of the interrupts of a thread's group comes in it."""
        return tuple(one.times for one in self.program.interrupts_of(who.group)) if self.program.interrupts else ()
