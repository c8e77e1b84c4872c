"""The holds of locks and semaphores: from acquired to released, interrupted while the holder waits on the lock's condition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.run_started import Opening

Held = Callable[[Event, float, int, str], None]
"""Takes a finished hold: the line of its begin, the second and the `seq` of its end, and how it ended."""


class _Hold:
    """One acquisition that is not released yet."""

    __slots__ = ("depth", "event", "releasing")

    def __init__(self, event: Event) -> None:
        self.event = event
        self.depth = 1
        self.releasing: Event | None = None


class Holdings:
    """Follows acquisitions and releases. A lock has one holder, a semaphore as many as it has permits."""

    def __init__(self, give: Held) -> None:
        self.give = give
        self.opening = Opening()
        self._holds: dict[str, list[_Hold]] = defaultdict(list)
        self._paused: dict[tuple[str, str], _Hold] = {}
        self._told: set[tuple[str, str]] = set()
        """Threads and locks whose `released` line is still to come, though another thread holds the lock by now."""

    def acquired(self, event: Event) -> None:
        """Begins a hold. A lock's former holder has released it by now, even if its `released` line comes later."""
        name, me = event.get("object", ""), event["thread"]
        holds = self._holds[name]
        if event["event"] == "lock.acquired":
            mine = next((h for h in holds if h.event["thread"] == me and h.releasing is None), None)
            if mine is not None:
                mine.depth += 1
                return
            self._taken_over(name, event)
        holds.append(_Hold(event))

    def _taken_over(self, name: str, event: Event) -> None:
        """Ends the holds of a lock that another thread has acquired."""
        holds = self._holds[name]
        for hold in holds:
            self.give(hold.event, _before(hold.releasing, event), event["seq"], "done")
            if hold.releasing is not None:
                self._told.add((hold.releasing["thread"], name))
        holds.clear()

    def releasing(self, event: Event) -> None:
        """Notes that a thread is about to release."""
        hold = self._hold_of(event)
        if hold is not None and hold.depth == 1:
            hold.releasing = event

    def released(self, event: Event) -> None:
        """Ends a hold: the thread's own, or that of another thread."""
        late = (event["thread"], event.get("object", ""))
        if late in self._told:
            self._told.remove(late)
            return
        hold = self._hold_of(event)
        if hold is None:
            return
        hold.depth -= 1
        if hold.depth == 0:
            self._holds[event.get("object", "")].remove(hold)
            self.give(hold.event, self._end_of(hold, event), event["seq"], "done")

    @staticmethod
    def _end_of(hold: _Hold, event: Event) -> float:
        """The end of a hold: `held_s` after its begin, if the release has it, as the line itself comes later."""
        end: float = event["elapsed_s"]
        held = event.get("held_s")
        if type(held) is float and hold.releasing is not None and hold.event["thread"] == event["thread"]:
            end = min(end, max(hold.releasing["elapsed_s"], hold.event["elapsed_s"] + held))
        return end

    def _hold_of(self, event: Event) -> _Hold | None:
        """The hold that a release ends: the thread's own one, or else the oldest."""
        holds, me = self._holds[event.get("object", "")], event["thread"]
        own = next((h for h in reversed(holds) if h.event["thread"] == me), None)
        return own or (holds[0] if holds else None)

    def pause(self, event: Event) -> None:
        """Ends the hold of a condition's lock while its holder waits on the condition."""
        lock = self.opening.lock_of(event.get("object", ""))
        hold = next((h for h in self._holds.get(lock, ()) if h.event["thread"] == event["thread"]), None)
        if hold is not None:
            self._holds[lock].remove(hold)
            self._paused[event["thread"], lock] = hold
            self.give(hold.event, event["elapsed_s"], event["seq"], "done")

    def resume(self, event: Event) -> None:
        """Begins the hold of a condition's lock again, as deep as before."""
        lock = self.opening.lock_of(event.get("object", ""))
        hold = self._paused.pop((event["thread"], lock), None)
        if hold is not None:
            self._taken_over(lock, event)
            again = _Hold({**event, "object": lock})
            again.depth = hold.depth
            self._holds[lock].append(again)

    def close(self, end_s: float, end_seq: int) -> None:
        """Ends all holds as cut off, at the end of the log."""
        for holds in self._holds.values():
            for hold in holds:
                self.give(hold.event, end_s, end_seq, "cut_off")
        self._holds.clear()


def _before(releasing: Event | None, event: Event) -> float:
    """The latest time at which a lock was released that another thread has acquired."""
    end: float = event["elapsed_s"]
    return end if releasing is None else min(end, max(releasing["elapsed_s"], end - (event.get("waited_s") or 0.0)))
