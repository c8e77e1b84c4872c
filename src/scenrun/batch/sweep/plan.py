"""Plans a sweep: merges the file's `sweep` with a request into a checked grid, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scenrun.batch.sweep import options as option_table
from scenrun.batch.sweep.cell import Job
from scenrun.batch.sweep.grid import Grid
from scenrun.batch.sweep.paths import Paths
from scenrun.errors import UsageError
from scenrun.language.sweep import Sweep
from scenrun.program.any_number import refuse_any_number
from scenrun.program.user_python import check_calls

MANY_CELLS = 100_000
"""The number of cells beyond which a sweep must be confirmed."""


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """The settings of a sweep besides the file's `sweep`; None keeps the file's."""

    over: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    seed: int | None = None
    seeds: int | tuple[int, ...] | None = None
    repeat: int | None = None
    yes: bool = False
    """Whether more than `MANY_CELLS` cells are confirmed."""


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """A checked sweep."""

    job: Job
    scenario: str
    """The scenario's name."""
    grid: Grid
    cells: int
    """The number of cells of the grid."""
    notes: tuple[str, ...]
    """Settings that have no effect and values that were not checked, a sentence each."""


def plan(job: Job, wishes: SweepRequest) -> SweepPlan:
    """The plan of a sweep. Raises ScenarioError for an invalid file, UsageError for an invalid sweep of it."""
    option_table.check(job.how, job.options)
    loaded = job.load()
    check_calls(loaded.program, job.options.get("allow_python", False))
    paths = Paths(job)
    given: Sweep = loaded.scenario.sweep
    notes: list[str] = []
    grid = Grid(
        over={**paths.shortened(given.over), **paths.shortened(wishes.over)},
        seeds=_seeds(wishes, given, loaded.program.seed),
        include=tuple(paths.shortened(one) for one in given.include),
        exclude=tuple(paths.shortened(one) for one in given.exclude),
        repeat=_repeat(job.how, wishes, given, notes),
    )
    if job.how != "explore" and not _says_how_many(loaded.program.any_number, grid):
        refuse_any_number(loaded.program)
    grid = _without_idle_exclusions(grid, notes)
    cells = _size(grid, wishes.yes)
    if left := paths.check(grid):
        notes.append(f"{left:,} values were not checked beforehand; where one cannot be, its cells say so")
    return SweepPlan(job, loaded.name, grid, cells, tuple(notes))


def _says_how_many(groups: tuple[str, ...], grid: Grid) -> bool:
    """Whether the grid gives the number of replicas of all groups that may have any."""
    paths = {f"threads.{name}.count" for name in groups}
    return paths <= grid.over.keys() or (
        bool(grid.include) and all(paths <= {*grid.over, *one} for one in grid.include)
    )


def _seeds(wishes: SweepRequest, given: Sweep, own: int) -> tuple[int, ...] | range:
    seeds = given.seeds if wishes.seeds is None else wishes.seeds
    if isinstance(seeds, tuple):
        if wishes.seed is not None:
            raise UsageError("--seed is where seeds begin; it has no effect beside the list of them in `sweep.seeds`")
        return seeds
    first = own if wishes.seed is None else wishes.seed
    if first + seeds > 2**64:
        raise UsageError(f"{seeds:,} seeds from {first} on: seeds are below 2**64")
    return range(first, first + seeds)


def _repeat(how: str, wishes: SweepRequest, given: Sweep, notes: list[str]) -> int:
    """The number of runs of each cell; 1 for simulations and searches, which are the same each time."""
    if how == "run":
        return given.repeat if wishes.repeat is None else wishes.repeat
    same = "simulations of one seed are" if how == "simulate" else "searches with one seed are"
    if wishes.repeat not in (None, 1):
        raise UsageError(f"--repeat has no effect: {same} the same each time; vary the seed with --seeds")
    if given.repeat != 1:
        notes.append(f"`repeat: {given.repeat}` is for real runs: {same} the same each time")
    return 1


def _without_idle_exclusions(grid: Grid, notes: list[str]) -> Grid:
    """The grid without the file's exclusions whose values the request has replaced."""
    kept = [one for one in grid.exclude if all(value in grid.over[path] for path, value in one.items())]
    if len(kept) < len(grid.exclude):
        notes.append(f"{len(grid.exclude) - len(kept)} of the file's exclusions name values that are not tried here")
    return Grid(grid.over, grid.seeds, grid.include, tuple(kept), grid.repeat)


def _size(grid: Grid, yes: bool) -> int:
    """The number of cells; raises UsageError for none, and for very many that are not confirmed."""
    if not grid.paths and grid.runs == 1:
        raise UsageError(
            "there is nothing to sweep: say what varies, as with --over threads.consumer.count=1,2,4 or --seeds 100, "
            "or in the file under `sweep`"
        )
    if grid.most > MANY_CELLS and not yes:
        factors = [f"{len(values):,} x" for values in grid.over.values()]
        many = " ".join([*factors, f"{len(grid.seeds):,} seeds", *([f"x {grid.repeat:,}"] if grid.repeat > 1 else [])])
        raise UsageError(f"{grid.most:,} cells ({many}) are many; --yes runs them all the same")
    cells = sum(1 for _ in grid.combinations()) * grid.runs if grid.exclude or grid.include else grid.most
    if not cells:
        raise UsageError("`exclude` leaves no combination to run")
    return cells
