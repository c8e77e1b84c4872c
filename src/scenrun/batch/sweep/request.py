"""`scenrun.sweep`, the Python call for sweeps; it uses no signal handler, no stdout and no global state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from scenrun.batch.sweep.cell import Job
from scenrun.batch.sweep.plan import SweepRequest, plan
from scenrun.batch.sweep.record import Record, identity_of
from scenrun.batch.sweep.result import Swept, result_of
from scenrun.batch.sweep.run import means_for, run_missing
from scenrun.errors import UsageError
from scenrun.language.sweep import MAX_REPEAT, MAX_SEEDS, plain, values
from scenrun.language.time_limit import time_limit_ns
from scenrun.language.value_ranges import RangeError
from scenrun.program.loaded import Loaded, source_of


def sweep(
    scenario: str | Path | Mapping[str, Any] | Loaded,
    *,
    over: Mapping[str, Sequence[Any] | str] | None = None,
    how: str = "simulate",
    seeds: int | Sequence[int] | None = None,
    seed: int | None = None,
    repeat: int | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    cell_limit: str | float | None = 60,
    record: str | Path | None = None,
    yes: bool = False,
    overrides: Mapping[str, Any] | None = None,
    **options: Any,
) -> Swept:
    """Run a scenario with every combination of values, each with every seed, in several processes.

    over: values by dotted path, a list or a range such as `1..64*2`; adds to the file's `sweep`, or replaces it for this
    path. how: `run`, `simulate` or `explore`, whose arguments `options` are. seeds: the number of seeds from `seed` (the
    file's) on, or a list of them. repeat: the number of times that each real run is made. jobs: processes; all processors,
    and 1 for real runs. cell_limit: a cell that takes longer (seconds, or `60s`) is an error, and so is one that crashes;
    None for no limit. record: a file that keeps the rows as they come; a second call runs only what is missing. yes: run
    also more than 100,000 cells. cluster: the address of a Dask scheduler, such as `tcp://host:8786`, whose workers run the
    cells (docs/cluster.md). The cells do not depend on jobs. Raises ScenarioError, UsageError and OutputError.
    """
    limit = time_limit_ns(cell_limit, "cell_limit")
    given = plain(dict(overrides or {}))
    if isinstance(scenario, Loaded):
        _refuse_graded(scenario)
        given = {**plain(scenario.program.overrides), **given}
    source = scenario.program.source if isinstance(scenario, Loaded) else source_of(scenario)
    job = Job(source.text, source.name, how, options, given, None if limit is None else limit / 1e9)
    wishes = SweepRequest(_over(over or {}), seed, _seeds(seeds), _count("repeat", repeat, MAX_REPEAT), yes)
    ready = plan(job, wishes)
    path = None if record is None else str(record)
    with closing(Record(path, identity_of(job, ready.scenario), ready.grid)) as rows:
        with means_for(how, _count("jobs", jobs, 1_024), cluster) as means:
            run_missing(ready, rows, means)
        return result_of(ready, list(rows.rows()))


def _refuse_graded(loaded: Loaded) -> None:
    """Raises UsageError for a scenario loaded with another file's expectations: cells read its own text only."""
    for key in ("expect", "limits"):
        place = loaded.scenario.place_of_key(key) if loaded.scenario.is_given(key) else None
        if place and place.source != loaded.program.source and not place.source.name.startswith("--set"):
            raise UsageError(
                f"a sweep does not take the `{key}` of {place.source.name} along; write it into the scenario"
            )


def _over(over: Mapping[str, Sequence[Any] | str]) -> dict[str, tuple[Any, ...]]:
    out = {}
    for path, given in over.items():
        try:
            out[path] = values(path, given if isinstance(given, str) else list(given))
        except RangeError as error:
            raise UsageError(f"over: {error}") from None
    return out


def _seeds(seeds: int | Sequence[int] | None) -> int | tuple[int, ...] | None:
    if seeds is None or isinstance(seeds, int):
        return _count("seeds", seeds, MAX_SEEDS)
    found = tuple(seeds)
    if not found or len(set(found)) < len(found) or not all(type(one) is int and 0 <= one < 2**64 for one in found):
        raise UsageError("seeds: how many, or different seeds from 0 to 2**64 - 1")
    return found


def _count(name: str, given: int | None, most: int) -> int | None:
    if given is not None and (type(given) is not int or not 1 <= given <= most):
        raise UsageError(f"{name} is a number from 1 to {most:,}, not {given!r}")
    return given
