"""The simulator's generated code and its quick objects make the same steps as the model, whatever the schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from lockstep import differences, followed, simulated
from scenarios_at_random import scenarios

from scenrun import load
from scenrun.execution.simulator import fast_paths
from scenrun.execution.simulator.schedulers.registry import Priorities, RandomChoice, RoundRobin
from scenrun.execution.simulator.schedulers.scheduler import Scheduler
from scenrun.model.machine import Machine
from scenrun.program.ir import Program

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
PARTS, EACH = 6, 55


def schedulers(number: int) -> list[Scheduler]:
    """One of each kind."""
    return [RoundRobin(), RandomChoice(number), Priorities({"t1": 1})]


def in_step(program: Program, number: int) -> None:
    """Simulate, take the model through the same turns, and compare where both have come to."""
    for scheduler in schedulers(number):
        one = simulated(program, number, scheduler)
        machine = Machine(program, number, folded=frozenset())
        states = followed(machine, one.schedule or [])
        assert (found := differences(machine, states, one)) is None, (scheduler.name, found)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_ends_as_the_model_does_after_the_same_turns(path: Path) -> None:
    """Every shipped scenario, three schedulers, two seeds: objects, variables, threads and faults are the same."""
    program = load(path, overrides={"stop": "2ms"} if "queue_pipeline" in path.stem else None).program
    for number in range(2):
        in_step(program, number)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_random_scenario_ends_as_the_model_does_after_the_same_turns(part: int) -> None:
    """With every verb, time-outs, pools, daemons and faults."""

    @seed(f"lockstep {part}")
    @settings(max_examples=EACH, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(scenarios())
    def check(scenario: dict[str, Any]) -> None:
        in_step(load(scenario).program, part)

    check()


def test_a_quick_object_that_means_something_else_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: a notify that wakes nobody is told from the model's."""
    broken = {
        **fast_paths.QUICK,
        "condition.notify": (fast_paths.Phase(lambda *_: fast_paths.Done(()), lambda *_: True),),
    }
    monkeypatch.setattr("scenrun.execution.simulator.simulation.QUICK", broken)
    path = next(path for path in SCENARIOS if path.stem == "condition_buffer")
    with pytest.raises(AssertionError):
        in_step(load(path).program, 0)
