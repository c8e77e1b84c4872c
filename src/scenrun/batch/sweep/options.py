"""The options of each way of running a cell, and their checks, made before any cell runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenrun.errors import UsageError
from scenrun.language.time_limit import time_limit_ns

HOWS = ("run", "simulate", "explore")
SIMULATE = ("scheduler", "priorities", "switch_interval", "cpus", "step_cost")
EXPLORE = ("strategy", "max_states", "schedules", "depth", "bound", "time", "races")
OF: dict[str, tuple[str, ...]] = {
    "run": ("time_limit", "allow_python"),
    "simulate": (*SIMULATE, "time_limit", "allow_python"),
    "explore": (*EXPLORE, "time_limit", "allow_python"),
}
"""By way: the arguments of `scenrun.run`, `scenrun.simulate` and `scenrun.explore` that a sweep passes on."""


def check(how: str, options: Mapping[str, Any]) -> None:
    """Raises UsageError for an unknown way, and for options that are invalid or have no effect."""
    if how not in HOWS:
        raise UsageError(f"there is no way `{how}` of running a cell; there are {', '.join(HOWS)}")
    for name in options:
        if name not in OF[how]:
            ways = [way for way in HOWS if name in OF[way]]
            there = f"; it is for {' and '.join(ways)}" if ways else f"; there are {', '.join(OF[how])}"
            raise UsageError(f"{shown(name)} has no effect on cells that are {_PAST[how]}{there}")
    for name in ("time_limit", "switch_interval", "step_cost"):
        time_limit_ns(options.get(name), shown(name))
    {"run": lambda _: None, "simulate": _check_simulation, "explore": _check_search}[how](options)


_PAST = {"run": "run", "simulate": "simulated", "explore": "explored"}


def shown(name: str) -> str:
    """The command-line spelling of an option."""
    return "--priority" if name == "priorities" else f"--{name.replace('_', '-')}"


def _check_simulation(options: Mapping[str, Any]) -> None:
    from scenrun.execution.simulator.options import SimulationOptions

    interval = time_limit_ns(options.get("switch_interval"))
    SimulationOptions(
        scheduler=options.get("scheduler", "round-robin"), priorities=dict(options.get("priorities", {})),
        switch_interval_ns=interval, cpus=options.get("cpus", 1),
    ).check()  # fmt: skip


def _check_search(options: Mapping[str, Any]) -> None:
    from scenrun.search.options import SearchRequest

    SearchRequest(**{name: value for name, value in options.items() if name in EXPLORE}).check(shown)
