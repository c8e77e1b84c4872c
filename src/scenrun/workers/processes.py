"""How other processes are begun: forked where that is safe, and otherwise started anew."""

from __future__ import annotations

import multiprocessing
import os
import threading


def cpus() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_method() -> str:
    """`fork` where this process has one thread only, as one that has more must not be forked; otherwise `spawn`."""
    can_fork = "fork" in multiprocessing.get_all_start_methods()
    return "fork" if can_fork and _has_one_thread() else "spawn"


def _has_one_thread() -> bool:
    """Whether nobody else runs in this process; libraries have threads, too, that `threading` does not know of."""
    if threading.active_count() > 1:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:  # a system that does not tell: to start anew is always safe
        return False
