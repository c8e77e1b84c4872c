"""Scenarios by chance, the same ones each time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from scenarios_at_random import runnable_scenarios

Scenario = dict[str, Any]


def each_scenario(part: int, number: int, use: Callable[[Scenario], None]) -> None:
    """Use so many scenarios of a part, the same ones each time, no two alike."""
    known: set[str] = set()

    @seed(f"part {part}")
    @settings(max_examples=number, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(runnable_scenarios())
    def go(scenario: Scenario) -> None:
        text = json.dumps(scenario)
        assume(text not in known)
        use(scenario)  # where it fails, it is tried once more
        known.add(text)

    go()
