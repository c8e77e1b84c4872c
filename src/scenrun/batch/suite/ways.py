"""The ways of testing a scenario, `run`, `simulate`, `explore` and `virtual`: from options, or from the scenario's file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from scenrun.errors import UsageError
from scenrun.language.expect import WAYS
from scenrun.language.model import ANY_NUMBER

if TYPE_CHECKING:
    from scenrun.language.model import Scenario

OTHERWISE = ("simulate",)
"""The ways of a file that names none: one simulation is quick, and the same every time."""


def ways_among(given: Iterable[str], option: str) -> tuple[str, ...]:
    """The ways in options such as `run,explore`, each once; errors name the option."""
    found: dict[str, None] = {}
    for word in (word.strip() for text in given for word in text.split(",")):
        if word not in WAYS:
            raise UsageError(f"{option} {word[:60] or '(nothing)'}: the ways of testing are {', '.join(WAYS)}")
        found[word] = None
    return tuple(found)


def ways_of(scenario: Scenario) -> tuple[str, ...]:
    """The ways that a file names under `expect.verdict`; a single verdict for all of them names none.

    A file with any number of replicas is only searched.
    """
    if any(group.count == ANY_NUMBER for group in scenario.threads.values()):
        return ("explore",)
    verdict = scenario.expect.as_given("verdict")
    named = tuple(way for way in WAYS if way in verdict) if isinstance(verdict, dict) else ()
    return named or OTHERWISE
