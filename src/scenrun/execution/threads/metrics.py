"""Computes the figures of a real run's last line: per thread, per lock, per queue."""

from __future__ import annotations

from typing import Any

from scenrun.execution.counters import MAX_LISTED, by_worker, rounded
from scenrun.execution.threads.context import Context
from scenrun.execution.threads.locks import RealLock, RealRLock
from scenrun.execution.threads.run import Run
from scenrun.trace.histogram import Samples


def figures_of(run: Run, elapsed_ns: int) -> dict[str, Any]:
    """Returns the figures at this moment. `elapsed_ns` is the run's duration."""
    contexts = list(run.contexts)
    threads, left_out = by_worker(contexts, lambda context: _thread(context, run.began_ns + elapsed_ns))
    objects = [o for o in run.flat_objects() if hasattr(o, "figures")]
    _count_unfinished(run, contexts, objects, run.began_ns + elapsed_ns)
    listed = {o.label: rounded(o.figures()) for o in objects[:MAX_LISTED]}
    out: dict[str, Any] = {
        "elapsed_s": round(elapsed_ns / 1e9, 6),
        "messages": sum(c.messages for c in contexts),
        "not_shown": sum(run.unshown(c) for c in contexts),
        "threads": threads,
        "objects": listed,
    }
    if left_out:
        out["threads_left_out"] = left_out
    if len(objects) > MAX_LISTED:
        out["objects_left_out"] = len(objects) - MAX_LISTED
    return out


def _count_unfinished(run: Run, contexts: list[Context], objects: list[Any], end_ns: int) -> None:
    """Adds the waits and holds that have not ended, up to now."""
    for context in contexts:
        wait = context.wait
        if wait is not None and (samples := _samples(wait.object, wait.op)) is not None:
            samples.add(max(0, end_ns - wait.since_ns))
    for made in objects:
        if isinstance(made, RealLock | RealRLock) and made.owner is not None:
            made.held.add(max(0, end_ns - (made.since_ns or run.began_ns)))
        made.fold()


def _samples(waited: Any, op: str) -> Samples | None:
    """Returns the samples to which the waits of an operation belong."""
    side = {"queue.put": "waited_put", "queue.get": "waited_get", "simple_queue.get": "waited_get"}
    found: Samples | None = getattr(waited, side.get(op, "waited"), None)
    return found


def _thread(context: Context, end_ns: int) -> dict[str, Any]:
    end = context.ended_ns or end_ns
    lived = max(0, end - context.started_ns) if context.started_ns else 0
    waiting = 0 if context.wait is None else max(0, end_ns - context.wait.since_ns)
    sleeping = context.wait is not None and context.wait.op == "sleep"
    slept = context.slept_ns + (waiting if sleeping else 0)
    waited = context.waited_total_ns + (0 if sleeping else waiting)
    times = {"lived_s": lived, "waited_s": waited, "slept_s": slept, "worked_s": context.worked_ns}
    return {**{name: ns / 1e9 for name, ns in times.items()}, "messages": context.messages}
