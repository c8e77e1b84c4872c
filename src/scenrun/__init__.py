"""Describe a multithreaded program in YAML; run it on real threads, simulate it, or search all of its schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenrun.errors import OutputError, ScenarioError, UsageError
from scenrun.version import __version__

if TYPE_CHECKING:
    from scenrun.api import Loaded, explore, load, replay, run, simulate, sweep
    from scenrun.batch.sweep.result import Swept
    from scenrun.program.results import RunResult
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
    "load",
    "replay",
    "run",
    "simulate",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """Bring a public name in when it is first used, so that importing scenrun costs nothing."""
    if name in ("Loaded", "explore", "load", "replay", "run", "simulate", "sweep"):
        from scenrun import api

        return getattr(api, name)
    if name == "RunResult":
        from scenrun.program.results import RunResult

        return RunResult
    if name == "Explored":
        from scenrun.search.result import Explored

        return Explored
    if name == "Swept":
        from scenrun.batch.sweep.result import Swept

        return Swept
    raise AttributeError(f"module 'scenrun' has no attribute {name!r}")
