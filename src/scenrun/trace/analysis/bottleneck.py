"""The bottleneck of a run as one sentence, stated only where the figures support it.

Threads are judged by group. A group that waits at least `MUCH` of its life for one thing is bound by the group that must
provide it, unless that group waits about as much itself. docs/stats.md gives the order in which the kinds are examined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scenrun.trace.analysis.critical_path import STARTING, WAKING, Link
from scenrun.trace.analysis.figures_of_objects import Objects
from scenrun.trace.analysis.figures_of_queues import QueueFigures
from scenrun.trace.analysis.figures_of_threads import Life, Target, awaited, family
from scenrun.trace.analysis.spans import CALLING, RUNNING, SLEEPING, WORKING

MUCH = 0.5
"""The share of its life from which on a group's wait counts as long."""
LESS = 0.5
"""A group is blamed for a wait only if its own waits are below this part of it; otherwise the two wait in turn."""
LITTLE = 0.1
"""The share below which a wait counts as short."""
BUSY = 0.9
"""The share from which on a processor, the workers of a pool or a path count as fully used."""
STUCK = ("deadlock", "livelock")


@dataclass(frozen=True, slots=True)
class Bound:
    """The bottleneck of a run: its kind, the sentence, and the figures that the sentence rests on."""

    kind: str
    """`stuck`, `processor`, `queue_empty`, `queue_full`, `lock`, `semaphore`, `pool`, `hand_over`, `sleep`, `waits`, `none`."""
    sentence: str
    group: str | None = None
    """The group that is the bottleneck."""
    object: str | None = None
    share: float | None = None
    """The waiting group's share of its life; for `processor` processors in use, for `sleep` and `hand_over` a share of the
    critical path, for `pool` the utilisation."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The figures that the bottleneck is derived from."""

    groups: Mapping[str, Life]
    queues: Mapping[str, QueueFigures]
    objects: Objects
    path: Sequence[Link]
    verdict: str | None
    seconds: float
    """The time from the first line of a thread to the last."""
    processors: int
    """The number of threads that can run at once: 1 under the GIL."""


def bound_of(evidence: Evidence) -> Bound:
    """The bottleneck of a run; kind `none` if no group waits much."""
    if evidence.verdict in STUCK:
        return _stuck(evidence)
    waiting = [one for one in _who_waits(evidence) if one[0] != "main" or len(evidence.groups) == 1]
    if (found := _of_processor(evidence)) is not None:
        return found
    for group, target, share in waiting:
        found = _of_wait(evidence, group, target, share)
        if found is not None:
            return found
    return _of_pool(evidence) or _of_hand_overs(evidence) or _asleep(evidence) or _rest(evidence)


def _stuck(evidence: Evidence) -> Bound:
    waits = [
        f"{group} ({awaited(*target)})"
        for group, life in evidence.groups.items()
        for target in life.never_ended
        if target[0] != "thread.join"
    ]
    what = f": what these waited for never came: {', '.join(waits[:4])}{_more(len(waits) - 4)}" if waits else ""
    return Bound("stuck", f"the run ended in a {evidence.verdict}, so nothing is said of its speed{what}")


def _who_waits(evidence: Evidence) -> list[tuple[str, Target, float]]:
    """For each group the target that it waits for most, with its share of the group's life; largest share first."""
    out = []
    for group, life in evidence.groups.items():
        if life.lived_s > 0 and life.waits:
            target, seconds = max(life.waits.items(), key=lambda item: item[1])
            out.append((group, target, seconds / life.lived_s))
    return sorted(out, key=lambda one: -one[2])


def _of_wait(evidence: Evidence, group: str, target: Target, share: float) -> Bound | None:
    """The cause of a wait, if the wait is long and its cause is clear."""
    if share < MUCH:
        return None
    op, name = target
    if op in ("queue.get", "queue.put"):
        return _of_queue(evidence, group, target, share)
    if op == "lock.acquire":
        return _of_lock(evidence, group, name, share)
    if op == "semaphore.acquire":
        return Bound(
            "semaphore", f"{group} waits {_percent(share)} of the time for a permit of {name}: "
            "it has too few permits for those who want one", None, name, share,
        )  # fmt: skip
    return None


def _of_queue(evidence: Evidence, group: str, target: Target, share: float) -> Bound | None:
    """The groups on the queue's other side that wait much less than this one, if there are any."""
    op, name = target
    others = _on_the_other_side(evidence, op, name)
    said = f"{group} waits {_percent(share)} of the time for {awaited(op, name)}"
    free = [g for g in others if g != group and _waits(evidence, g) < share * LESS]
    if not free:
        return None
    verb = "puts too slowly" if op == "queue.get" else "gets too slowly"
    who = " and ".join(free)
    kind = "queue_empty" if op == "queue.get" else "queue_full"
    return Bound(kind, f"{said}: {who} {verb} and is the bottleneck", who, name, share)


def _on_the_other_side(evidence: Evidence, op: str, name: str) -> list[str]:
    found: dict[str, int] = {}
    for label, queue in evidence.queues.items():
        if family(label) == name:
            for group, count in (queue.putters if op == "queue.get" else queue.getters).items():
                found[group] = found.get(group, 0) + count
    return sorted(found, key=lambda group: -found[group])


def _waits(evidence: Evidence, group: str) -> float:
    """The share of its life that a group waits."""
    life = evidence.groups.get(group)
    return life.waiting_s / life.lived_s if life is not None and life.lived_s > 0 else 0.0


