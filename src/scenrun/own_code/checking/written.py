"""The scenario file of a check: written, loaded and searched, so that it is known to show what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scenrun.errors import OutputError
from scenrun.own_code.checking.as_scenario import CannotSay, check_place, scenario_of
from scenrun.own_code.checking.result import Failing
from scenrun.own_code.checking.subject import Subject
from scenrun.own_code.searching.explore_scenario import CodeOptions, explore_any
from scenrun.program.loaded import load
from scenrun.search.options import SearchOptions
from scenrun.search.result import Explored
from scenrun.search.space.breadth_first import Limits

PATIENCE_S = 2.0
"""Seconds for which a scenario is searched."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    path: Path
    explored: Explored | None
    """What a search of the file shows; None: it was not written."""
    why_not: str = ""


def write_scenario(
    failing: Failing, subject: Subject, path: Path, spec: str | None = None, trace: Sequence[str] = ()
) -> Written:
    """Write a program that fails as a scenario that shows it. Raises UsageError, and OutputError where it cannot be written."""
    check_place(path)
    verdicts: tuple[str, ...] = ("violated",)
    while True:
        try:
            text = scenario_of(failing, subject, spec, verdicts)
        except CannotSay as why:
            return Written(path, None, str(why))
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}", midway=False) from None
        explored = explore_any(
            load(path), None, SearchOptions(limits=Limits(seconds=PATIENCE_S)), CodeOptions(tuple(trace))
        )
        if explored.ok or set(explored.kinds) <= set(verdicts):
            return Written(path, explored)
        verdicts = (
            tuple(dict.fromkeys((*explored.kinds, *verdicts))) if "violated" in explored.kinds else explored.kinds
        )
