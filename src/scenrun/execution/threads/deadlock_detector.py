"""Detects deadlocks of a running program without stopping it; reports none that is not certain.

The detector reads every published wait, checks with each object that the wait cannot end, reads the position of every
other thread, and then checks every thread found a second time. A wait that is the same object at both looks lasted
throughout; and whatever another thread did before its position was read is visible at the second look. Each object's
check excludes a thread that already has what it waited for but has not ended its wait yet (see `locks.py`, `queues.py`,
`waiting.py`). The result is the greatest set of blocked threads that no thread outside the set can free; a thread
outside may still do every operation that its code has left (`control_flow.py`).
"""

from __future__ import annotations

from scenrun.execution.threads.context import Context, Wait
from scenrun.execution.threads.pools import RealPool
from scenrun.execution.threads.run import Run
from scenrun.program.control_flow import ANYTHING, Footprints
from scenrun.program.primitives.registry import operation


class Detector:
    """Finds the deadlocked threads of one run; called on the supervisor's thread, takes no lock of the scenario."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.footprints = Footprints(run.program)

    def deadlocked(self) -> list[tuple[Context, Wait | None]]:
        """Returns the threads that can never move again, with their waits (None: a task that waits for a worker).

        Empty if they are all daemons: a daemon that is blocked for ever does not keep the run from ending.
        """
        known = list(self.run.contexts)
        contexts = [c for c in known if not c.ended]
        picture = [(context, context.wait) for context in contexts]
        blocked = {c: w for c, w in picture if w is not None and self._is_blocked(c, w)}
        if not blocked:
            return []
        idle = {c for c in contexts if self._is_queued(c)}
        # The set is computed between two looks at the waits: only a wait that both see unchanged was unbroken while the
        # positions of the other threads were read.
        found = self._greatest_stuck_set(contexts, blocked, idle)
        if all(context.daemon for context in found):
            return []
        if len(self.run.contexts) != len(known) or not all(self._is_still(c, blocked.get(c)) for c in found):
            return []
        return [(context, blocked.get(context)) for context in found]

    @staticmethod
    def _is_blocked(context: Context, wait: Wait) -> bool:
        if context.coming:  # an interrupt may come in it, and do anything
            return False
        return wait.deadline_ns is None and wait.object is not None and wait.object.stuck(wait.op, context)

    def _is_still(self, context: Context, wait: Wait | None) -> bool:
        """Whether the thread still has the wait that the first look found."""
        if wait is None:
            return self._is_queued(context) and not context.ended
        # The object comes first: a thread that goes on ends its wait before the object counts that, so a lock that is
        # held by this very thread is recognized by the wait that has ended.
        return self._is_blocked(context, wait) and context.wait is wait

    @staticmethod
    def _is_queued(context: Context) -> bool:
        """Whether the thread is a task that no worker has begun."""
        return context.pool is not None and context.started_ns == 0

    def _greatest_stuck_set(
        self, contexts: list[Context], blocked: dict[Context, Wait], queued: set[Context]
    ) -> list[Context]:
        """Starts with all blocked threads and removes those that can be freed, until none can."""
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
        """The effects that a thread outside the set may still have, as bits of `Footprints`."""
        seen = context.seen
        # without a position in its own code, a thread may still do everything that this code does
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
        if wait.op in ("future.wait", "future.next"):
            return any(c not in inside and not c.ended for c in wait.object.contexts)  # type: ignore[attr-defined]
        if wait.op == "pool.shutdown":
            pool: RealPool = wait.object  # type: ignore[assignment]
            return not any(task in inside for task in pool.unfinished())
        return any(effects & self.footprints.bit(wait.object.cell, freer) for freer in known.freed_by)

    @staticmethod
    def _gets_a_worker(task: Context, blocked: dict[Context, Wait], inside: set[Context]) -> bool:
        """Whether one of the pool's workers is free or may become free."""
        pool: RealPool = task.pool
        held = [t for t in pool.unfinished() if t in inside and t in blocked]
        return len(held) < pool.max_workers
