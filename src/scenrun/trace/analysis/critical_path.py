"""The critical path of a run: the chain of steps, sleeps and waits that leads to its last end.

Computed forwards: for each thread the time by place of the chain that leads to it is kept, and nothing else of the log.
When a thread lets another go on, the other's chain is replaced by its own up to that moment. Chains share their common
part as a tree, and parts that only one chain has are folded into one table, so that memory grows with threads and places
and not with the log. For a drawing, chains have their stretches of time too, up to a bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from scenrun.trace.analysis.cause import Cause
from scenrun.trace.analysis.operations import FREEING
from scenrun.trace.analysis.reading import Event
from scenrun.trace.analysis.run_started import Opening
from scenrun.trace.analysis.spans import CALLING, DONE_, QUEUED, RUNNING, SLEEPING, WAITING, WORKING, Span
from scenrun.trace.analysis.stretches import Stretch, Stretches

STARTING, WAKING = "starting", "waking"
"""The time from a thread's start to its first step; the time from a thread's cause to its next line."""
Place = tuple[str, str, int | None, str | None]
"""A thread, its activity, the line in the file, and the object."""
Moment = tuple[float, int]
"""Seconds of the run, and the `seq` of the line."""
_STARTS = ("thread.starting", "timer.starting", "thread.spawning")
_MARKS = FREEING | {*_STARTS, "thread.failed", "pool.submitting", "pool.submitted"}
"""The events after which another thread may go on or begin."""
_FOLD_AT = 50_000
_KEPT = 8_000


@dataclass(frozen=True, slots=True)
class Link:
    """One place of the critical path, with the time that the path spent there, in seconds."""

    thread: str
    what: str
    line: int | None
    object: str | None
    seconds: float


class _Node:
    """A part of a chain: its time by place, and the part before it."""

    __slots__ = ("counts", "parent", "seq", "stretches")

    def __init__(self, parent: _Node | None, chain: _Chain, seq: int) -> None:
        self.parent = parent
        self.counts, self.stretches = chain.counts, chain.stretches
        self.seq = seq


class _Chain:
    """The chain that leads to a thread's latest line."""

    __slots__ = ("base", "counts", "last_s", "last_seq", "stretches")

    def __init__(self, last_s: float, last_seq: int, stretches: Stretches | None) -> None:
        self.base: _Node | None = None
        self.counts: dict[Place, float] = {}
        self.stretches = stretches
        self.last_s = last_s
        self.last_seq = last_seq

    def add(self, place: Place, begin: Moment, end: Moment) -> None:
        """Adds a stretch of time."""
        self.counts[place] = self.counts.get(place, 0.0) + end[0] - begin[0]
        if self.stretches is not None:
            self.stretches.add(place[0], begin, end)

    def begin_anew(self, base: _Node | None) -> None:
        """Goes on from a node."""
        self.base = base
        self.counts = {}
        if self.stretches is not None:
            self.stretches = Stretches()


