"""Checks the varied paths and values of a sweep against the scenario's file, and gives each path one spelling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scenrun.batch.sweep.cell import Job
from scenrun.batch.sweep.grid import Grid
from scenrun.errors import ScenarioError, UsageError
from scenrun.language import source as yaml_source
from scenrun.language.overrides import short_path
from scenrun.language.placed import Mapping as Read
from scenrun.language.suggestions import did_you_mean

MOST_CHECKED = 1_000
"""The most values of a parameter that are checked."""
_NAMED = ("sync", "state", "behaviours", "objects", "threads")
_IDLE = {
    "seed": "seeds are varied with --seeds",
    "scenario": "a name changes nothing",
    "description": "a description changes nothing",
    "version": "there is one version of the language",
    "sweep": "a sweep does not change itself",
}


class Paths:
    """The paths of one file."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.raw: Read = yaml_source.read(job.source, [])

    def short(self, path: str) -> str:
        """The one spelling of a path; raises UsageError if it cannot be varied."""
        path = short_path(self.raw, path)
        first, *rest = path.split(".")
        if first in _IDLE:
            raise UsageError(f"`{path}` cannot be varied: {_IDLE[first]}")
        section = self.raw.get(first)
        if first in _NAMED and len(rest) == 1 and isinstance(section, Read) and rest[0] not in section:
            hint = did_you_mean(rest[0], section) or f"; there are {', '.join(section)}"
            raise UsageError(f"`{path}` cannot be varied: there is no `{rest[0]}` in `{first}`{hint}")
        return path

    def shortened(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A mapping by paths, each in its one spelling."""
        out = {}
        for path, value in given.items():
            short = self.short(path)
            if short in out:
                raise UsageError(f"`{path}` and `{short}` are one parameter, given twice")
            out[short] = value
        return out

    def check(self, grid: Grid) -> int:
        """Raises UsageError for values that the file cannot take; returns the number of values not checked."""
        self._check_overlaps(grid.paths)
        first = {path: values[0] for path, values in grid.over.items()}
        left = 0
        for path, values in grid.over.items():
            looked_at = _spread(values)
            left += len(values) - len(looked_at)
            for value in looked_at:
                self._check({**first, path: value}, path)
        for one in _spread(grid.include):
            self._check(one, None)
        return left

    def _check_overlaps(self, paths: tuple[str, ...]) -> None:
        fixed = {short_path(self.raw, path) for path in self.job.overrides}
        for path in paths:
            if path in fixed:
                raise UsageError(f"`{path}` is varied, and set as well")
            for other in (*paths, *fixed):
                if path.startswith(other + "."):
                    raise UsageError(f"`{path}` lies within `{other}`: set or vary one of them")

    def _check(self, parameters: Mapping[str, Any], path: str | None) -> None:
        try:
            self.job.load(parameters.items())
        except ScenarioError as error:
            raise UsageError("\n".join(_sentences(error, parameters, path))) from None


def _sentences(error: ScenarioError, parameters: Mapping[str, Any], path: str | None) -> Iterator[str]:
    """The problems of these values, in the terms of a sweep."""
    shown = [path] if path else list(parameters)
    given = ", ".join(f"{one}={parameters[one]}" for one in shown)
    for problem in error.problems[:5]:
        source = problem.place.source.name if problem.place else ""
        is_of_parameter = source.startswith("--set ")
        yield f"{given} cannot be: {problem.message if is_of_parameter else problem}"


def _spread(values: Iterable[Any]) -> list[Any]:
    """All values, or `MOST_CHECKED` evenly spaced ones from the first to the last."""
    found = list(values)
    if len(found) <= MOST_CHECKED:
        return found
    return [found[at * (len(found) - 1) // (MOST_CHECKED - 1)] for at in range(MOST_CHECKED)]
