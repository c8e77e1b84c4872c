"""Describe a multithreaded program in YAML; run it on real threads, simulate it, or search all of its schedules."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from scenrun.errors import OutputError, ScenarioError, UsageError
from scenrun.version import __version__

if TYPE_CHECKING:
    from scenrun.api import explore, replay, run, simulate
    from scenrun.batch.sweep.request import sweep
    from scenrun.batch.sweep.result import Swept
    from scenrun.own_code.searching.explore_code import explore_code, explore_main
    from scenrun.program.loaded import Loaded, load
    from scenrun.report.results import RunResult
    from scenrun.search.result import Explored

__all__ = [
    "Explored",
    "Loaded",
    "OutputError",
    "RunResult",
    "ScenarioError",
    "Swept",
    "UsageError",
    "__version__",
    "explore",
    "explore_code",
    "explore_main",
    "load",
    "replay",
    "run",
    "simulate",
    "sweep",
]


_HOMES = {
    **dict.fromkeys(("explore", "replay", "run", "simulate"), "scenrun.api"),
    **dict.fromkeys(("explore_code", "explore_main"), "scenrun.own_code.searching.explore_code"),
    **dict.fromkeys(("Loaded", "load"), "scenrun.program.loaded"),
    "Explored": "scenrun.search.result",
    "RunResult": "scenrun.report.results",
    "Swept": "scenrun.batch.sweep.result",
    "sweep": "scenrun.batch.sweep.request",
}
"""The module of each public name that is brought in when it is first used, so that importing scenrun costs nothing."""


def __getattr__(name: str) -> Any:
    """A public name, brought in from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'scenrun' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