class CriticalPath:
    """Follows the chains of all threads; takes each span, and then the line that ended it."""

    def __init__(self, *, is_drawn: bool = False) -> None:
        self.opening = Opening()
        self._is_drawn = is_drawn
        """Whether the stretches of time are kept."""
        self._chains: dict[str, _Chain] = {}
        self._marks: dict[int, _Node | None] = {}
        """The chains at the latest lines that may be causes, by `seq`."""
        self._starts: dict[str, Cause] = {}
        self._releases: dict[str, Cause] = {}
        """The last release of each lock, which a notified thread waits for, too."""
        self._freed: dict[str, Cause] = {}
        """By worker of a pool, the end of its last task."""
        self._last: str | None = None
        """The thread that ended last."""
        self._new = 0
        self._fold_at = _FOLD_AT

    # --- lines

    def take(self, event: Event) -> None:
        """Takes a line of a thread; the time since the thread's line before counts as running."""
        who, at = event["thread"], event["elapsed_s"]
        chain = self._chains.get(who)
        if chain is None:
            chain = self._begin(event)
        if at > chain.last_s:
            chain.add((who, RUNNING, event.get("line"), None), (chain.last_s, chain.last_seq), (at, event["seq"]))
            chain.last_s = at
        chain.last_seq = event["seq"]
        if event["event"] in _MARKS:
            self._mark(chain, event)

    def _begin(self, event: Event) -> _Chain:
        who, at, seq = event["thread"], event["elapsed_s"], event["seq"]
        chain = self._chains[who] = _Chain(at, seq, Stretches() if self._is_drawn else None)
        cause = self._starts.pop(who, None)
        freed = self._freed.get(event.get("worker", ""))
        if cause is not None and freed is not None and freed.seq > cause.seq:
            cause = freed  # the task was in the queue when its worker ended another one
        if cause is not None:
            what = SLEEPING if self.opening.kind(who) == "timer" else STARTING
            self._follow(chain, cause, (who, what, cause.line, None), (cause.at_s, cause.seq), (at, seq))
        return chain

    def _mark(self, chain: _Chain, event: Event) -> None:
        """Marks the chain at a line after which other threads may go on."""
        seq, name = event["seq"], event["event"]
        if chain.counts:
            chain.begin_anew(_Node(chain.base, chain, seq))
        self._marks[seq] = chain.base
        self._new += 1
        if name == "lock.releasing":
            self._releases[event.get("object", "")] = Cause.of(event)
        elif name in _STARTS:
            self._starts.setdefault(event.get("object", ""), Cause.of(event))
        elif name in ("thread.ended", "thread.failed"):
            self._last = event["thread"]
            if "worker" in event:
                self._freed[event["worker"]] = Cause.of(event)
        if self._new > self._fold_at:
            self._fold()

    # --- spans

    def span(self, span: Span) -> None:
        """Adds a span to its thread's chain, or replaces the chain by that of the cause."""
        what = span.what
        if what == QUEUED:
            if span.by is not None:
                self._starts[span.thread] = span.by
            return
        chain = self._chains.get(span.thread)
        if chain is None or what not in (WAITING, SLEEPING, WORKING, CALLING):
            return
        begin, end = (span.begin_s, span.begin_seq), (span.end_s, span.end_seq)
        cause = self._cause(span) if what == WAITING else None
        if cause is not None and cause.at_s < span.begin_s:
            what = WAKING  # the cause precedes the wait, so that the thread could go on at once
        elif cause is not None:
            self._follow(chain, cause, (span.thread, WAKING, span.line, span.object), begin, end)
            return
        if span.begin_s > chain.last_s:
            chain.add((span.thread, RUNNING, span.line, None), (chain.last_s, chain.last_seq), begin)
        begin = max(begin, (chain.last_s, chain.last_seq))
        if span.end_s > begin[0]:
            chain.add((span.thread, what, span.line, span.object), begin, end)
            chain.last_s, chain.last_seq = end

    def _cause(self, span: Span) -> Cause | None:
        """The cause of a wait's end; after a notify it is the release of the lock that follows."""
        by = span.by if span.ended == DONE_ else None
        if by is None or span.op != "condition.wait":
            return by
        release = self._releases.get(self.opening.lock_of(span.object or ""))
        return release if release is not None and release.seq > by.seq and release.thread != span.thread else by

    def _follow(self, chain: _Chain, by: Cause, place: Place, begin: Moment, end: Moment) -> None:
        """Replaces a thread's chain by the one that led to its cause."""
        chain.begin_anew(self._at(by))
        caused = (by.at_s, by.seq)
        handed = min(max(caused, begin), end)
        if handed[0] > by.at_s:
            chain.add((by.thread, RUNNING, by.line, None), caused, handed)
        if end[0] > handed[0]:
            chain.add(place, handed, end)
        chain.last_s, chain.last_seq = max(end, caused)

    def _at(self, by: Cause) -> _Node | None:
        """The chain that led to a line."""
        if by.seq in self._marks:
            return self._marks[by.seq]
        chain = self._chains.get(by.thread)
        node = chain.base if chain is not None else None
        while node is not None and node.seq > by.seq:
            node = node.parent
        return node

    # --- folding

    def _fold(self) -> None:
        """Merges nodes that have one successor and that no mark refers to any more."""
        # Causes are rarely old; forgotten marks are looked for along the chain, at the cost of precision only.
        self._marks = dict(islice(self._marks.items(), max(0, len(self._marks) - _KEPT), None))
        ends = [chain.base for chain in self._chains.values() if chain.base is not None]
        kept = {id(node): node for node in (*ends, *self._marks.values()) if node is not None}
        children = _children(kept)
        seen: set[int] = set()
        for node in kept.values():
            at: _Node | None = node
            while at is not None and id(at) not in seen:
                seen.add(id(at))
                while (parent := at.parent) is not None and id(parent) not in kept and children[id(parent)] == 1:
                    _absorb(at, parent)
                at = at.parent
        self._new = 0
        # Doubling keeps the cost of folding proportional to the log when little can be merged.
        self._fold_at = max(_FOLD_AT, 2 * len(seen))

    # --- the result

    def links(self) -> list[Link]:
        """The places of the path to the end of the thread that ended last, the longest first."""
        chain = self._last_chain()
        if chain is None:
            return []
        total: dict[Place, float] = dict(chain.counts)
        node = chain.base
        while node is not None:
            for place, seconds in node.counts.items():
                total[place] = total.get(place, 0.0) + seconds
            node = node.parent
        ordered = sorted(total.items(), key=lambda item: -item[1])
        return [Link(*place, seconds) for place, seconds in ordered]

    def stretches(self) -> list[Stretch]:
        """The path in the order of time, as stretches of one thread each; empty unless it is to be drawn."""
        chain = self._last_chain()
        if chain is None or chain.stretches is None:
            return []
        parts, node = [chain.stretches], chain.base
        while node is not None:
            if node.stretches is not None:
                parts.append(node.stretches)
            node = node.parent
        return Stretches.joined(reversed(parts))

    def _last_chain(self) -> _Chain | None:
        """The chain of the thread that ended last."""
        chain = self._chains.get(self._last) if self._last is not None else None
        return chain or max(self._chains.values(), key=lambda one: one.last_s, default=None)


def _children(ends: dict[int, _Node]) -> dict[int, int]:
    """The number of successors of each node, by its identity."""
    out: dict[int, int] = {}
    seen: set[int] = set()
    for node in ends.values():
        at = node
        while id(at) not in seen:
            seen.add(id(at))
            if at.parent is None:
                break
            at = at.parent
            out[id(at)] = out.get(id(at), 0) + 1
    return out


def _absorb(node: _Node, parent: _Node) -> None:
    """Merges the node before a node into it."""
    # The smaller table goes into the larger one, so that long chains fold in linear time.
    more, less = (parent.counts, node.counts) if len(parent.counts) > len(node.counts) else (node.counts, parent.counts)
    for place, seconds in less.items():
        more[place] = more.get(place, 0.0) + seconds
    node.counts, node.parent = more, parent.parent
    if node.stretches is not None and parent.stretches is not None:
        node.stretches = node.stretches.after(parent.stretches)
