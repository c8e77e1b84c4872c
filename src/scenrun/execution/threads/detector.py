"""Says which threads can never move again: certain, or silent.

First every published wait is read, then each object is asked whether that wait surely cannot end, then the place of
every other thread is read, and then all that was found is asked again. A wait that is still the same was unbroken in
between; and what another thread did before its place was read has shown by the time of the second asking. Each
object's answer excludes a thread that has what it wanted but has not said so yet (see `locks.py`, `queues.py`,
`waiting.py`). Of the threads found, the greatest set is taken that nobody outside it can free: whoever is not in the
set may still do anything that the program has left for it (`footprints.py`).
"""

from __future__ import annotations

from scenrun.execution.threads.context import Context, Wait
from scenrun.execution.threads.pools import RealPool
from scenrun.execution.threads.run import Run
from scenrun.program.control_flow import ANYTHING, Footprints
from scenrun.program.primitives.registry import operation


class Detector:
    """Looks at a run from outside."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.footprints = Footprints(run.program)

    def deadlocked(self) -> list[tuple[Context, Wait | None]]:
        """The threads that can never move again, with their waits (None: a task that waits for a worker).

        Empty unless one of them is needed: a daemon that is blocked for ever does not keep anybody from ending.
        """
        known = list(self.run.contexts)
        contexts = [c for c in known if not c.ended]
        picture = [(context, context.wait) for context in contexts]
        blocked = {c: w for c, w in picture if w is not None and self._is_blocked(c, w)}
        if not blocked:
            return []
        idle = {c for c in contexts if self._is_queued(c)}
        found = self._greatest_stuck_set(contexts, blocked, idle)
        if all(context.daemon for context in found):
            return []
        if len(self.run.contexts) != len(known) or not all(self._is_still(c, blocked.get(c)) for c in found):
            return []
        return [(context, blocked.get(context)) for context in found]

    @staticmethod
    def _is_blocked(context: Context, wait: Wait) -> bool:
        return wait.deadline_ns is None and wait.object is not None and wait.object.stuck(wait.op, context)

    def _is_still(self, context: Context, wait: Wait | None) -> bool:
        """Whether it waits as before; the object is asked first, as who goes on ends its wait first."""
        if wait is None:
            return self._is_queued(context) and not context.ended
        return self._is_blocked(context, wait) and context.wait is wait

    @staticmethod
    def _is_queued(context: Context) -> bool:
        """A task that has not begun."""
        return context.pool is not None and context.started_ns == 0

    def _greatest_stuck_set(
        self, contexts: list[Context], blocked: dict[Context, Wait], queued: set[Context]
    ) -> list[Context]:
        """Begin with all that are blocked, and take out who can be freed, until nobody can."""
        stuck = [c for c in contexts if c in blocked or c in queued]
        while True:
            inside = set(stuck)
            others = [c for c in contexts if c not in inside]
            if any(c.calling for c in others):
                return []
            effects = 0
            for context in others:
                effects |= self._left(context)
            if effects & ANYTHING:
                return []
            kept = [c for c in stuck if not self._can_be_freed(c, blocked, effects, inside)]
            if len(kept) == len(stuck):
                return [c for c in kept if c in blocked or not c.daemon]
            stuck = kept

    def _left(self, context: Context) -> int:
        """What a thread outside the set may still do."""
        seen = context.seen
        at_own_code = seen is not None and seen.code == context.code
        return self.footprints.left(context.code, seen.pc if at_own_code and seen else 0)

    def _can_be_freed(self, context: Context, blocked: dict[Context, Wait], effects: int, inside: set[Context]) -> bool:
        wait = blocked.get(context)
        if wait is None:
            return bool(effects & self.footprints.bit(-1, "cancel")) or self._gets_a_worker(context, blocked, inside)
        assert wait.object is not None
        kind = wait.op.partition(".")[0]
        known = operation(wait.op)
        assert known is not None
        if kind == "thread" or wait.op == "future.result":
            return wait.object.context not in inside  # type: ignore[attr-defined]
        if wait.op == "pool.shutdown":
            pool: RealPool = wait.object  # type: ignore[assignment]
            return not any(task in inside for task in pool.unfinished())
        return any(effects & self.footprints.bit(wait.object.cell, freer) for freer in known.freed_by)

    @staticmethod
    def _gets_a_worker(task: Context, blocked: dict[Context, Wait], inside: set[Context]) -> bool:
        """Whether one of the pool's workers is free, or may become free."""
        pool: RealPool = task.pool
        held = [t for t in pool.unfinished() if t in inside and t in blocked]
        return len(held) < pool.max_workers