def _of_lock(evidence: Evidence, group: str, name: str, share: float) -> Bound | None:
    """The lock's main holder and the line of its acquire, if the lock was held most of the time."""
    locks = [lock for label, lock in evidence.objects.locks.items() if family(label) == name]
    held: dict[tuple[str, int | None], float] = {}
    for lock in locks:
        for where, seconds in lock.holders.items():
            held[where] = held.get(where, 0.0) + seconds
    if not held or evidence.seconds <= 0:
        return None
    total = sum(held.values()) / (evidence.seconds * len(locks))
    (holder, line), most = max(held.items(), key=lambda item: item[1])
    if total < MUCH or most < MUCH * sum(held.values()):
        return None
    there = f" from line {line}" if line is not None else ""
    return Bound(
        "lock", f"{group} waits {_percent(share)} of the time for {name}, which is held {_percent(min(1.0, total))} of the "
        f"time, mostly by {holder}{there}: what is done there is the bottleneck", holder, name, share,
    )  # fmt: skip


def _of_processor(evidence: Evidence) -> Bound | None:
    """The processor, if threads use all of it and the critical path is spent computing, starting or waking up."""
    if evidence.seconds <= 0:
        return None
    used = sum(life.busy_s for life in evidence.groups.values()) / evidence.seconds
    if (
        used < BUSY * evidence.processors
        or _share_of_path(evidence, (RUNNING, WORKING, CALLING, STARTING, WAKING)) < BUSY
    ):
        return None
    busiest = max(evidence.groups, key=lambda group: evidence.groups[group].busy_s)
    many = "one can" if evidence.processors == 1 else f"{evidence.processors} can"
    return Bound(
        "processor", f"added up, the threads run or could run for {_percent(used)} of the time, and {many} at a "
        f"time: the processor is the bottleneck, and {busiest} takes most of it", busiest, None, used,
    )  # fmt: skip


def _share_of_path(evidence: Evidence, what: tuple[str, ...]) -> float:
    total = sum(link.seconds for link in evidence.path)
    return sum(link.seconds for link in evidence.path if link.what in what) / total if total > 0 else 0.0


def _of_pool(evidence: Evidence) -> Bound | None:
    """A pool whose workers are busy while tasks are queued."""
    for name, pool in evidence.objects.pools.items():
        figures = pool.as_dict(evidence.objects.workers(name))
        used = figures.get("utilisation_share", 0.0)
        if used >= BUSY and pool.queued.total_ns > pool.served.total_ns * LITTLE:
            workers = figures["workers"]
            return Bound(
                "pool", f"the {workers} workers of {name} are busy {_percent(used)} of the time while tasks are queued: "
                "its size, or how long tasks take, is the bottleneck", None, name, used,
            )  # fmt: skip
    return None


def _of_hand_overs(evidence: Evidence) -> Bound | None:
    """Hand-overs, if most of the critical path lies between a thread's release and its next line."""
    share = _share_of_path(evidence, (WAKING,))
    if share < MUCH:
        return None
    name = _shared_on(evidence)
    most = f", most of all at {name}" if name is not None else ""
    return Bound(
        "hand_over", f"{_percent(share)} of the critical path passes between letting a thread go on and its going on{most}: "
        "hand-overs are the bottleneck", None, name, share,
    )  # fmt: skip


def _asleep(evidence: Evidence) -> Bound | None:
    """Sleep, if most of the critical path is sleep at one line; with the object that hands it from thread to thread."""
    total = sum(link.seconds for link in evidence.path)
    slept: dict[tuple[str, int | None], dict[str, float]] = {}
    for link in evidence.path:
        if link.what == SLEEPING:
            threads = slept.setdefault((family(link.thread), link.line), {})
            threads[link.thread] = threads.get(link.thread, 0.0) + link.seconds
    if not slept or total <= 0:
        return None
    (group, line), threads = max(slept.items(), key=lambda item: sum(item[1].values()))
    share = sum(threads.values()) / total
    if share < MUCH:
        return None
    where = f" at line {line}" if line is not None else ""
    said = f"{_percent(share)} of the critical path is {group} sleeping{where}"
    shared = _shared_on(evidence)
    many = f", in {len(threads)} threads one after the other" if len(threads) > 1 else ""
    if shared is not None:
        return Bound("sleep", f"{said}{many}; on its way the path is handed on at {shared}", group, shared, share)
    alone = "" if many else ", and it is not handed on at anything shared"
    return Bound("sleep", f"{said}{many}{alone}", group, None, share)


def _shared_on(evidence: Evidence) -> str | None:
    """The shared object at which the critical path spends most time being handed on; None if there is none."""
    objects = evidence.objects
    tables = (evidence.queues, objects.locks, objects.semaphores, objects.conditions, objects.events, objects.barriers)
    at: dict[str, float] = {}
    for link in evidence.path:
        if link.what == WAKING and link.object is not None and any(link.object in table for table in tables):
            at[link.object] = at.get(link.object, 0.0) + link.seconds
    return max(at, key=lambda one: at[one]) if at else None


def _rest(evidence: Evidence) -> Bound:
    """No single cause: the group that waits most, joins apart, or the statement that no group waits much."""
    waiting = [one for one in _who_waits(evidence) if one[1][0] != "thread.join"]
    if not waiting or waiting[0][2] < LITTLE:
        return Bound("none", "nobody waits much")
    group, target, share = waiting[0]
    return Bound(
        "waits", f"no single bottleneck shows; {group} waits most, {_percent(share)} of the time for {awaited(*target)}",
        None, target[1], share,
    )  # fmt: skip


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _more(left_out: int) -> str:
    return f" and {left_out:,} more" if left_out > 0 else ""
