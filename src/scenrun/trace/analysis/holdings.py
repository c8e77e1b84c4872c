"""Who holds which lock: from acquired to released, not while its holder waits on a condition of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from scenrun.trace.analysis.opening import Opening
from scenrun.trace.analysis.reading import Event

Held = Callable[[Event, float, int, str], None]
"""Takes a hold that has ended: the line with which it began, when it ended, with which line, and how."""


class _Hold:
    """One acquisition that was not given back yet."""

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
        """Who is still to say that it has released what, though another one has it by now."""

    def acquired(self, event: Event) -> None:
        """A thread has taken it. Whoever was releasing a lock has released it by now, whatever the log says later."""
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
        """A thread has the lock that others were releasing."""
        holds = self._holds[name]
        for hold in holds:
            self.give(hold.event, _before(hold.releasing, event), event["seq"], "done")
            if hold.releasing is not None:
                self._told.add((hold.releasing["thread"], name))
        holds.clear()

    def releasing(self, event: Event) -> None:
        """A thread is about to give it back."""
        hold = self._hold_of(event)
        if hold is not None and hold.depth == 1:
            hold.releasing = event

    def released(self, event: Event) -> None:
        """A thread has given it back: its own, or somebody else's."""
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
        """When it was given back: as long after it was taken as it was held, if the release says so."""
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
        """A thread waits on a condition, and gives the condition's lock up meanwhile."""
        lock = self.opening.lock_of(event.get("object", ""))
        hold = next((h for h in self._holds.get(lock, ()) if h.event["thread"] == event["thread"]), None)
        if hold is not None:
            self._holds[lock].remove(hold)
            self._paused[event["thread"], lock] = hold
            self.give(hold.event, event["elapsed_s"], event["seq"], "done")

    def resume(self, event: Event) -> None:
        """It has the lock again, as often as before."""
        lock = self.opening.lock_of(event.get("object", ""))
        hold = self._paused.pop((event["thread"], lock), None)
        if hold is not None:
            self._taken_over(lock, event)
            again = _Hold({**event, "object": lock})
            again.depth = hold.depth
            self._holds[lock].append(again)

    def close(self, end_s: float, end_seq: int) -> None:
        """What is held now is never given back."""
        for holds in self._holds.values():
            for hold in holds:
                self.give(hold.event, end_s, end_seq, "cut_off")
        self._holds.clear()


def _before(releasing: Event | None, event: Event) -> float:
    """When a lock was given back that somebody else has now."""
    end: float = event["elapsed_s"]
    return end if releasing is None else min(end, max(releasing["elapsed_s"], end - (event.get("waited_s") or 0.0)))
