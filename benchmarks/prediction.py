"""How well a simulation with this machine's costs predicts the throughput of real threads."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

import yaml
from measuring import SCENARIOS, Table, at_most, main

from scenrun.api import run, simulate
from scenrun.execution.calibration import PROBES, Measured, Pair, costs_of
from scenrun.program.loaded import Loaded, load

GOAL_PERCENT = 15


@dataclass
class Predicted:
    """A scenario that is run and simulated."""

    loaded: Loaded
    operations: int
    """What it does, counted in the things that it is about: messages, tasks, sleeps."""
    level: str
    took_s: list[float] = field(default_factory=list)

    @staticmethod
    def of(path: Path) -> Predicted:
        """The scenario of a file, with the numbers that the file has for this benchmark."""
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Predicted(load(path), text["x-operations"], text.get("x-level", "warning"))

    def run(self) -> None:
        """Run it once on real threads, its log to /dev/null."""
        began = perf_counter()
        result = run(self.loaded, level=self.level, log="/dev/null")
        self.took_s.append(perf_counter() - began if self.level == "info" else result.elapsed_s)
        if not result.ok:
            raise SystemExit(f"{self.loaded.name} ended with the verdict {result.verdict}")

    @property
    def measured(self) -> float:
        """Operations a second on real threads: the median of the runs."""
        return self.operations / median(self.took_s)

    def predicted(self, costs: Path) -> float:
        """Operations a second in the simulation."""
        return self.operations / simulate(self.loaded, costs=costs).elapsed_s


def measure(quick: bool) -> Table:
    """The table of runs that may use every processor, as `scenrun run` does."""
    return compare(quick, "on all processors")


def measure_on_one(quick: bool) -> Table:
    """The table of runs on one processor, where a switch of threads always costs about the same."""
    if not hasattr(os, "sched_setaffinity"):
        return Table("Throughput as simulated: this system ties no process to a processor", ("",), [])
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        return compare(quick, "on one processor")
    finally:
        os.sched_setaffinity(0, allowed)


def compare(quick: bool, where: str) -> Table:
    """A table. Calibration and scenarios are measured in turns, so that both meet the machine in the same moods."""
    scenarios = {path.stem: Predicted.of(path) for path in sorted(SCENARIOS.glob("prediction_*.yaml"))}
    pairs = {name: Pair.of(probe, lambda scenario: load(scenario).program, 1) for name, probe in PROBES.items()}
    turns: dict[str, list[Measured]] = {name: [] for name in pairs}
    for _ in range(3 if quick else 5):
        for name, pair in pairs.items():
            turns[name].append(pair.measure())
        for scenario in scenarios.values():
            scenario.run()
    costs = costs_of({name: Measured.median_of(each) for name, each in turns.items()})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "costs.yaml"
        text = {"costs": {word: f"{ns / 1e3:g}us" for word, ns in costs.items()}}
        file.write_text(yaml.safe_dump(text), encoding="utf-8")
        found = {name: (each.measured, each.predicted(file)) for name, each in scenarios.items()}
    errors = {name: 100 * (predicted / measured - 1) for name, (measured, predicted) in found.items()}
    rows = [
        (name.removeprefix("prediction_"), f"{measured:,.0f}", f"{predicted:,.0f}", f"{errors[name]:+.0f}")
        for name, (measured, predicted) in found.items()
    ]
    goal = at_most("median error", median(map(abs, errors.values())), GOAL_PERCENT, "%")
    return Table(
        f"Throughput as simulated with calibrated costs, {where}",
        ("", "measured/s", "predicted/s", "error %"),
        rows,
        [goal],
    )


if __name__ == "__main__":
    main(measure_on_one, measure)
