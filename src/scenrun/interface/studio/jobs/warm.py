"""Imported by the process that jobs are copies of: whatever is made at first use is made here once, for all of them."""

from __future__ import annotations

import os
from importlib import import_module

from scenrun.interface.studio.jobs.doing import do

TEXT = """scenario: warm
sync: {door: lock, items: queue, ready: event}
state: {n: 0}
threads:
  one: {count: 2, do: [{with: door, do: [{set: {n: n + 1}}]}, {put: {queue: items, item: n}}]}
  two: {do: [{get: {queue: items, into: x}}, {set_event: ready}, {wait: ready}, {sleep: 1ms}, {log: "{x}"}]}
expect: {final: [n == 2]}
"""
"""A scenario with what most scenarios have."""


def _warm() -> None:
    for name in ("simulate", "explore"):
        do({"do": name, "text": TEXT, "overrides": {}}, lambda message: None)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a process with threads is not copied whole
    import_module("numpy")


_warm()
