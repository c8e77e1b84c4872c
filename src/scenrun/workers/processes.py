"""Chooses how worker processes start, forked where that is safe and otherwise spawned, and counts the processors."""

from __future__ import annotations

import multiprocessing
import os
import threading


def cpus() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_method() -> str:
    """`fork` where this process has only one thread, as a process with more must not be forked; otherwise `spawn`."""
    can_fork = "fork" in multiprocessing.get_all_start_methods()
    return "fork" if can_fork and _has_one_thread() else "spawn"


def _has_one_thread() -> bool:
    """Whether this process has only one thread, including threads of libraries that `threading` does not know of."""
    if threading.active_count() > 1:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:  # a system without /proc: spawning is always safe
        return False
