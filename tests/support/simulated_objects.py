"""What the simulator's objects say after each move of a replay."""

from __future__ import annotations

from typing import Any
from unittest import mock

from scenrun.execution.replay import on_simulator
from scenrun.execution.replay.plan import plan_of, to_show
from scenrun.trace.recorder import Recorder


def simulated(loaded: Any, schedule: Any) -> list[dict[str, str]]:
    """What the simulator's objects say when a replay has begun, and after each of its moves."""
    plan, seen = plan_of(loaded.program, schedule), []
    settled = on_simulator._FollowingLoop._settled

    def look(loop: Any, t: int, known: int) -> tuple[int, int]:
        out = settled(loop, t, known)
        seen.append(told(loop.simulation))
        return out

    with mock.patch.object(on_simulator._FollowingLoop, "_settled", look):
        program = to_show(loaded.program, schedule.finding)
        on_simulator.follow_program(program, plan, lambda run: Recorder(run, None), seed=schedule.seed)
    return seen


def told(simulation: Any) -> dict[str, str]:
    """The simulated objects in the words of the player, made here by themselves."""
    out = {}
    things = [one for made in simulation.objects for one in (made if isinstance(made, list) else [made])]
    for thing in things:
        kind = thing.kind.name
        value = thing.value
        if kind == "variable":
            out[f"value:{thing.label}"] = repr(value)
        elif kind == "lock":
            out[f"object:{thing.label}"] = f"held by {thing.held_by()[0]}" if value else "free"
        elif kind == "event":
            out[f"object:{thing.label}"] = "set" if thing.is_set() else "clear"
        elif kind in ("queue", "simple_queue"):
            bound = f" of {value[2]}" if value[2] else ""
            full = f"{thing.qsize()}{bound}: {list(value[0])!r}"
            out[f"object:{thing.label}"] = full if thing.qsize() else "empty" + (f" (0{bound})" if bound else "")
        elif kind.endswith("semaphore"):
            out[f"object:{thing.label}"] = f"{value[0]} permit{'s' * (value[0] != 1)} left"
    for thread in simulation.threads:
        if thread.ended:
            out[f"thread:{thread.name}"] = "ended"
    return out
