"""Frees every thread of a finished run, whatever it waits for; figures and findings are taken before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter_ns as now

from scenrun.execution.threads.context import AT_ITS_GATE, Context
from scenrun.execution.threads.pools import RealPool
from scenrun.execution.threads.run import Run
from scenrun.execution.threads.threads import cancel_timer

PATIENCE_S = 5.0
"""Seconds that threads may take to leave before they are given up."""


def free_all(run: Run, drain: Callable[[], object]) -> list[str]:
    """Cuts every thread off and frees it repeatedly until all have left; returns the names of those that did not.

    `drain` empties the log's records meanwhile, as a thread may wait for room there.
    """
    for context in list(run.contexts):
        context.cut = True
        if not context.ended:
            cancel_timer(context)
    run.let_go()
    for made in run.flat_objects():
        if isinstance(made, RealPool):
            made.real.shutdown(wait=False, cancel_futures=True)
    end = now() + int(PATIENCE_S * 1e9)
    pause = threading.Event()
    # repeatedly: a thread may publish its wait only after this look, and a lock frees one waiter at a time
    while (live := [c for c in list(run.contexts) if not c.ended]) and now() < end:
        for context in live:
            context.cut = True  # it may have been started since the first pass
            _free(context)
        drain()
        pause.wait(0.002)
    for context in list(run.contexts):
        if context.real is not None and context.ended:
            context.real.join(1.0)
    if not live:
        _join_workers(run)
    return [context.name for context in live]


def _join_workers(run: Run) -> None:
    for made in run.flat_objects():
        if isinstance(made, RealPool):
            for thread in list(made.real._threads):
                thread.join(1.0)


def _free(context: Context) -> None:
    wait = context.wait
    if wait is None:
        return
    if wait.op in AT_ITS_GATE:
        if context.gate.locked():
            context.gate.release()
    elif wait.object is not None:
        wait.object.free(wait.op, context)
