"""Runs one cell of a sweep: loads its scenario, runs, simulates or explores it, and returns one flat row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from scenrun.api import explore, run, simulate
from scenrun.batch.sweep.grid import Cell
from scenrun.batch.sweep.time_limit import TooLong, too_long, within
from scenrun.errors import ScenarioError, Source, UsageError
from scenrun.language.time_limit import time_limit_ns
from scenrun.program.loaded import Loaded, load_source

Row = dict[str, Any]
"""The result of a cell: `cell`, `number`, `parameters`, `seed`, `repetition`, `verdict`, `ok`, `figures`, `took_s`; with
a finding also `finding`, and for a cell that could not be finished `error` (its verdict is `error` then)."""


class Rows(Protocol):
    """The interface of an object that has the rows of a sweep."""

    def rows(self) -> Iterator[Row]:
        """The present rows in the order of the grid; each call yields them anew."""


_SILENT = "error"
"""The log level of cells, whose log is not used: below it nothing is rendered."""
_LEAVING_S = 8.0
"""The seconds that the threads of a real run have to end after its limit."""


@dataclass(frozen=True, slots=True)
class Job:
    """The data of a sweep that every worker needs; a job and a cell give the same row on any worker."""

    text: str
    name: str
    """The name of the scenario's file."""
    how: str
    """`run`, `simulate` or `explore`."""
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments of `scenrun.run`, `scenrun.simulate` or `scenrun.explore`."""
    overrides: dict[str, Any] = field(default_factory=dict)
    """Overrides for all cells; a cell's own parameters take precedence."""
    cell_limit_s: float | None = None
    beside: int = 1
    """The number of cells run at a time; rows of real runs have it, as these disturb each other's timing."""

    @property
    def source(self) -> Source:
        """The scenario's text with its name."""
        return Source(self.name, self.text)

    def load(self, parameters: Iterable[tuple[str, Any]] = ()) -> Loaded:
        """The scenario with these parameters; raises ScenarioError."""
        return load_source(self.source, {**self.overrides, **dict(parameters)})


class CellRunner:
    """Runs cells one after another; keeps the scenario loaded last, as seeds of one combination follow each other."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.is_stuck = False
        """Whether threads of a real run have not ended: runs beside them cannot be trusted."""
        self._parameters: dict[str, Any] | None = None
        self._loaded: Loaded | None = None

    def measure(self, cell: Cell) -> Row:
        """Runs a cell and returns its row; an exception becomes the row's error."""
        began = time.perf_counter()
        found = self._found(cell)
        if self.job.beside > 1 and self.job.how == "run":
            found["beside"] = self.job.beside
        return {**head_of(cell), **found, "took_s": round(time.perf_counter() - began, 6)}

    def _found(self, cell: Cell) -> Row:
        limit = self.job.cell_limit_s
        try:
            with within(None if limit is None else limit + _LEAVING_S * (self.job.how == "run")):
                return self._way()(self._load(cell), cell.seed, self.job.options)
        except TooLong:
            error = too_long(limit or 0.0)
        except (ScenarioError, UsageError) as wrong:
            error = _first_line(str(wrong))
        except Exception as wrong:
            error = f"{type(wrong).__name__}: {_first_line(str(wrong))}"
        self._loaded = None
        return failed(error)

    def _load(self, cell: Cell) -> Loaded:
        if self._loaded is None or self._parameters != cell.parameters:
            self._loaded = None
            self._loaded = self.job.load(cell.parameters.items())
            self._parameters = dict(cell.parameters)
        return self._loaded

    def _way(self) -> Callable[[Loaded, int, dict[str, Any]], Row]:
        return {"run": self._run, "simulate": _simulate, "explore": _explore}[self.job.how]

    def _run(self, loaded: Loaded, seed: int, options: dict[str, Any]) -> Row:
        """Makes a real run, which ends by itself at the limit of a cell, so that its threads are freed."""
        own = time_limit_ns(options.get("time_limit")) or loaded.program.time_limit_ns
        limit = min(own, int((self.job.cell_limit_s or 1e6) * 1e9))
        # Assumed until the run returns: an exception of the time limit may leave its threads behind.
        self.is_stuck = True
        result = run(loaded, seed=seed, level=_SILENT, **{**options, "time_limit": limit / 1e9})
        self.is_stuck = bool(result.notes.get("not_ended"))
        if limit < own and result.verdict == "incomplete":
            return failed(too_long(self.job.cell_limit_s or 0.0))
        return _of_run(result)


def head_of(cell: Cell) -> Row:
    """The fields of a row that identify its cell."""
    return {
        "cell": cell.key, "number": cell.number, "parameters": dict(cell.parameters), "seed": cell.seed,
        "repetition": cell.repetition,
    }  # fmt: skip


def failed(error: str) -> Row:
    """The fields of a row without a result."""
    return {"verdict": "error", "ok": False, "figures": {}, "error": error}


def row_of(cell: Cell, error: str) -> Row:
    """The row of a cell that could not be finished."""
    return {**head_of(cell), **failed(error), "took_s": 0.0}


def _simulate(loaded: Loaded, seed: int, options: dict[str, Any]) -> Row:
    return _of_run(simulate(loaded, seed=seed, level=_SILENT, **options))


def _of_run(result: Any) -> Row:
    message = result.findings[0].message if result.findings else None
    return {
        "verdict": result.verdict, "ok": result.ok, "figures": figures_of(result.figures),
        **({"finding": message} if message else {}),
    }  # fmt: skip


def _explore(loaded: Loaded, seed: int, options: dict[str, Any]) -> Row:
    found = explore(loaded, seed=seed, **options)
    figures: dict[str, Any] = {
        "states": found.states, "transitions": found.transitions, "depth": found.depth, "closed": found.closed,
        "findings": len(found.counterexamples), "kinds": " ".join(sorted(found.kinds)),
        "steps": min((len(one.moves) for one in found.counterexamples), default=None),
    }  # fmt: skip
    message = found.counterexamples[0].sentence if found.counterexamples else None
    return {
        "verdict": found.verdict, "ok": found.ok,
        "figures": {name: value for name, value in figures.items() if value is not None},
        **({"finding": message} if message else {}),
    }  # fmt: skip


_COUNTS = ("puts", "gets", "acquisitions", "tasks")


def figures_of(figures: dict[str, Any]) -> dict[str, Any]:
    """A run's figures as one flat mapping: times summed up by group, figures of objects by name, and rates per second."""
    elapsed = figures.get("elapsed_s", 0.0)
    out: dict[str, Any] = {"elapsed_s": elapsed}
    for name, thread in figures.get("threads", {}).items():
        group = name.partition("[")[0].partition("#")[0]
        for key in ("lived_s", "waited_s", "slept_s", "worked_s"):
            out[f"{group}.{key}"] = round(out.get(f"{group}.{key}", 0.0) + thread.get(key, 0.0), 6)
    for name, thing in figures.get("objects", {}).items():
        for key, value in thing.items():
            if isinstance(value, dict):
                out |= {f"{name}.{key}_{inner}": one for inner, one in value.items()}
            elif key != "kind":
                out[f"{name}.{key}"] = value
        for key in _COUNTS:
            if key in thing and elapsed > 0:
                out[f"{name}.{key}_per_s"] = round(thing[key] / elapsed, 3)
    return out


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:300] if lines else ""
