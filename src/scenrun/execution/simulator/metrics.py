"""Computes the figures of a simulated run's last line, under the same names as those of a real run."""

from __future__ import annotations

from typing import Any

from scenrun.execution.counters import MAX_LISTED, by_worker, rounded
from scenrun.execution.simulator.objects import Lock
from scenrun.execution.simulator.simulation import Simulation
from scenrun.execution.simulator.threads import SimulatedThread


def figures_of(simulation: Simulation, elapsed_ns: int) -> dict[str, Any]:
    """Returns the figures. `elapsed_ns` is the run's duration in virtual time."""
    threads = simulation.threads
    objects = [made for made in simulation.flat_objects() if hasattr(made, "figures")]
    _count_unfinished(threads, objects, elapsed_ns)
    listed, left_out = by_worker(threads, lambda thread: _thread(thread, elapsed_ns))
    out: dict[str, Any] = {
        "elapsed_s": round(elapsed_ns / 1e9, 6),
        "messages": sum(thread.messages for thread in threads),
        "not_shown": sum(unshown(simulation, thread) for thread in threads),
        "threads": listed,
        "objects": {made.label: rounded(made.figures()) for made in objects[:MAX_LISTED]},
    }
    if left_out:
        out["threads_left_out"] = left_out
    if len(objects) > MAX_LISTED:
        out["objects_left_out"] = len(objects) - MAX_LISTED
    return out


def unshown(simulation: Simulation, thread: SimulatedThread) -> int:
    """Returns how many lines of a thread the log level has left out; for a thread that waits, up to that step."""
    total, site = thread.unshown + _in_its_steps(thread), thread.site
    if not thread.parked or site is None or site.code != thread.code:
        return total
    before: int = simulation.compiled[site.code].unshown_before[site.pc]
    return total + before


def _in_its_steps(thread: SimulatedThread) -> int:
    """Returns the lines left out that a thread which has not ended holds in a local of its generator."""
    # generated code counts in a local, which is faster than an attribute, and adds it to the thread at the end
    frame = getattr(getattr(thread.send, "__self__", None), "gi_frame", None)
    found: int = frame.f_locals.get("__unshown", 0) if frame is not None else 0
    return found


def _count_unfinished(threads: list[SimulatedThread], objects: list[Any], end_ns: int) -> None:
    """Adds the waits and holds that have not ended, up to the end of the run."""
    for thread in threads:
        if thread.phase is not None and thread.action is not None and thread.has_begun:
            thread.objects[0].waited_for(thread.action.operation.name, end_ns - thread.since_ns)
    for made in objects:
        if isinstance(made, Lock) and made.owner is not None and not made.kind.name.endswith("semaphore"):
            made.held.add(max(0, end_ns - made.since_ns))


def _thread(thread: SimulatedThread, end_ns: int) -> dict[str, Any]:
    end = thread.ended_ns if thread.ended else end_ns
    waiting = max(0, end_ns - thread.since_ns) if thread.parked and not thread.ended and thread.has_begun else 0
    slept = thread.slept_ns + (waiting if thread.phase is None else 0)
    waited = thread.waited_total_ns + (0 if thread.phase is None else waiting)
    lived = max(0, end - thread.started_ns) if thread.has_begun else 0
    times = {"lived_s": lived, "waited_s": waited, "slept_s": slept, "worked_s": thread.worked_ns}
    return {**{name: ns / 1e9 for name, ns in times.items()}, "messages": thread.messages}
