"""What is done with a text, in a process of its own: it is read, searched, simulated, run or played; messages tell of it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenrun.api import replay, run, simulate
from scenrun.errors import Problem, ScenarioError, UsageError
from scenrun.language.source import decode
from scenrun.language.suggestions import DID_YOU_MEAN
from scenrun.model.move_schedule import MoveSchedule
from scenrun.own_code.searching.explore_scenario import CodeOptions, explore_any
from scenrun.printable import clean
from scenrun.program.loaded import Loaded, load_source
from scenrun.program.user_python import check_calls
from scenrun.report.page.page import collect_page, write_page
from scenrun.search.counterexample.frames import frames_of
from scenrun.search.counterexample.stepper import Game
from scenrun.search.counterexample.trace import TraceStep
from scenrun.search.finish import finish_from
from scenrun.search.options import SearchRequest
from scenrun.search.space.visited import Space
from scenrun.trace.analysis.reading import Reading, opened

Tell = Callable[[dict[str, Any]], None]
NAME = "scenario.yaml"
LIMIT_S = 120
"""The seconds that a search has; it is ended before by another text."""
RUN_LIMIT = "20s"
PROGRESS_S = 0.25
FINISH_STATES, FINISH_S = 200_000, 20.0
"""The limits of a search from the middle of a schedule."""


def do(job: dict[str, Any], tell: Tell) -> None:
    """Do a job: `explore`, `simulate`, `run`, `play` or `finish` a text. Whatever is wrong with it is told, too."""
    try:
        loaded = _read(job, tell)
        if loaded is not None:
            _DOING[job["do"]](loaded, job, tell)
    except (ScenarioError, UsageError) as error:
        tell({"kind": "refused", "message": clean(str(error))})


def _read(job: dict[str, Any], tell: Tell) -> Loaded | None:
    """Read the text, and tell what is wrong with it."""
    try:
        loaded = load_source(decode(NAME, job["text"].encode()))
        check_calls(loaded.program, bool(job.get("allow_python")))
    except ScenarioError as error:
        tell({"kind": "read", "problems": [_told(one, "error") for one in error.problems]})
        return None
    except UsageError as error:
        tell(
            {"kind": "read", "problems": [{"line": 1, "column": 1, "message": clean(str(error)), "severity": "error"}]}
        )
        return None
    warnings = [_told(one, "warning") for one in loaded.program.warnings]
    tell({"kind": "read", "problems": warnings, "name": loaded.name})
    return loaded


def _told(problem: Problem, severity: str) -> dict[str, Any]:
    """A problem as the editor shows it; where a word is suggested, it can be put in its place."""
    place = problem.place
    found = DID_YOU_MEAN.search(problem.message)
    return {
        "line": place.line if place else 1, "column": place.column if place else 1,
        "message": clean(problem.message), "severity": severity, "fix": found[1] if found else None,
    }  # fmt: skip


def _explore(loaded: Loaded, job: dict[str, Any], tell: Tell) -> None:
    began = told = time.monotonic()

    def look(progress: Any) -> str | None:
        nonlocal told
        if isinstance(progress, Space) and time.monotonic() - told > PROGRESS_S:
            told = time.monotonic()
            tell({"kind": "progress", "states": len(progress), "seconds": round(told - began, 1)})
        return None

    request = SearchRequest(time_limit_ns=LIMIT_S * 1_000_000_000)
    found = explore_any(loaded, None, request.options(look), CodeOptions((), None))
    tell({
        "kind": "explored", "verdict": found.verdict, "ok": found.ok, "expected": list(found.expected),
        "closed": found.closed, "states": found.states, "text": str(found),
        "outcomes": [repr(list(one)) for one in found.outcomes[:200]],
        "sentences": [clean(one.sentence) for one in found.counterexamples],
        "races": [clean(one.sentence()) for one in found.races[:50]],
    })  # fmt: skip
    if found.counterexamples and not loaded.program.objects:
        schedule = found.schedule_of(found.counterexamples[0])
        tell({"kind": "page", "html": _page(loaded, lambda log: _replay(loaded, schedule, log), schedule)})


def _replay(loaded: Loaded, schedule: MoveSchedule, log: str) -> None:
    replay(schedule, scenario=loaded, level="debug", log=log)


def _simulate(loaded: Loaded, job: dict[str, Any], tell: Tell) -> None:
    def simulated(log: str) -> None:
        result = simulate(
            loaded, level="debug", log=log, time_limit=RUN_LIMIT, allow_python=bool(job.get("allow_python"))
        )
        tell({"kind": "ran", "verdict": result.verdict, "ok": result.ok, "way": "simulated"})

    tell({"kind": "page", "html": _page(loaded, simulated)})


def _run(loaded: Loaded, job: dict[str, Any], tell: Tell) -> None:
    def ran(log: str) -> None:
        result = run(loaded, level="debug", log=log, time_limit=RUN_LIMIT, allow_python=bool(job.get("allow_python")))
        tell({"kind": "ran", "verdict": result.verdict, "ok": result.ok, "way": "run on threads"})

    tell({"kind": "page", "html": _page(loaded, ran)})


def _page(loaded: Loaded, make: Callable[[str], None], schedule: MoveSchedule | None = None) -> str:
    """The page of a run whose log `make` writes."""
    with tempfile.TemporaryDirectory(prefix="scenrun-") as folder:
        log, page = os.path.join(folder, "log.jsonl"), Path(folder, "page.html")
        make(log)
        with opened(log) as stream:
            reading = Reading(stream, loaded.name)
            collected = collect_page(reading)
        player = frames_of(loaded.program, schedule) if schedule is not None else None
        with page.open("wb") as file:
            write_page(file, collected, reading.notes(), player=player)
        return page.read_text(encoding="utf-8")


def _play(loaded: Loaded, job: dict[str, Any], tell: Tell) -> None:
    """What can be done after some steps, each the number of an option before it."""
    game, steps = _taken(loaded, job["taken"])
    options = game.options()
    over = [] if options else _over(game)
    tell({
        "kind": "played", "steps": steps, "over": over, "ended": not options,
        "options": [_step(one.step) for one in options],
        "blocked": [clean(str(one)) for one in game.blocked()] if options else [],
        "held": [{"thread": thread, "names": names} for thread, names in game.held()],
        "values": {name: clean(repr(value)) for name, value in game.values().items()},
    })  # fmt: skip


def _finish(loaded: Loaded, job: dict[str, Any], tell: Tell) -> None:
    """Whether it can still end badly after some steps, and the shortest way there: the numbers of the options to take."""
    game, _ = _taken(loaded, job["taken"])
    found = finish_from(game.machine, game.state, FINISH_STATES, FINISH_S)
    steps = [_step(game.take(transition)) for transition in found.path]
    tell({
        "kind": "finished", "steps": steps, "numbers": list(found.numbers), "over": _over(game) if found.is_bad else [],
        "states": found.states, "closed": found.closed, "bad": found.is_bad,
    })  # fmt: skip


def _taken(loaded: Loaded, numbers: list[int]) -> tuple[Game, list[dict[str, Any]]]:
    """A game after some steps, as far as there are such options, and the steps."""
    game, steps = Game(loaded.program), []
    for number in numbers:
        options = game.options()
        if not 0 <= number < len(options):
            break
        steps.append(_step(game.take(options[number].transition)))
    return game, steps


def _step(step: TraceStep) -> dict[str, Any]:
    return {"thread": step.thread, "text": clean(step.text), "line": step.line}


def _over(game: Game) -> list[str]:
    """What the end shows."""
    return [clean(f"{about.kind}: {text}") for about, text in game.reached()]


_DOING: dict[str, Callable[[Loaded, dict[str, Any], Tell], None]] = {
    "explore": _explore, "simulate": _simulate, "run": _run, "play": _play, "finish": _finish,
}  # fmt: skip
JOBS = tuple(_DOING)
"""What can be asked for."""
