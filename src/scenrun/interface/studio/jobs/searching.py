"""Explores a text: the verdict, what was found, and the counterexample as a page and as steps to play."""

from __future__ import annotations

import time
from typing import Any

from scenrun.api import replay
from scenrun.errors import UsageError
from scenrun.interface.studio.jobs.playing import numbers_of
from scenrun.interface.studio.jobs.running import page_of
from scenrun.interface.studio.jobs.sweeping import variable_paths
from scenrun.interface.studio.jobs.wanted import Tell, Wanted
from scenrun.model.moves import Diverged
from scenrun.own_code.searching.explore_scenario import explore_any
from scenrun.printable import clean, harmless
from scenrun.program.loaded import Loaded, load_source
from scenrun.search.options import SearchRequest
from scenrun.search.result import Explored
from scenrun.search.space.visited import Space

LIMIT_S = 120
"""The seconds that a search has; it is ended before by another text."""
PROGRESS_S = 0.25
MOST_OUTCOMES, MOST_RACES = 200, 50


def explore(loaded: Loaded, wanted: Wanted, tell: Tell) -> None:
    """Search all schedules of a text, and tell how far that is, and at last what was found."""
    began = told = time.monotonic()

    def look(progress: Any) -> str | None:
        nonlocal told
        if isinstance(progress, Space) and time.monotonic() - told > PROGRESS_S:
            told = time.monotonic()
            tell({"kind": "progress", "states": len(progress), "seconds": round(told - began, 1)})
        return None

    tell({"kind": "paths", "paths": variable_paths(loaded)})
    request = SearchRequest(time_limit_ns=LIMIT_S * 1_000_000_000)
    found = explore_any(loaded, None, request.options(look))
    tell({
        "kind": "explored", "verdict": found.verdict, "ok": found.ok, "expected": list(found.expected),
        "closed": found.closed, "states": found.states, "text": harmless(str(found)),
        "outcomes": [repr(list(one)) for one in found.outcomes[:MOST_OUTCOMES]],
        "sentences": [clean(one.sentence) for one in found.counterexamples],
        "races": [clean(one.sentence()) for one in found.races[:MOST_RACES]],
        "numbers": _numbers(loaded, found),
    })  # fmt: skip
    if found.counterexamples and not loaded.program.objects:
        schedule = found.schedule_of(found.counterexamples[0])
        of = load_source(loaded.program.source, schedule.overrides)  # with as many threads as the schedule has
        page = page_of(of, lambda log: replay(schedule, scenario=of, level="debug", log=log), schedule)
        tell({"kind": "page", "html": page})


def _numbers(loaded: Loaded, found: Explored) -> list[int] | None:
    """The first counterexample as options of a play, from 0; None where there is none, or where a play has other steps."""
    if not found.counterexamples or loaded.program.objects:
        return None
    try:
        return numbers_of(loaded, found.schedule_of(found.counterexamples[0]).moves)
    except (Diverged, UsageError):
        return None
